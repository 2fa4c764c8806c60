from dataclasses import replace
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from tamis.clicks import Click
from tamis.segmentors.embedded.pixel_corrections import PixelContext, discs
from tamis.training.pixel_examples import PixelExample
from tamis.training.pixel_store import PixelStore

CPU = torch.device("cpu")


def made_up(shape: tuple[int, int], clicks: tuple[Click, ...], seed: int) -> PixelExample:
    rng = np.random.default_rng(seed)
    height, width = shape

    def bytes_of(*sides: int) -> np.ndarray:
        return rng.integers(0, 256, sides, np.uint8)

    context = PixelContext(
        bytes_of(height, width, 3),
        rng.random((height // 2, width // 2)).astype(np.float16),
        rng.random((5, height // 4, width // 4)).astype(np.float16),
    )
    told, before, truth = bytes_of(3, height, width)
    return PixelExample("some", context, told, before, truth, rng.random(shape) < 0.9, clicks)


@pytest.fixture(scope="module")
def examples() -> list[PixelExample]:
    first = made_up((96, 64), (Click(5, 6), Click(40, 70, False), Click(63, 95)), 0)
    other = made_up((64, 128), (Click(100, 3), Click(0, 0, False)), 1)
    return [first, other, replace(other, clicks=(*other.clicks, Click(60, 30)))]


def padded(values: np.ndarray, top: int, left: int, side: int, mirrored: bool) -> np.ndarray:
    """A crop of (C, H, W), pixel by pixel, 0 outside."""
    crop = np.zeros((len(values), side, side), np.float32)
    for row in range(top, min(top + side, values.shape[1])):
        for column in range(left, min(left + side, values.shape[2])):
            crop[:, row - top, column - left] = values[:, row, column]
    return crop[..., ::-1] if mirrored else crop


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("untold", [False, True])
def test_a_crop_is_what_it_is_cut_from(examples: list[PixelExample], mirrored: bool, untold: bool) -> None:
    """Of an image that is narrower than the crop, and of one that goes on beyond it."""
    store, side = PixelStore(examples, CPU), 64
    for number, (top, left) in enumerate([(32, 32), (0, 64), (0, 32)]):
        rows, columns = torch.arange(top, top + side)[None], torch.arange(left, left + side)[None]
        columns = columns.flip(1) if mirrored else columns
        told = store.crops(torch.tensor([number]), rows, columns, torch.tensor([untold]))
        example = examples[number]
        context = example.context

        whole, half, quarter = (
            partial(padded, top=top // each, left=left // each, side=side // each, mirrored=mirrored)
            for each in (1, 2, 4)
        )
        masks = np.stack([example.before if untold else example.told, example.before]) / 127.5 - 1
        image, fed_masks, clicks, boundary, features = (each[0].numpy() for each in told.fed)
        np.testing.assert_allclose(image, whole(context.small.transpose(2, 0, 1) / 255), atol=1e-6)
        np.testing.assert_allclose(fed_masks, whole(masks), atol=1e-6)
        np.testing.assert_array_equal(clicks, whole(discs(example.clicks, context.shape)))
        np.testing.assert_array_equal(boundary, half(context.boundary[None]))
        np.testing.assert_array_equal(features, quarter(context.features))
        np.testing.assert_allclose(told.truth[0], whole(example.truth[None] / 255).ravel(), atol=1e-6)
        np.testing.assert_array_equal(told.known[0], whole(example.known[None]).ravel())


def test_a_context_is_kept_once(examples: list[PixelExample]) -> None:
    store = PixelStore(examples, CPU)
    assert len(store._image) == 2
    assert store.sizes == [(96, 64), (64, 128), (64, 128)]
    assert store.last == [(95, 63), (0, 0), (30, 60)]

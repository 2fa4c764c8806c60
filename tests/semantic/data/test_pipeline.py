import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.semantic.data import transforms
from tamis.semantic.data.class_tables import ade20k
from tamis.semantic.data.dataset import Pixels, SemanticDataset, read_sample
from tamis.semantic.data.pipeline import (
    Draws,
    Photometric,
    RandomScale,
    RandomShortSide,
    Step,
    TrainTransform,
    apply,
    augment,
    colour_changes,
    draw,
    draw_colours,
    stack,
    train_pipeline,
    validation_resize,
)
from tests.semantic.label_maps import picture, stripes

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = TrainTransform(crop=(24, 32))


class Replay:
    """Gives the numbers that mmsegmentation drew; the coin of the flip is its choice of a direction or none."""

    def __init__(self, trace: Iterable[Sequence[Any]]) -> None:
        self.trace = [(name, value) for name, *_, value in trace]

    def random(self) -> float:
        name, value = self.trace.pop(0)
        assert name in ("random_sample", "choice")
        return float(value) if name == "random_sample" else 1.0 - (value is not None)

    def uniform(self, low: float, high: float) -> float:
        name, value = self.trace.pop(0)
        assert name == "uniform"
        assert low <= value <= high
        return float(value)

    def integers(self, low: int, high: int) -> int:
        name, value = self.trace.pop(0)
        assert name == "randint"
        assert low <= value < high
        return int(value)


@pytest.mark.parametrize("seed", range(8))
def test_the_pixels_are_those_of_the_peer(seed: int) -> None:
    """`mmseg_pipeline.npz` has a small image, and what mmsegmentation 1.2.2 made of it with the draws of the JSON."""
    theirs = np.load(GOLDEN / "mmseg_pipeline.npz")
    replay = Replay(json.loads((GOLDEN / "mmseg_pipeline.json").read_text())[seed])
    settings = TrainTransform(RandomScale((80, 60)), crop=(32, 40))
    image, label = augment(theirs["image"], theirs["label"], settings, replay)
    assert replay.trace == []
    assert np.array_equal(image, theirs[f"image{seed}"])
    assert np.array_equal(label, theirs[f"label{seed}"])


@pytest.fixture
def peer(golden: Path) -> Path:
    return golden / "mmseg" / "a"


@pytest.fixture
def sample(peer: Path) -> tuple[Pixels, Pixels]:
    pair = peer / "image.png", peer / "label.png"
    return read_sample(SemanticDataset.of_files("ade20k", ade20k(), [pair]), 0)


@pytest.mark.data
def test_a_sample_is_loaded_as_the_peer_does(peer: Path, sample: tuple[Pixels, Pixels]) -> None:
    loaded = np.load(peer / "loaded.npz")
    assert np.array_equal(sample[0], loaded["img"])
    assert np.array_equal(sample[1], loaded["gt"])


@pytest.mark.data
@pytest.mark.parametrize("seed", [0, 1])
def test_every_step_gives_the_pixels_of_the_peer(peer: Path, sample: tuple[Pixels, Pixels], seed: int) -> None:
    replay = Replay(json.loads((peer / f"trace_seed{seed}.json").read_text()))
    theirs = np.load(peer / f"train_seed{seed}.npz")
    hashes = json.loads((peer / "manifest.json").read_text())["arrays"]
    draws = draw(sample[1], TrainTransform(), replay)
    assert replay.trace == []
    (row, column), (height, width) = draws.corner, draws.crop
    assert theirs["crop_bbox"].tolist() == [row, row + height, column, column + width]
    image, label = sample
    after: dict[str, tuple[Pixels, Pixels]] = {}
    for step in train_pipeline(draws):
        image, label = step.apply(image, label)
        after[step.name.split(" ")[0] + (" labels" if step.image is None else "")] = image, label
    assert sha(after["resize"][0]) == hashes[f"train_seed{seed}/resize_img"][2]
    assert np.array_equal(after["resize labels"][1], theirs["resize_gt"])
    assert np.array_equal(after["crop"][0], theirs["crop_img"])
    assert np.array_equal(after["crop"][1], theirs["crop_gt"])
    assert ("flip" in after) == bool(theirs["flipped"])
    flipped = after["flip"] if theirs["flipped"] else after["crop"]
    assert sha(flipped[0]) == hashes[f"train_seed{seed}/flip_img"][2]
    assert np.array_equal(label, theirs["flip_gt"])
    assert np.array_equal(image, theirs["photo_img"])


@pytest.mark.data
def test_a_batch_has_the_values_of_the_peer(peer: Path) -> None:
    theirs, made = np.load(peer / "train_batch.npz"), np.load(peer / "train_seed0.npz")
    images, labels = [transforms.normalise(made["photo_img"])], [made["flip_gt"]]
    for size, name in (((518, 518), "fixed"), ((512, 512), "max")):
        pixels, padded = stack(images, labels, size)
        assert np.array_equal(pixels, theirs[f"inputs_{name}"])
        assert np.array_equal(padded, theirs[f"gt_{name}"][:, 0])


@pytest.mark.data
def test_validation_gives_the_values_of_the_peer(peer: Path, sample: tuple[Pixels, Pixels]) -> None:
    theirs = np.load(peer / "test.npz")
    resized = validation_resize(sample[0])
    assert np.array_equal(resized, theirs["resized"])
    normalised = transforms.normalise(resized)
    size = transforms.divisible_size([resized.shape[:2]], 14)
    assert np.array_equal(transforms.pad(normalised, size), theirs["inputs"][0])
    left, right, top, bottom = theirs["padding"].tolist()
    assert (left, top, size) == (0, 0, (resized.shape[0] + bottom, resized.shape[1] + right))
    assert np.array_equal(sample[1], theirs["gt"][0])  # in its own size


@pytest.mark.parametrize("settings", [SMALL, TrainTransform(RandomShortSide((20, 50, 64), 80), (24, 32))])
def test_augmenting_is_the_pipeline_in_fewer_passes(settings: TrainTransform) -> None:
    image, label = picture(1), stripes([0, 1, 2, 2, 2, 2, 255])
    shapes = set()
    for seed in range(40):
        draws = draw(label, settings, np.random.default_rng(seed))
        expected = apply(train_pipeline(draws), image, label)
        found = augment(image, label, settings, np.random.default_rng(seed))
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
        shapes.add(found[1].shape)
    assert (24, 32) in shapes


def test_an_image_smaller_than_the_crop_gives_a_smaller_crop() -> None:
    draws = Draws((10, 14), (0, 0), (24, 32), False, Photometric())
    image, label = apply(train_pipeline(draws), picture(0), stripes([1, 2]))
    assert (image.shape, label.shape) == ((10, 14, 3), (10, 14))


def test_a_crop_that_is_never_varied_is_drawn_eleven_times() -> None:
    class Counting:
        def __init__(self) -> None:
            self.corners = 0

        def random(self) -> float:
            return 0.9

        def uniform(self, low: float, high: float) -> float:
            return low

        def integers(self, low: int, high: int) -> int:
            self.corners += high > 2
            return 0

    rng = Counting()
    draw(stripes([7]), TrainTransform(crop=(16, 16)), rng)
    assert rng.corners == 2 * 11
    rng = Counting()
    draw(stripes([7]), TrainTransform(crop=(16, 16), most=1.0), rng)
    assert rng.corners == 2


def test_contrast_comes_first_or_last_but_never_twice() -> None:
    seen = set()
    for seed in range(200):
        colours = draw_colours(np.random.default_rng(seed))
        kinds = [change.name.split(" ")[0] for change in colour_changes(colours)]
        assert kinds.count("contrast") == (colours.contrast is not None)
        if "contrast" in kinds and "hue" in kinds:
            first = kinds.index("contrast") < kinds.index("hue")
            assert first is colours.contrast_first
            seen.add(first)
        assert colours.hue is None or -18 <= colours.hue < 18
    assert seen == {True, False}


def test_every_part_of_the_distortion_happens_half_of_the_time() -> None:
    drawn = [draw_colours(np.random.default_rng(seed)) for seed in range(1000)]
    for part in ("brightness", "contrast", "saturation", "hue"):
        assert 0.45 < np.mean([getattr(colours, part) is not None for colours in drawn]) < 0.55


def test_the_same_seed_gives_the_same_pixels() -> None:
    image, label = picture(0), stripes([0, 1, 2])
    first, second = (augment(image, label, SMALL, np.random.default_rng(5))[0] for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, augment(image, label, SMALL, np.random.default_rng(6))[0])


def test_a_step_does_what_it_is_given_to_each() -> None:
    image, label = picture(0), stripes([0, 1])
    assert Step("nothing").apply(image, label) == (image, label)
    assert Step("flip", label=transforms.flip).apply(image, label)[0] is image


def test_a_batch_is_padded_image_by_image() -> None:
    sizes = [(30, 50), (64, 64), (64, 10)]
    images = [transforms.normalise(picture(k, size)) for k, size in enumerate(sizes)]
    labels = [stripes([k], size) for k, size in enumerate(sizes)]
    pixels, padded = stack(images, labels, (64, 66))
    assert (pixels.shape, padded.shape) == ((3, 3, 64, 66), (3, 64, 66))
    for index, (height, width) in enumerate(sizes):
        assert np.array_equal(pixels[index, :, :height, :width], images[index])
        assert (padded[index, :height, :width] == index).all()
        assert not pixels[index, :, height:].any()
        assert not pixels[index, :, :, width:].any()
        assert (padded[index] == 255).sum() == 64 * 66 - height * width


def sha(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]

import numpy as np
import pytest

pytest.importorskip("torch")
import cv2
import torch

from tamis.datasets.supervision import Kind
from tamis.training.album import Album
from tamis.training.crops import (
    CropOptions,
    Places,
    borders_of,
    consensus,
    cut_images,
    cut_labels,
    draw_clicks,
    draw_crops,
    draw_places,
)
from tamis.training.photographs import Photograph

CPU = torch.device("cpu")


def photograph(kind: Kind = Kind.SINGLE, height: int = 60, width: int = 90, maps: int = 1) -> Photograph:
    rng = np.random.default_rng(height)
    labels = np.zeros((height, width), np.int16)
    labels[height // 4 : -height // 4, width // 4 : -width // 4] = 1
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Photograph("some", "name", kind, pixels, tuple(np.roll(labels, k, axis=1) for k in range(maps)))


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_crops_depend_on_the_generators_alone() -> None:
    album = Album.of([photograph(), photograph(height=80)], CPU)
    numbers, options = np.array([1, 0, 1]), CropOptions(size=64)
    first = draw_crops(album, numbers, np.random.default_rng(3), chance(3), options)
    second = draw_crops(album, numbers, np.random.default_rng(3), chance(3), options)
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert first.images.shape == (3, 3, 64, 64)
    assert first.boundary.shape == (3, 32, 32)


def test_pixels_and_labels_are_those_that_opencv_cuts() -> None:
    """cv2.warpAffine with the same map is the independent implementation."""
    one, other = photograph(), photograph(height=80, width=70)
    album = Album.of([one, other], CPU)
    matrix = np.array([[0.8, 0.3, 5.0], [-0.2, 1.1, -7.0]])
    column, row = np.meshgrid(np.arange(48.0), np.arange(48.0))
    x, y = (matrix @ np.stack([column.ravel(), row.ravel(), np.ones(48 * 48)])).reshape(2, 1, 48, 48)
    places = Places(torch.from_numpy(x).float(), torch.from_numpy(y).float())
    shapes, start = torch.tensor([[80, 70]]), torch.tensor([60 * 90])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    expected = cv2.warpAffine(other.image, matrix, (48, 48), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    found = cut_images(album.pixels, start, shapes, places)[0].permute(1, 2, 0) * 255
    assert np.abs(found.numpy() - expected).mean() < 2  # OpenCV rounds places to 1/32 of a pixel
    inside = (x >= 0) & (y >= 0) & (x <= 69) & (y <= 79)
    labels = cut_labels(album.labels, start, shapes, places)[0].numpy()
    nearest = other.maps[0][np.clip(np.rint(y), 0, 79).astype(int), np.clip(np.rint(x), 0, 69).astype(int)]
    np.testing.assert_array_equal(labels[inside[0]], nearest[inside])
    assert (labels[(x < -0.6)[0] | (y < -0.6)[0]] == -1).all()


def test_scales_and_turns_stay_within_their_limits() -> None:
    options = CropOptions(size=64, scales=(0.5, 2.0), rotated=1.0)
    x, y = draw_places(torch.tensor([[300, 400]] * 200), chance(), options)
    step = torch.stack([x[:, 0, 1] - x[:, 0, 0], y[:, 0, 1] - y[:, 0, 0]])
    scale = 1 / step.norm(dim=0)
    assert 0.45 < scale.min() < 0.6
    assert 1.7 < scale.max() < 2.2
    assert (torch.atan2(step[1].abs(), step[0].abs()) <= 0.41).all()
    assert 0.3 < (step[0] < 0).float().mean() < 0.7  # mirrored


def test_clicks_lie_in_the_mask_that_they_name() -> None:
    album = Album.of([photograph(Kind.PARTITION)], CPU)
    crop = draw_crops(album, np.zeros(4, int), np.random.default_rng(0), chance(), CropOptions(size=64))
    clicked = crop.labels.flatten(1).gather(1, crop.cells)
    assert (clicked == crop.masks)[crop.weights > 0].all()
    assert crop.weights.max() == 1


def test_the_ground_of_a_single_object_is_clicked_with_less_weight() -> None:
    labels = torch.zeros((2, 16, 16), dtype=torch.int16)
    labels[:, :8] = 1
    single = torch.tensor([True, False])
    _, masks, weights = draw_clicks(labels, single, chance(), CropOptions(clicks=400))
    assert (masks[0] == 0).float().mean().item() == pytest.approx(0.2, abs=0.06)
    assert set(weights[masks == 0].tolist()) == {0.25}
    assert set(weights[masks == 1].tolist()) == {1.0}
    assert (masks[1] == 1).all()


def test_masks_are_clicked_alike_whatever_their_size_and_small_ones_never() -> None:
    labels = torch.ones((1, 16, 16), dtype=torch.int16)
    labels[0, 0, :8], labels[0, 1, :5] = 2, 3
    _, masks, _ = draw_clicks(labels, torch.tensor([False]), chance(), CropOptions(clicks=600))
    assert (masks == 2).float().mean().item() == pytest.approx(0.5, abs=0.06)
    assert not (masks == 3).any()


def test_a_map_without_masks_gives_clicks_without_weight() -> None:
    labels = torch.zeros((1, 8, 8), dtype=torch.int16)
    _, _, weights = draw_clicks(labels, torch.tensor([True]), chance(), CropOptions())
    assert not weights.any()


def test_borders_are_unknown_next_to_unknown_pixels() -> None:
    labels = torch.ones((1, 8, 8), dtype=torch.int16)
    labels[:, :, 6:] = -1
    border, known = borders_of(labels)
    assert not border.any()
    assert known[:, :, :2].all()
    assert not known[:, :, 3].any()


def test_a_border_counts_by_the_share_of_annotators_who_drew_it() -> None:
    borders = torch.tensor([1.0, 0.0, 1.0, 1.0])[:, None, None]
    known = torch.tensor([1.0, 1.0, 1.0, 0.0])[:, None, None]
    share, agreed = consensus(borders, known, torch.tensor([0, 0, 0, 1]), torch.tensor([3, 1]))
    assert share.flatten().tolist() == pytest.approx([2 / 3, 1])
    assert agreed.flatten().tolist() == [1, 0]


def test_all_annotators_of_a_partition_are_heard() -> None:
    album = Album.of([photograph(Kind.PARTITION, maps=4)], CPU)
    crop = draw_crops(album, np.zeros(8, int), np.random.default_rng(0), chance(), CropOptions(size=96))
    assert {0.25, 0.5} & set(crop.boundary.flatten().tolist())
    objects = Album.of([photograph(Kind.INSTANCES, maps=1)], CPU)
    crop = draw_crops(objects, np.zeros(8, int), np.random.default_rng(0), chance(), CropOptions(size=96))
    assert ((crop.boundary_weight > 0) == (crop.boundary > 0)).all()  # only drawn borders are known

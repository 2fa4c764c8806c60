import numpy as np
import pytest
from pycocotools import mask as reference

from tamis.arrays import ImageArray, MaskArray
from tamis.compat import SamAutomaticMaskGenerator
from tamis.compat.generator import crop_boxes, stability_of
from tamis.errors import InputError
from tamis.segmentors import load_segmentor

Scene = tuple[ImageArray, MaskArray]

KEYS = {"segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score", "crop_box"}


def generator(**arguments: object) -> SamAutomaticMaskGenerator:
    given = {"points_per_side": 6, "pred_iou_thresh": 0.5, "stability_score_thresh": 0.5, **arguments}
    return SamAutomaticMaskGenerator(load_segmentor("hierarchy"), **given)  # type: ignore[arg-type]


def test_records_have_the_shape_of_sams(scene: Scene) -> None:
    records = generator().generate(scene[0])
    assert records
    for record in records:
        assert set(record) == KEYS
        mask = record["segmentation"]
        assert mask.shape == (96, 128)
        assert record["area"] == mask.sum()
        rows, columns = np.nonzero(mask)
        assert record["bbox"] == [columns.min(), rows.min(), np.ptp(columns), np.ptp(rows)]
        assert record["crop_box"] == [0, 0, 128, 96]
        ((x, y),) = record["point_coords"]
        assert mask[round(y), round(x)]
    ious = [record["predicted_iou"] for record in records]
    assert ious == sorted(ious, reverse=True)
    best = max((mask & scene[1]).sum() / (mask | scene[1]).sum() for mask in (r["segmentation"] for r in records))
    assert best > 0.9


def test_the_three_forms_of_a_mask_are_the_same_mask(scene: Scene) -> None:
    dense, lists, strings = (
        generator(output_mode=mode).generate(scene[0]) for mode in ("binary_mask", "uncompressed_rle", "coco_rle")
    )
    for one, other, third in zip(dense, lists, strings, strict=True):
        assert (reference.decode(reference.frPyObjects(other["segmentation"], 96, 128)) == one["segmentation"]).all()
        assert (reference.decode(third["segmentation"]) == one["segmentation"]).all()


def test_crops_lie_as_sam_lays_them() -> None:
    """Two layers on 300×200: by hand from the rule; the overlap is int(512 / 1500 · 200 · 2 / n)."""
    crops = crop_boxes((200, 300), 1, 512 / 1500)
    assert crops == [
        ((0, 0, 300, 200), 0),
        ((0, 0, 184, 134), 1),
        ((0, 66, 184, 200), 1),
        ((116, 0, 300, 134), 1),
        ((116, 66, 300, 200), 1),
    ]


def test_masks_of_crops_come_back_to_their_place() -> None:
    """A small disc in the last crop of the second layer, far from where that is cut off."""
    rows, columns = np.mgrid[:96, :128]
    disc = (rows - 80) ** 2 + (columns - 110) ** 2 < 8**2
    image = np.where(disc[..., None], (200, 40, 40), (40, 120, 60)).astype(np.uint8)
    records = generator(crop_n_layers=1).generate(image)
    assert [48, 32, 80, 64] in [record["crop_box"] for record in records if record["segmentation"][80, 110]]
    for record in records:
        ((x, y),) = record["point_coords"]
        assert record["segmentation"][round(y), round(x)]


def test_stability_is_the_iou_of_two_thresholds() -> None:
    logits = np.array([[-2, -0.5, 0.5, 2, 3]], np.float32)
    assert stability_of(logits, 1.0) == 2 / 4
    assert np.isnan(stability_of(np.full((2, 2), -9, np.float32), 1.0))


def test_small_holes_and_islands_go(scene: Scene) -> None:
    from tamis.mask import components

    for record in generator(min_mask_region_area=40).generate(scene[0]):
        parts = components(record["segmentation"])
        assert len(parts) == 1 or parts.areas.min() >= 40


def test_misuse_is_a_sentence() -> None:
    with pytest.raises(InputError, match="output_mode is binary_mask, uncompressed_rle or coco_rle, not 'png'"):
        generator(output_mode="png")
    with pytest.raises(InputError, match="leaves no point for layer 3"):
        generator(crop_n_layers=3, crop_n_points_downscale_factor=2)

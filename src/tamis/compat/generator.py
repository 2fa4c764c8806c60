"""`SamAutomaticMaskGenerator` of segment-anything 1.0 over any segmentor: the masks of a whole image as records."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.compat.prompting import clicks_at, predict_each
from tamis.errors import InputError
from tamis.image import require_rgb
from tamis.mask import Masks, box_nms, box_of, fill_holes, remove_islands
from tamis.segmentors import Segmentor
from tamis.segmentors.protocol import HasSegmentor, plain

_NEAR = 20
"""Masks whose box comes so near, in pixels, to the edge of a crop that is none of the image's are dropped."""

Crop = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class _CropMask:
    """One mask of a crop. Boxes are left, top, right, bottom, the last two inclusive, as SAM has them."""

    rle: dict[str, Any]
    box: tuple[int, int, int, int]
    iou: float
    stability: float
    point: tuple[float, float]
    crop: Crop


class SamAutomaticMaskGenerator:
    """The arguments, their defaults and the order of all steps are those of the original.

    Args:
        model: any model, from `tamis.load`.
        points_per_side: of the grid of clicks.
        points_per_batch: taken for compatibility; batches have the size that suits the segmentor.
        pred_iou_thresh: masks with no greater predicted IoU are dropped.
        stability_score_thresh: masks with a lower stability are dropped.
        stability_score_offset: stability is the IoU of the masks at this logit above and below zero.
        box_nms_thresh: of two masks of a crop whose boxes overlap by more, the better one stays.
        crop_n_layers: layer i asks about 2^i × 2^i overlapping parts of the image.
        crop_nms_thresh: the same between crops, where the mask of the smaller crop stays.
        crop_overlap_ratio: of neighbouring crops, as a share of the image's shorter side.
        crop_n_points_downscale_factor: how many times fewer points per side each further layer has.
        min_mask_region_area: smaller holes are filled and smaller islands dropped, in pixels.
        output_mode: of `segmentation`: a bool array, or run lengths as lists or as COCO's strings.
    """

    def __init__(
        self,
        model: Segmentor | HasSegmentor,
        points_per_side: int = 32,
        points_per_batch: int = 64,
        pred_iou_thresh: float = 0.88,
        stability_score_thresh: float = 0.95,
        stability_score_offset: float = 1.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        min_mask_region_area: int = 0,
        output_mode: Literal["binary_mask", "uncompressed_rle", "coco_rle"] = "binary_mask",
    ) -> None:
        if output_mode not in ("binary_mask", "uncompressed_rle", "coco_rle"):
            raise InputError(f"output_mode is binary_mask, uncompressed_rle or coco_rle, not '{output_mode}'")
        self.model = plain(model)
        self.points_per_batch = points_per_batch
        self.pred_iou_thresh = pred_iou_thresh
        self.stability_score_thresh = stability_score_thresh
        self.stability_score_offset = stability_score_offset
        self.box_nms_thresh = box_nms_thresh
        self.crop_n_layers = crop_n_layers
        self.crop_nms_thresh = crop_nms_thresh
        self.crop_overlap_ratio = crop_overlap_ratio
        self.min_mask_region_area = min_mask_region_area
        self.output_mode = output_mode
        self.mask_threshold = 0.0
        self.grids = [points_per_side // crop_n_points_downscale_factor**layer for layer in range(crop_n_layers + 1)]
        if min(self.grids) < 1:
            raise InputError(f"points_per_side {points_per_side} leaves no point for layer {crop_n_layers} of crops")

    def generate(self, image: ImageArray) -> list[dict[str, Any]]:
        """The masks of an image, of one crop by descending predicted IoU.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            For each mask `segmentation`, `area` in pixels, `bbox` [x, y, w, h] between the centres of the outermost
            pixels, `predicted_iou`, `point_coords` [[x, y]], `stability_score`, `crop_box` [x, y, w, h].

        Raises:
            InputError: the array is no such image.
        """
        image = require_rgb(image)
        shape = image.shape[0], image.shape[1]
        crops = crop_boxes(shape, self.crop_n_layers, self.crop_overlap_ratio)
        found: list[_CropMask] = []
        for crop, layer in crops:
            inside = list(self._masks_of(image, crop, self.grids[layer]))
            found += _distinct(inside, [mask.iou for mask in inside], self.box_nms_thresh)
        if len(crops) > 1:
            found = _distinct(found, [1 / _area(mask.crop) for mask in found], self.crop_nms_thresh)
        if self.min_mask_region_area > 0:
            found = self._tidied(found)
        return [self._record(mask) for mask in found]

    def _masks_of(self, image: ImageArray, crop: Crop, side: int) -> Iterator[_CropMask]:
        left, top, right, bottom = crop
        height, width = image.shape[:2]
        encoded = self.model.encode(np.ascontiguousarray(image[top:bottom, left:right]))
        places = (np.arange(side) + 0.5) / side
        points = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2) * (right - left, bottom - top)
        for number, logits, ious in predict_each(encoded, clicks_at(points, [1] * len(points), encoded.shape)):
            for logit, iou in zip(logits, ious.tolist(), strict=True):
                if self.pred_iou_thresh > 0 and not iou > self.pred_iou_thresh:
                    continue
                logit = logit - self.mask_threshold
                stability = stability_of(logit, self.stability_score_offset)
                if self.stability_score_thresh > 0 and not stability >= self.stability_score_thresh:
                    continue
                box = _box_of(logit > 0)
                placed = box[0] + left, box[1] + top, box[2] + left, box[3] + top
                if _near_a_cut(placed, crop, (width, height)):
                    continue
                whole = np.zeros((height, width), bool)
                whole[top:bottom, left:right] = logit > 0
                x, y = points[number].tolist()
                yield _CropMask(_rle(whole), placed, iou, stability, (x + left, y + top), crop)

    def _tidied(self, found: list[_CropMask]) -> list[_CropMask]:
        """Small holes filled, small islands dropped, and again only masks that differ, unchanged ones first."""
        tidied, changed = [], []
        for mask in found:
            before = Masks.from_coco([mask.rle])[0]
            after = fill_holes(before, self.min_mask_region_area - 1, border=True)
            after = remove_islands(after, self.min_mask_region_area)
            same = bool((before == after).all())
            tidied.append(mask if same else replace(mask, rle=_rle(after), box=_box_of(after)))
            changed.append(not same)
        return _distinct(
            tidied, [float(not change) for change in changed], max(self.box_nms_thresh, self.crop_nms_thresh)
        )

    def _record(self, mask: _CropMask) -> dict[str, Any]:
        masks = Masks.from_coco([mask.rle])
        segmentation: Any = mask.rle
        if self.output_mode == "binary_mask":
            segmentation = masks[0]
        elif self.output_mode == "coco_rle":
            compressed = masks.coco()[0]
            segmentation = {"size": compressed["size"], "counts": compressed["counts"].decode()}
        return {
            "segmentation": segmentation,
            "area": int(masks.areas[0]),
            "bbox": _xywh(mask.box),
            "predicted_iou": mask.iou,
            "point_coords": [list(mask.point)],
            "stability_score": mask.stability,
            "crop_box": _xywh(mask.crop),
        }


class SAM2AutomaticMaskGenerator(SamAutomaticMaskGenerator):
    """The generator of sam2 1.1: the same steps, its own defaults, `mask_threshold` a logit.

    Args:
        model: any model, from `tamis.load`.
        points_per_side: this and the rest as in `SamAutomaticMaskGenerator`.
        points_per_batch: as there.
        pred_iou_thresh: as there, but .8.
        stability_score_thresh: as there.
        stability_score_offset: as there.
        mask_threshold: masks are where logits are greater.
        box_nms_thresh: as there.
        crop_n_layers: as there.
        crop_nms_thresh: as there.
        crop_overlap_ratio: as there.
        crop_n_points_downscale_factor: as there.
        min_mask_region_area: 0; the original counts in pixels of its small logits.
        output_mode: as there.
        use_m2m: False; there is no second look at each mask here.
        multimask_output: True.

    Raises:
        InputError: an argument that only the original can follow.
    """

    def __init__(
        self,
        model: Segmentor | HasSegmentor,
        points_per_side: int = 32,
        points_per_batch: int = 64,
        pred_iou_thresh: float = 0.8,
        stability_score_thresh: float = 0.95,
        stability_score_offset: float = 1.0,
        mask_threshold: float = 0.0,
        box_nms_thresh: float = 0.7,
        crop_n_layers: int = 0,
        crop_nms_thresh: float = 0.7,
        crop_overlap_ratio: float = 512 / 1500,
        crop_n_points_downscale_factor: int = 1,
        min_mask_region_area: int = 0,
        output_mode: Literal["binary_mask", "uncompressed_rle", "coco_rle"] = "binary_mask",
        use_m2m: bool = False,
        multimask_output: bool = True,
    ) -> None:
        if use_m2m or not multimask_output or min_mask_region_area:
            raise InputError(
                "use_m2m, multimask_output=False and min_mask_region_area are SAM 2's own: leave them as they are, or "
                "tidy the masks with tamis.mask.fill_holes and remove_islands"
            )
        super().__init__(
            model,
            points_per_side,
            points_per_batch,
            pred_iou_thresh,
            stability_score_thresh,
            stability_score_offset,
            box_nms_thresh,
            crop_n_layers,
            crop_nms_thresh,
            crop_overlap_ratio,
            crop_n_points_downscale_factor,
            output_mode=output_mode,
        )
        self.mask_threshold = mask_threshold


def crop_boxes(shape: tuple[int, int], layers: int, overlap_ratio: float) -> list[tuple[Crop, int]]:
    """The crops of an image of (height, width) and their layers; the whole image is layer 0.

    Layer i has 2^i crops along each side, which overlap by `overlap_ratio` of the shorter side times 2 / 2^i.
    """
    height, width = shape
    crops: list[tuple[Crop, int]] = [((0, 0, width, height), 0)]
    for layer in range(1, layers + 1):
        count = 2**layer
        overlap = int(overlap_ratio * min(shape) * 2 / count)
        w, h = (int(np.ceil((overlap * (count - 1) + length) / count)) for length in (width, height))
        lefts, tops = ([(size - overlap) * i for i in range(count)] for size in (w, h))
        crops += [((x, y, min(x + w, width), min(y + h, height)), layer) for x in lefts for y in tops]
    return crops


def stability_of(logits: NDArray[np.float32], offset: float) -> float:
    """The IoU of the masks above +offset and above -offset; not a number where both are empty."""
    larger = np.count_nonzero(logits > -offset)
    return float(np.count_nonzero(logits > offset) / larger) if larger else float("nan")


def _near_a_cut(box: Crop, crop: Crop, size: tuple[int, int]) -> bool:
    """Whether a box comes near to an edge of the crop that is no edge of the image."""
    edges = zip(box, crop, (0, 0, *size), strict=True)
    return any(abs(side - cut) <= _NEAR < abs(side - edge) for side, cut, edge in edges)


def _distinct(found: list[_CropMask], scores: list[float], threshold: float) -> list[_CropMask]:
    """Greedy suppression of boxes by IoU, the best first; among equals the earlier."""
    return [found[i] for i in box_nms([mask.box for mask in found], scores, threshold).tolist()]


def _rle(mask: MaskArray) -> dict[str, Any]:
    return Masks.from_dense(mask[None]).coco(compressed=False)[0]


def _box_of(mask: MaskArray) -> Crop:
    """The outermost pixels of a mask, inclusive; zeros for an empty one."""
    left, top, right, bottom = box_of(mask) or (0, 0, 1, 1)
    return left, top, right - 1, bottom - 1


def _area(crop: Crop) -> int:
    return (crop[2] - crop[0]) * (crop[3] - crop[1])


def _xywh(box: Crop) -> list[int]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]

"""The records of SAM's automatic mask generator, in the JSON of SA-1B: one file for each image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.clicks import Click
from tamis.mask import Masks


def sam_document(file_name: str, shape: tuple[int, int], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """{"image": …, "annotations": […]} of an image of (height, width) and its records, numbered from 1."""
    height, width = shape
    return {
        "image": {"image_id": 1, "width": width, "height": height, "file_name": file_name},
        "annotations": [{"id": number, **record} for number, record in enumerate(records, 1)],
    }


def sam_records(
    masks: Masks, scores: NDArray[np.float32], stabilities: NDArray[np.float32], clicks: Sequence[Click]
) -> list[dict[str, Any]]:
    """The fields and conventions of facebookresearch/segment-anything, masks as COCO's strings.

    Boxes are x, y, w, h between the centres of the outermost pixels, points are counted from the centre of the first
    pixel, and the image is its own only crop.

    Args:
        masks: N of them, the best first.
        scores: (N,) predicted or expected IoU.
        stabilities: (N,) of the masks.
        clicks: that made them.
    """
    height, width = masks.shape
    boxes = masks.coco_boxes
    boxes[:, 2:] = np.maximum(boxes[:, 2:] - 1, 0)
    return [
        {
            "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
            "area": area,
            "bbox": box,
            "predicted_iou": round(float(score), 6),
            "point_coords": [[click.x - 0.5, click.y - 0.5]],
            "stability_score": round(float(stability), 6),
            "crop_box": [0, 0, width, height],
        }
        for rle, area, box, score, stability, click in zip(
            masks.coco(), masks.areas.tolist(), boxes.tolist(), scores, stabilities, clicks, strict=True
        )
    ]

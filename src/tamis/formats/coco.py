"""COCO JSON with run-length masks: the form that keeps every pixel, holes and parts included."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tamis.mask import Masks


@dataclass(frozen=True)
class CocoImage:
    """An image and its masks, as they stand in a COCO file.

    Attributes:
        file_name: relative to the folder of images, with forward slashes.
        shape: (height, width) in pixels.
        annotations: one for each mask, without ids, which belong to a file and not to an image.
    """

    file_name: str
    shape: tuple[int, int]
    annotations: list[dict[str, Any]] = field(default_factory=list)


def annotations_of(masks: Masks, extra: Iterable[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """COCO annotations of masks: compressed RLE, area, box (x, y, width, height), category 1.

    Args:
        masks: N masks of one image.
        extra: N mappings of further fields such as a score.
    """
    fields = extra if extra is not None else ({} for _ in range(len(masks)))
    return [
        {
            "category_id": 1,
            "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
            "area": area,
            "bbox": box,
            "iscrowd": 0,
            **more,
        }
        for rle, area, box, more in zip(
            masks.coco(), masks.areas.tolist(), masks.coco_boxes.tolist(), fields, strict=True
        )
    ]


def masks_of(image: CocoImage) -> Masks:
    """The masks of an image, in order."""
    return Masks.from_coco((annotation["segmentation"] for annotation in image.annotations), image.shape)


def dataset_of(images: Iterable[CocoImage], info: Mapping[str, Any]) -> dict[str, Any]:
    """A COCO dataset, ready for JSON: images and annotations numbered from 1, one category, "object".

    Args:
        images: in the order in which they are numbered.
        info: what to say of the file as a whole.
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(images, start=1):
        height, width = image.shape
        entries.append({"id": image_id, "file_name": image.file_name, "width": width, "height": height})
        for annotation in image.annotations:
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **annotation})
    return {
        "info": dict(info),
        "licenses": [],
        "images": entries,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "object", "supercategory": ""}],
    }

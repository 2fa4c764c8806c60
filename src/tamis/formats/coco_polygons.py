"""COCO JSON with polygons: one for each part, its holes joined to it by a line that is gone along twice."""

from pathlib import Path

from tamis.formats.coco_file import FILE, described, read
from tamis.formats.outlines import rings_of
from tamis.formats.record import Dataset
from tamis.results.files import write_json

__all__ = ["read", "write"]


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.json`."""
    content = described(dataset)
    masks = (mask for image in dataset.images for mask in image.masks)
    for annotation, mask in zip(content["annotations"], masks, strict=True):
        annotation["segmentation"] = [ring.ravel().tolist() for ring in rings_of(mask, tolerance)]
    write_json(out / FILE, content, indent=None)

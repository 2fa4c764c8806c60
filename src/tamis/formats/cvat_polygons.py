"""CVAT for images XML with polygons: one for each mask, its parts and holes joined to one line."""

from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from tamis.arrays import MaskArray
from tamis.formats.cvat import FILE, document, read
from tamis.formats.outlines import joined, rings_of
from tamis.formats.record import Dataset
from tamis.results.files import write_bytes

__all__ = ["read", "write"]


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.xml` with a `polygon` for every mask."""
    write_bytes(out / FILE, document(dataset, partial(_polygon_element, tolerance)))


def _polygon_element(tolerance: float, mask: MaskArray, label: str) -> ElementTree.Element:
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in joined(rings_of(mask, tolerance)).tolist())
    attributes = {"label": label, "source": "manual", "occluded": "0", "points": points, "z_order": "0"}
    return ElementTree.Element("polygon", attributes)

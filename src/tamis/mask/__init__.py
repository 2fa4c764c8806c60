"""Masks of one image: kept small, compared fast, and turned into other forms and back."""

from tamis.mask.boxes import box_of
from tamis.mask.collection import Masks
from tamis.mask.labels import boundaries, label_map, masks_from_labels, masks_from_unions
from tamis.mask.overlap import box_nms, containment_matrix, intersections, iou_matrix, nms
from tamis.mask.polygons import (
    CocoPolygons,
    Polygon,
    from_coco_polygons,
    from_polygons,
    polygon_iou,
    to_coco_polygons,
    to_polygons,
)
from tamis.mask.regions import components, fill_holes, remove_islands

__all__ = [
    "CocoPolygons",
    "Masks",
    "Polygon",
    "boundaries",
    "box_nms",
    "box_of",
    "components",
    "containment_matrix",
    "fill_holes",
    "from_coco_polygons",
    "from_polygons",
    "intersections",
    "iou_matrix",
    "label_map",
    "masks_from_labels",
    "masks_from_unions",
    "nms",
    "polygon_iou",
    "remove_islands",
    "to_coco_polygons",
    "to_polygons",
]

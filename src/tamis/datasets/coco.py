"""Any COCO dataset: one JSON of instances, with run lengths or polygons, and a folder of images near it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from tamis.arrays import MaskArray
from tamis.datasets.listing import (
    IMAGES_WITHOUT_MASKS,
    MASKS_WITHOUT_IMAGES,
    SAME_NAME,
    LayoutError,
    Listing,
    files_in,
    folders_in,
    require_folder,
    unmatched,
)
from tamis.datasets.protocol import Sample, Target
from tamis.errors import InputError
from tamis.mask import Masks, from_coco_polygons

CROWDS = "annotations of crowds, whose pixels do not count"
BOXES = "annotations without masks"

ROBOFLOW = "_annotations.coco.json"
_OTHER_TASKS = ("captions_", "person_keypoints_", "image_info_", "stuff_", "panoptic_")


@dataclass(frozen=True)
class ImageAnnotations:
    """The annotations of an image, before they are drawn.

    Attributes:
        name: of the image, for messages.
        shape: (H, W) in pixels.
        objects: id, COCO segmentation and class of each, "" for one without a class.
        crowds: segmentations of groups that nobody took apart.
    """

    name: str
    shape: tuple[int, int]
    objects: tuple[tuple[str, Any, str], ...]
    crowds: tuple[Any, ...]


def open_coco(root: Path, split: str) -> Listing:
    """The images of a file that have masks, in the file's order; the ids of targets are those of the annotations.

    Pixels of a crowd do not count, unless they are the object's.

    Args:
        root: the JSON itself, or a folder with it or with `annotations`.
        split: one of `splits_in`.
    """
    place = root if root.is_file() else files_by_split(root).get(split)
    if place is None:
        raise LayoutError(f"{root}: there is no annotation file for the split '{split}'")
    images, annotations, classes = _read(place)
    folder = _image_folder(place, split, [image["file_name"] for image in images[:5]])
    objects: dict[Any, list[tuple[str, Any, str]]] = {}
    crowds: dict[Any, list[Any]] = {}
    left: dict[str, list[str]] = {kind: [] for kind in (IMAGES_WITHOUT_MASKS, MASKS_WITHOUT_IMAGES, SAME_NAME)}
    left |= {CROWDS: [], BOXES: []}
    known = {image["id"] for image in images}
    for number, annotation in enumerate(annotations, start=1):
        name = str(annotation.get("id", number))
        image, shape = annotation.get("image_id"), annotation.get("segmentation")
        if image not in known:
            left[MASKS_WITHOUT_IMAGES].append(f"annotation {name}")
        elif shape is None:
            left[BOXES].append(name)
        elif annotation.get("iscrowd"):
            left[CROWDS].append(name)
            crowds.setdefault(image, []).append(shape)
        else:
            objects.setdefault(image, []).append((name, shape, classes.get(annotation.get("category_id"), "")))
    samples: dict[str, Sample] = {}
    for image in images:
        path = folder / image["file_name"]
        name = PurePosixPath(image["file_name"]).with_suffix("").as_posix()
        if not path.is_file():
            left[MASKS_WITHOUT_IMAGES].append(name)
        elif name in samples:
            left[SAME_NAME].append(image["file_name"])
        elif image["id"] not in objects:
            left[IMAGES_WITHOUT_MASKS].append(name)
        else:
            drawn = ImageAnnotations(
                f"{place}: image {image['id']}",
                (image["height"], image["width"]),
                tuple(objects[image["id"]]),
                tuple(crowds.get(image["id"], ())),
            )
            samples[name] = Sample(name, path, partial(annotation_targets, drawn))
    return Listing(tuple(samples.values()), unmatched(left))


def splits_in(root: Path) -> tuple[str, ...]:
    """The annotation files there are, and "" where the root itself is one.

    `val2017` stands for annotations/instances_val2017.json, `valid` for valid/_annotations.coco.json.
    """
    return ("",) if root.is_file() else tuple(files_by_split(root))


def files_by_split(root: Path) -> dict[str, Path]:
    """The annotation files of a folder by the name of their split."""
    found: dict[str, Path] = {}
    for folder in (require_folder(root), root / "annotations"):
        if folder.is_dir():
            for name, path in files_in(folder, {".json"}).paths.items():
                if not name.startswith(_OTHER_TASKS) and path.name != ROBOFLOW:
                    found.setdefault(name.removeprefix("instances_"), path)
    for folder in folders_in(root):
        if (folder / ROBOFLOW).is_file():
            found.setdefault(folder.name, folder / ROBOFLOW)
    return found


def annotation_targets(image: ImageAnnotations) -> Iterator[Target]:
    """A target for each annotation of an image.

    Polygons hold the pixels whose centres they enclose; pycocotools' own rasteriser may differ along the outlines.

    Raises:
        InputError: run lengths or polygons that are damaged or do not fit the image.
    """
    crowd = np.zeros(image.shape, np.bool_)
    for segmentation in image.crowds:
        crowd |= _drawn(image, "crowd", segmentation)
    for name, segmentation, label in image.objects:
        mask = _drawn(image, name, segmentation)
        yield Target(name, mask, np.asarray(~crowd | mask) if image.crowds else None, label)


def _drawn(image: ImageAnnotations, name: str, segmentation: Any) -> MaskArray:
    try:
        if isinstance(segmentation, dict):
            return Masks.from_coco([segmentation], image.shape)[0]
        return from_coco_polygons(segmentation, image.shape)
    except InputError as error:
        raise InputError(f"{image.name}, annotation {name}: {error}") from None
    except (TypeError, ValueError, KeyError):
        raise InputError(
            f"{image.name}, annotation {name}: is neither run lengths nor polygons; export it again"
        ) from None


def _read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[Any, str]]:
    """The images, the annotations and the names of classes of a file, checked as far as this module needs them."""
    try:
        content = json.loads(path.read_bytes())
        images = [
            {
                **image,
                "height": int(image["height"]),
                "width": int(image["width"]),
                "file_name": str(image["file_name"]),
            }
            for image in content["images"]
        ]
        annotations = list(content["annotations"])
        classes = {each["id"]: str(each["name"]) for each in content.get("categories", ())}
        if not all("id" in image for image in images) or not all(isinstance(entry, dict) for entry in annotations):
            raise KeyError("id")
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is no JSON ({error}); copy or download it again") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(
            f"{path}: is no COCO dataset; it needs images with id, file_name, width and height, and annotations"
        ) from None
    return images, annotations, classes


def _image_folder(place: Path, split: str, examples: list[str]) -> Path:
    """The folder near an annotation file that has its first images."""
    bases = (place.parent, place.parent.parent) if place.parent.name == "annotations" else (place.parent,)
    names = (".", "images", split, f"images/{split}", place.stem, f"{place.stem}/images")
    folders = [base / name for base in bases for name in dict.fromkeys(names)]
    for folder in folders:
        if any((folder / example).is_file() for example in examples):
            return folder
    if not examples:
        return bases[-1]
    raise LayoutError(f"{place}: its images, such as {examples[0]}, are not beside it nor in a folder images")

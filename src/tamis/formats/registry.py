"""Formats by name: what there is, and reading and writing them."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from tamis.errors import InputError, TamisError
from tamis.formats.names import Shapes
from tamis.formats.pixels import put_image
from tamis.formats.reading import Loaded
from tamis.formats.record import Dataset, Loss, loss_between


class Module(Protocol):
    """What a format's module offers."""

    def write(self, dataset: Dataset, out: Path, tolerance: float) -> None:
        """Write a dataset into a folder."""
        ...

    def read(self, path: Path, images: Shapes) -> Loaded:
        """Read what `write` has written, or a file of another program."""
        ...


@dataclass(frozen=True)
class Format:
    """What is known of a format without loading it.

    Attributes:
        name: for the command line.
        title: for people.
        module: of `tamis.formats`.
        loses: what it cannot keep, "" where every mask can be read back exactly.
        splits: it has a place of its own for train, val and test, and for the images; others get a folder for each.
        attributes: it keeps attributes of masks and tags of images.
    """

    name: str
    title: str
    module: str
    loses: str = ""
    splits: bool = False
    attributes: bool = False


SIMPLER = "outlines may be simplified"

FORMATS = (
    Format("coco", "COCO JSON, run lengths", "coco_file", attributes=True),
    Format("coco-polygons", "COCO JSON, polygons", "coco_polygons", SIMPLER, attributes=True),
    Format("lvis", "LVIS JSON", "lvis"),
    Format("yolo", "YOLO segmentation (txt)", "yolo", SIMPLER, splits=True),
    Format("voc", "Pascal VOC, class and object PNG", "voc", "masks that overlap", splits=True),
    Format("labelmap", "label maps, 16-bit PNG", "labelmap", "masks that overlap"),
    Format("masks", "one binary PNG for each mask", "binary"),
    Format("labelstudio", "Label Studio JSON, brush", "labelstudio", attributes=True),
    Format("cvat", "CVAT for images XML, masks", "cvat", attributes=True),
    Format("cvat-polygons", "CVAT for images XML, polygons", "cvat_polygons", SIMPLER, attributes=True),
    Format("labelme", "LabelMe JSON", "labelme"),
    Format("datumaro", "Datumaro JSON", "datumaro", attributes=True),
    Format("parquet", "Parquet with images, as Hugging Face has it", "parquet"),
)


def find_format(name: str) -> Format:
    """The format with a name.

    Raises:
        InputError: there is none; the message suggests the nearest.
    """
    known = {form.name: form for form in FORMATS}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    raise InputError(f"--format {' '.join(name.split())[:80]}: there is no such format; {hint}")


def export(dataset: Dataset, name: str, out: Path, tolerance: float = 0.0) -> Loss:
    """Write a dataset, and measure what the format does not keep by reading it again.

    Args:
        dataset: images and masks; masks without a pixel are left out.
        name: of the format.
        out: the folder, made if needed.
        tolerance: how far simplified outlines may lie from the masks, in pixels, in formats of polygons.

    Raises:
        InputError: there is no mask, no such format, or the format cannot hold the dataset.
        OutputError: it cannot be written.
    """
    form = find_format(name)
    dataset = _without_empty_masks(dataset)
    if not dataset.masks:
        raise InputError("there is nothing to export: no image has a mask yet")
    if form.splits or not dataset.splits:
        return _written(dataset, form, out, tolerance)
    losses = [_written(dataset.part(split), form, out / split, tolerance) for split in dataset.splits]
    return Loss(tuple(iou for loss in losses for iou in loss.ious), f" ({form.loses})" if form.loses else "")


def dropped(dataset: Dataset, name: str) -> str:
    """A sentence on what a format has no place for, attributes and tags, and on gaps between classes of YOLO, or ""."""
    if find_format(name).attributes:
        return ""
    masks = sum(bool(each) for image in dataset.images for each in image.attributes)
    tags = sum(bool(image.tags) for image in dataset.images)
    parts = [f"attributes of {masks} masks"] * bool(masks) + [f"tags of {tags} images"] * bool(tags)
    keepers = ", ".join(form.name for form in FORMATS if form.attributes)
    told = [f"{name} has no place for {' and '.join(parts)}; {keepers} keep them"] * bool(parts)
    numbers = dataset.numbered("yolo", 0).values() if name == "yolo" else ()
    if numbers and (min(numbers), max(numbers)) != (0, len(numbers) - 1):
        span = f"{len(numbers)} classes have the numbers {min(numbers)} to {max(numbers)}, as they came"
        told.append(f"{span}, and Ultralytics trains only on 0 to {len(numbers) - 1}")
    return "; ".join(told)


def _written(dataset: Dataset, form: Format, out: Path, tolerance: float) -> Loss:
    module = cast(Module, import_module(f"tamis.formats.{form.module}"))
    module.write(dataset, out, tolerance)
    if dataset.pixels != "none" and dataset.folder is not None and not form.splits:
        for image in dataset.images:
            source = dataset.folder / image.name
            put_image(source, out / "images" / image.name, dataset.pixels, (source.suffix.lower(),))
    if not form.loses:
        return Loss((1.0,) * dataset.masks)
    again = module.read(out, {image.name: image.shape for image in dataset.images})
    return loss_between(dataset, again.dataset, f" ({form.loses})")


def load(path: Path, name: str, images: Shapes) -> tuple[Dataset, list[str]]:
    """Read a file or folder of another program: its masks, and the names of images that are not there; see `loaded`."""
    found = loaded(path, name, images)
    return found.dataset, found.unknown


def loaded(path: Path, name: str, images: Shapes) -> Loaded:
    """Read a file or folder of another program.

    Args:
        path: the file, or the folder of formats of many files.
        name: of the format.
        images: that the masks may belong to.

    Returns:
        The dataset, with the names of `images`, and all that was not taken.

    Raises:
        InputError: it is missing, damaged or no such format, or an image has another size.
    """
    form = find_format(name)
    module = cast(Module, import_module(f"tamis.formats.{form.module}"))
    return _read(path, images, form, module.read)


def all_drawn(path: Path, name: str, images: Shapes) -> Loaded:
    """The same, with every annotation of an image that several people have drawn, instead of the finished one.

    Raises:
        InputError: as above, or the format has but one annotation of an image.
    """
    form = find_format(name)
    if form.name != "labelstudio":
        raise InputError(f"--annotations all: is for labelstudio; {form.name} has one annotation of each image")
    from tamis.formats import labelstudio

    return _read(path, images, form, labelstudio.read_all)


def _read(path: Path, images: Shapes, form: Format, read: Callable[[Path, Shapes], Loaded]) -> Loaded:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the name")
    try:
        return read(path, images)
    except InputError as error:
        named = str(error)
        raise InputError(named if str(path) in named else f"{path}: {named}") from error
    except TamisError:
        raise
    except OSError as error:
        said = " ".join(str(error.strerror or error).split())[:200]
        raise InputError(f"{path}: cannot be read ({said})") from error
    except RecursionError:
        raise InputError(f"{path}: is no {form.title}: its parts lie too deep in each other") from None
    except MemoryError:
        raise InputError(f"{path}: there is not enough memory to read it; split it into several files") from None
    except KeyError as error:
        raise InputError(f"{path}: is no {form.title}, or damaged: there is no {error} where one is needed") from error
    except Exception as error:
        # The boundary of a file of somebody else: whatever is wrong with it, it is a sentence about the file.
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: is no {form.title}, or damaged ({type(error).__name__}: {said})") from error


def names() -> Sequence[str]:
    """Of all formats."""
    return [form.name for form in FORMATS]


def _without_empty_masks(dataset: Dataset) -> Dataset:
    images = []
    for image in dataset.images:
        full = image.masks.areas > 0
        kept = tuple(label for label, some in zip(image.labels, full.tolist(), strict=True) if some)
        attributes = tuple(each for each, some in zip(image.attributes, full.tolist(), strict=False) if some)
        images.append(replace(image, masks=image.masks[full], labels=kept, attributes=attributes))
    return replace(dataset, images=tuple(images))

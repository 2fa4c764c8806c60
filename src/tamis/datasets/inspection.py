"""Every image and mask of a dataset looked at once, and what is wrong with them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tamis.datasets.protocol import Dataset, Sample, Target, check_target
from tamis.datasets.registry import find_dataset
from tamis.errors import InputError
from tamis.image import read_header


@dataclass
class Inspection:
    """What a dataset holds.

    Attributes:
        images: samples whose image and masks were read.
        masks: of all of them, empty ones included.
        empty: names of masks without a pixel, as SAMPLE: ID.
        ignoring: masks some of whose pixels do not count.
        smallest_side: of the images, in pixels; 0 if there are none.
        largest_side: likewise.
        published: images and masks as published, where that is known.
        problems: sentences, each naming a file.
        hints: what may have been meant otherwise.
    """

    images: int = 0
    masks: int = 0
    empty: list[str] = field(default_factory=list)
    ignoring: int = 0
    smallest_side: int = 0
    largest_side: int = 0
    published: tuple[int, int] | None = None
    problems: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


def inspect_dataset(dataset: Dataset, progress: Callable[[str], None] = lambda name: None) -> Inspection:
    """Read the header of every image and all of every mask.

    Args:
        dataset: opened.
        progress: is told the name of each sample once it is done.
    """
    found = Inspection(published=find_dataset(dataset.name).counts.get(dataset.split))
    for sample in dataset.samples:
        try:
            _inspect(sample, found, soft=dataset.name == "folder")
        except InputError as error:
            found.problems.append(str(error))
        progress(sample.name)
    return found


def image_size(sample: Sample) -> tuple[int, int]:
    """(H, W) of an image, upright, from its header alone.

    Raises:
        InputError: the file cannot be read.
    """
    return read_header(sample.image_path).shape


def _inspect(sample: Sample, found: Inspection, soft: bool) -> None:
    shape = image_size(sample)
    count, wrong, areas = 0, None, {}
    for target in sample.targets():
        count += 1
        area = int(np.count_nonzero(target.mask))
        areas[target.id] = area
        if not area:
            found.empty.append(f"{sample.name}: {target.id}")
        found.ignoring += target.valid is not None
        wrong = wrong or _size_problem(shape, target, sample)
    if wrong:
        found.problems.append(wrong)
    if soft and "255" in areas and len(areas) > 1 and max(areas, key=areas.__getitem__) == "255":
        found.hints.append(f"{sample.name}: {len(areas)} greys look like one mask with soft edges; try folder-binary")
    found.images += 1
    found.masks += count
    found.smallest_side = min(found.smallest_side or min(shape), *shape)
    found.largest_side = max(found.largest_side, *shape)


def _size_problem(shape: tuple[int, int], target: Target, sample: Sample) -> str | None:
    try:
        check_target(shape, target, f"{sample.image_path}")
    except InputError as error:
        return str(error)
    return None

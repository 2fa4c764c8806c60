"""Where scenes come from: COCO+LVIS with its hierarchy and stuff, and any dataset of `tamis.datasets`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tamis.datasets import open_dataset
from tamis.datasets.cocolvis import HIERARCHY
from tamis.datasets.layers import read_layers, read_pickle
from tamis.datasets.listing import files_in
from tamis.datasets.places import parse_place
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.image import read_image
from tamis.training.click_tools.scene import Scene, layered_scene, packed_scene

COCOLVIS = "cocolvis"


class Source(Protocol):
    """A dataset to train on."""

    @property
    def name(self) -> str:
        """As it was asked for."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Of the images, which make the fingerprint."""
        ...

    @property
    def unmatched(self) -> int:
        """Images without a file of masks, and masks without an image, which are left out."""
        ...

    def scene(self, index: int, rng: np.random.Generator) -> Scene:
        """Read one image with all of its objects, of which there may be none.

        Raises:
            InputError: a file is missing or cannot be read.
        """
        ...


@dataclass(frozen=True)
class CocoLvis:
    """COCO+LVIS, with parts, and with stuff in some of the draws.

    Attributes:
        name: as it was asked for.
        base: the folder of the split.
        names: of all images that the hierarchy knows, sorted, also of those without a thing.
        parents: of each image, for each of its things, the thing that it is a part of.
        stuff: probability that stuff counts as objects.
        unmatched: none, since a set that is not whole is refused.
    """

    name: str
    base: Path
    names: tuple[str, ...]
    parents: tuple[dict[int, int | None], ...]
    stuff: float
    unmatched: int = 0

    def scene(self, index: int, rng: np.random.Generator) -> Scene:
        """See `Source`."""
        name = self.names[index]
        image = read_image(self.base / "images" / f"{name}.jpg")
        layers = read_layers(self.base / "masks" / f"{name}.pickle")
        return layered_scene(image, layers, self.parents[index], bool(rng.random() < self.stuff))


def open_cocolvis_scenes(name: str, root: Path, split: str, stuff: float) -> CocoLvis:
    """Open COCO+LVIS for training.

    Raises:
        InputError: something of the layout is missing, or only a part of it was unpacked.
    """
    base = root / split
    content = read_pickle(base / HIERARCHY)
    try:
        entries = sorted((_stem(key), value) for key, value in content.items())
        parents = tuple(_parents(value) for _, value in entries)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{base / HIERARCHY}: is no hierarchy of masks by image; get it again") from None
    names = tuple(stem for stem, _ in entries)
    for folder, suffix in (("images", ".jpg"), ("masks", ".pickle")):
        present = files_in(base / folder, {suffix}).paths
        missing = [each for each in names if each not in present]
        if missing:
            raise InputError(
                f"{base / folder}: {len(missing):,} of {len(names):,} files are missing, such as {missing[0]}{suffix}: "
                "the dataset is half unpacked; unpack the rest (tamis datasets prepare cocolvis links the photographs)"
            )
    return CocoLvis(name, base, names, parents, stuff)


def _stem(key: Any) -> str:
    return f"{key:012d}" if isinstance(key, int) else str(key)


def _parents(entry: dict[str, Any]) -> dict[int, int | None]:
    things = int(entry["num_instance_masks"])
    found = {int(k): None if node is None else node.get("parent") for k, node in entry["hierarchy"].items()}
    return {number: None if parent is None else int(parent) for number, parent in found.items() if number < things}


@dataclass(frozen=True)
class AnyDataset:
    """A dataset of `tamis.datasets`; every mask is a target.

    Attributes:
        name: as it was asked for.
        dataset: opened.
    """

    name: str
    dataset: Dataset

    @property
    def names(self) -> Sequence[str]:
        """Of its samples."""
        return [sample.name for sample in self.dataset.samples]

    @property
    def unmatched(self) -> int:
        """As the dataset tells them."""
        return sum(map(len, self.dataset.unmatched.values()))

    def scene(self, index: int, rng: np.random.Generator) -> Scene:
        """See `Source`."""
        sample = self.dataset.samples[index]
        image, targets = sample.image(), list(sample.targets())
        wrong = next((each for each in targets if each.mask.shape != image.shape[:2]), None)
        if wrong is not None:
            raise InputError(f"{sample.image_path}: its mask {wrong.id} is of another size than the image")
        unknown = None
        for target in targets:
            if target.valid is not None:
                unknown = ~target.valid if unknown is None else unknown | ~target.valid
        return packed_scene(image, [target.mask for target in targets], unknown)


def open_source(text: str, stuff: float) -> Source:
    """Open NAME=ROOT or NAME=ROOT:SPLIT; the split for training by default, where there is one.

    Args:
        text: as on the command line.
        stuff: probability that stuff of COCO+LVIS counts as objects.

    Raises:
        InputError: the text reads otherwise, or the dataset cannot be opened.
    """
    name, root, split = parse_place(text, "--data")
    if name == COCOLVIS:
        return open_cocolvis_scenes(text, root, split or "train", stuff)
    dataset = open_dataset(name, root, split if split is not None else _training_split(name))
    return AnyDataset(text, dataset)


def _training_split(name: str) -> str | None:
    from tamis.datasets import find_dataset

    entry = find_dataset(name)
    for split in ("train", "train90"):
        if split in entry.splits:
            return split
    return None

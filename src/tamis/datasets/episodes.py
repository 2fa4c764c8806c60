"""Datasets of personalised segmentation: an object in a reference, and the images that it is to be found in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.layers import read_pickle_in
from tamis.datasets.listing import LayoutError, files_in, folders_in, require_folder
from tamis.datasets.maskfile import read_any_channel, read_half
from tamis.errors import InputError
from tamis.image import read_image


@dataclass(frozen=True)
class View:
    """An image of an object.

    Attributes:
        name: unique in the dataset.
        path: of the image.
        mask_path: the file that its mask is in.
        read: gives the mask in a file as (H, W) bool; raises InputError for a file that cannot be read.
    """

    name: str
    path: Path
    mask_path: Path
    read: Callable[[Path], MaskArray]

    def image(self) -> ImageArray:
        """(H, W, 3) uint8 RGB."""
        return read_image(self.path)

    def mask(self) -> MaskArray:
        """(H, W) bool.

        Raises:
            InputError: the file cannot be read.
        """
        return self.read(self.mask_path)


@dataclass(frozen=True)
class Episode:
    """One object.

    Attributes:
        name: of the object.
        reference: where it is shown.
        targets: where it is to be found; each holds it.
    """

    name: str
    reference: View
    targets: tuple[View, ...]


def open_perseg(root: Path) -> list[Episode]:
    """PerSeg: `Images/OBJECT/00.jpg…` and `Annotations/OBJECT/00.png…`; 00 is the reference, all others are targets.

    As the peers' own script, an annotation whose name holds "00" is no target; they look for it in the whole path,
    which would leave out objects of such a name too.

    Raises:
        LayoutError: a folder is missing, or an object has no reference or no target.
    """
    images, masks = require_folder(root / "Images"), require_folder(root / "Annotations")
    episodes = []
    for folder in folders_in(images):
        found, drawn = files_in(folder).paths, files_in(require_folder(masks / folder.name), {".png"}).paths
        views = {
            name: View(f"{folder.name}/{name}", path, drawn[name], read_any_channel)
            for name, path in found.items()
            if name in drawn
        }
        if "00" not in views:
            raise LayoutError(f"{folder}: has no reference 00 with a mask")
        targets = tuple(view for name, view in views.items() if "00" not in name)
        if not targets:
            raise LayoutError(f"{folder}: has no image besides the reference")
        episodes.append(Episode(folder.name, views["00"], targets))
    if not episodes:
        raise LayoutError(f"{images}: holds no folder of an object")
    return episodes


def open_instances(root: Path) -> list[Episode]:
    """`images/OBJECT/NAME.jpg` and `masks/OBJECT/NAME.png`; the first image with a mask is the reference.

    Images without a mask are left out.

    Raises:
        LayoutError: a folder is missing, or no object has two images with masks.
    """
    episodes = []
    for folder in folders_in(require_folder(root / "images")):
        drawn = root / "masks" / folder.name
        masks = files_in(drawn, {".png"}).paths if drawn.is_dir() else {}
        views = [
            View(f"{folder.name}/{name}", path, masks[name], read_half)
            for name, path in files_in(folder).paths.items()
            if name in masks
        ]
        if len(views) > 1:
            episodes.append(Episode(folder.name, views[0], tuple(views[1:])))
    if not episodes:
        raise LayoutError(f"{root}: no folder in images/ has two images with masks in masks/")
    return episodes


def open_frames(root: Path, step: int = 8) -> list[Episode]:
    """DAVIS, its first frame as the reference and every `step`th of the later ones as targets, objects merged.

    Raises:
        LayoutError: a folder is missing, or no sequence has two frames with masks.
    """
    images, masks = root / "JPEGImages" / "480p", root / "Annotations" / "480p"
    episodes = []
    for folder in folders_in(require_folder(images)):
        drawn = files_in(require_folder(masks / folder.name), {".png"}).paths
        views = [
            View(f"{folder.name}/{name}", path, drawn[name], read_any_channel)
            for name, path in files_in(folder).paths.items()
            if name in drawn
        ]
        later = views[1:][step - 1 :: step] or views[1:]
        if later:
            episodes.append(Episode(folder.name, views[0], tuple(later)))
    if not episodes:
        raise LayoutError(f"{images}: no sequence has two frames with masks")
    return episodes


STORED = "masks.npz.npy"
"""The masks of a video of PerMIRS; the odd name is numpy's doing."""


def open_permis(root: Path) -> list[Episode]:
    """PerMIRS, three frames of a video each: `N/{0,1,2}.jpg` and the masks of every tracked object.

    The object is the first of each frame's masks that frame 0 has too; frame 0 is the reference.

    Raises:
        LayoutError: there is no such folder, or one lacks a file.
        InputError: the masks are of another kind.
    """
    episodes = []
    numbered = [folder for folder in folders_in(require_folder(root)) if folder.name.isdecimal()]
    for folder in sorted(numbered, key=lambda each: int(each.name)):
        missing = [name for name in ("0.jpg", "1.jpg", "2.jpg", STORED) if not (folder / name).is_file()]
        if missing:
            raise LayoutError(f"{folder}: there is no {missing[0]}")
        views = [
            View(
                f"{folder.name}/{number}", folder / f"{number}.jpg", folder / STORED, partial(first_mask, frame=number)
            )
            for number in range(3)
        ]
        episodes.append(Episode(folder.name, views[0], tuple(views[1:])))
    if not episodes:
        raise LayoutError(f"{root}: holds no numbered folder of a video")
    return episodes


def first_mask(path: Path, frame: int) -> MaskArray:
    """(H, W) bool: the first mask of a frame, as the peers take it."""
    return next(iter(read_tracks(path)[frame].values()))


def same_track(path: Path) -> bool:
    """Whether the first mask of every frame is of the same track, which the peers do not check."""
    return len({next(iter(frame)) for frame in read_tracks(path)}) == 1


def read_tracks(path: Path) -> list[dict[Any, MaskArray]]:
    """The masks of the three frames by track: a pickle inside a .npy, of which nothing but arrays is read.

    Raises:
        InputError: it is damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            read(file)
            frames = [dict(frame) for frame in read_pickle_in(file, path)]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: holds no masks of PerMIRS, or is damaged ({error}); make it again") from error
    if len(frames) != 3 or not all(frames):
        raise InputError(f"{path}: has masks of {len(frames)} frames, of which three are needed; make it again")
    return [{track: np.asarray(mask, bool) for track, mask in frame.items()} for frame in frames]


OPENERS: dict[str, Callable[[Path], list[Episode]]] = {
    "perseg": open_perseg,
    "permis": open_permis,
    "davis": open_frames,
    "instances": open_instances,
}

TREES = {
    "perseg": "ROOT/Images/OBJECT/00.jpg, 01.jpg, …\nROOT/Annotations/OBJECT/00.png, 01.png, …",
    "permis": f"ROOT/0/0.jpg, 1.jpg, 2.jpg and {STORED}\nROOT/1/…      made by tamis datasets prepare permirs",
    "davis": "ROOT/JPEGImages/480p/SEQUENCE/00000.jpg\nROOT/Annotations/480p/SEQUENCE/00000.png",
    "instances": "ROOT/images/OBJECT/NAME.jpg\nROOT/masks/OBJECT/NAME.png      0 and 255",
}


def open_episodes(dataset: str, root: Path) -> list[Episode]:
    """The objects of a dataset at a root.

    Raises:
        InputError: there is no such dataset, or its layout is another; the message then ends with the expected tree.
    """
    if dataset not in OPENERS:
        raise InputError(f"there is no dataset '{dataset}' of one object in several images: {', '.join(OPENERS)}")
    try:
        if not root.is_dir():
            raise LayoutError(f"{root}: there is no such folder")
        return OPENERS[dataset](root)
    except LayoutError as error:
        tree = "\n".join(f"    {line}" for line in TREES[dataset].splitlines())
        raise InputError(f"{error}\n\n{dataset} is expected as\n{tree}") from None

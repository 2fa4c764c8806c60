"""HyperSim: rendered rooms, a target for each rendered entity.

`render_entity_id` has one number for each node of the scene, which may be a part of an object or disconnected; -1
(background, sky, unassigned) is no target and, like 0, never one. Needs h5py.

There are no splits in the release's folders; the split chosen here is the preview picture: `color`, linear radiance
clipped and so mostly dark, as published figures have it, or `tonemap`, exposed as a photograph. The names of samples
are the same in both.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tamis.datasets.listing import Files, LayoutError, Listing, files_in, folders_in, pair, require_folder, together
from tamis.datasets.maskfile import label_targets
from tamis.datasets.protocol import Target
from tamis.errors import InputError, UnavailableError

PREVIEWS = ("color", "tonemap")
ENTITIES = "render_entity_id.hdf5"


def preview_path(scene: str, preview: str, camera: str = "cam_00", frame: int = 0) -> str:
    """Where the release keeps a picture, from the root."""
    return f"{scene}/images/scene_{camera}_final_preview/frame.{frame:04}.{preview}.jpg"


def entities_path(scene: str, camera: str = "cam_00", frame: int = 0) -> str:
    """Where the release keeps the entities of a picture, from the root."""
    return f"{scene}/images/scene_{camera}_geometry_hdf5/frame.{frame:04}.{ENTITIES}"


def open_hypersim(root: Path, split: str) -> Listing:
    """All frames there are, by scene, camera and frame, as ai_001_001/cam_00/frame.0000.

    Raises:
        UnavailableError: h5py is not installed.
    """
    if find_spec("h5py") is None:
        raise UnavailableError("hypersim keeps its masks in HDF5 files: run pip install 'tamis[hypersim]'")
    scenes = [folder for folder in folders_in(require_folder(root)) if (folder / "images").is_dir()]
    if not scenes:
        raise LayoutError(f"{root}: there is no scene such as ai_001_001 in it")
    return together(_cameras(scenes, split))


def entity_targets(path: Path) -> Iterator[Target]:
    """A target for each entity of a frame, by its number.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            labels: Any = np.asarray(file["dataset"])
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the name") from None
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: the file is damaged or cut off ({error}); download it again") from error
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"{path}: holds no map of entities; download it again")
    yield from label_targets(np.maximum(labels, 0))


def _cameras(scenes: list[Path], preview: str) -> Iterator[tuple[str, Listing]]:
    for scene in scenes:
        kinds = ("_final_preview", "_geometry_hdf5")
        cameras = {
            folder.name.removeprefix("scene_").removesuffix(kind)
            for folder in folders_in(scene / "images")
            for kind in kinds
            if folder.name.endswith(kind)
        }
        for camera in sorted(cameras):
            images, entities = (scene / "images" / f"scene_{camera}{kind}" for kind in kinds)
            yield (
                f"{scene.name}/{camera}/",
                pair(_frames(images, f".{preview}.jpg"), _frames(entities, f".{ENTITIES}").paths, entity_targets),
            )


def _frames(folder: Path, ending: str) -> Files:
    """The files with an ending, by what stands before it; none where there is no folder."""
    if not folder.is_dir():
        return Files({})
    paths = files_in(folder, {ending[ending.rindex(".") :]}).paths.values()
    return Files({path.name.removesuffix(ending): path for path in paths if path.name.endswith(ending)})

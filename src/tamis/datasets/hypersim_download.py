"""The two files of each HyperSim scene that are needed, fetched out of its archive of several gigabytes.

An archive's list of files lies at its end, so that a few range requests suffice; the idea is that of the release's own
partial downloader (apple/ml-hypersim, contrib/99991).
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tamis.datasets.hypersim import PREVIEWS, entities_path, preview_path
from tamis.datasets.remote import RemoteError, RemoteFile, read_remote
from tamis.errors import InputError
from tamis.results.files import write_bytes

BASE_URL = "https://docs-assets.developer.apple.com/ml-research/datasets/hypersim/v1/scenes/"
"""Where the archives of the release lie, as SCENE.zip."""

SCENE_LIST = (
    "https://raw.githubusercontent.com/apple/ml-hypersim/main/evermotion_dataset/analysis/"
    "metadata_images_split_scene_v1.csv"
)
"""The release's table of all frames."""

_BUFFER = 1 << 19

_SCENE = re.compile(r"ai_\d{3}_\d{3}")


@dataclass(frozen=True)
class SceneDownload:
    """What became of a scene.

    Attributes:
        scene: such as ai_001_001.
        files: how many were written this time.
        error: why it failed, or None.
    """

    scene: str
    files: int
    error: str | None = None


@dataclass(frozen=True)
class Source:
    """Where archives come from, and how patiently.

    Attributes:
        base_url: of the folder with SCENE.zip.
        retries: consecutive failures that are tolerated, of a connection and of a damaged file.
        timeout: seconds without an answer that count as a failure.
        wait: seconds before the first new attempt; twice as long before each further one.
    """

    base_url: str = BASE_URL
    retries: int = 5
    timeout: float = 60
    wait: float = 1


def download_hypersim(
    root: str | Path, scenes: Iterable[str], preview: str = "color", source: Source = Source(), workers: int = 4
) -> Generator[SceneDownload, None, None]:
    """Fetch the first frame of the first camera of scenes: the picture and the map of entities.

    Every file is checked against the archive's CRC before it takes its place, so that what is there is whole and is
    not fetched again. A scene that fails does not stop the others.

    Args:
        root: of the dataset.
        scenes: such as ai_001_001.
        preview: color or tonemap.
        source: where from.
        workers: how many scenes at once.

    Yields:
        Each scene as it is done, in order.

    Raises:
        InputError: the name of a scene or of the preview is none.
        OutputError: a file cannot be written.
    """
    names = list(dict.fromkeys(scenes))
    wrong = [name for name in names if not _SCENE.fullmatch(name)]
    if wrong:
        raise InputError(f"'{wrong[0]}' is no scene of HyperSim; they are named as ai_001_001 is")
    if preview not in PREVIEWS:
        raise InputError(f"'{preview}' is none of the previews {', '.join(PREVIEWS)}")
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield from pool.map(partial(_fetched, Path(root), preview, source), names)
    finally:
        pool.shutdown(cancel_futures=True)


def released_scenes(url: str = SCENE_LIST, source: Source = Source()) -> list[str]:
    """The scenes whose first frame of the first camera was released, from the release's own table.

    Raises:
        InputError: the table cannot be had, or is another.
    """
    text = read_remote(url, source.retries, source.timeout, source.wait).decode("utf-8", errors="replace")
    try:
        names = {
            row["scene_name"]
            for row in csv.DictReader(io.StringIO(text))
            if row["camera_name"] == "cam_00"
            and int(row["frame_id"]) == 0
            and row["included_in_public_release"] == "True"
        }
    except (KeyError, ValueError, TypeError, csv.Error):
        names = set()
    if not names:
        raise InputError(f"{url}: is no table of HyperSim's frames; name the scenes with --scenes")
    return sorted(names)


def _fetched(root: Path, preview: str, source: Source, scene: str) -> SceneDownload:
    wanted = [preview_path(scene, preview), entities_path(scene)]
    error = ""
    before = sum((root / name).exists() for name in wanted)
    for _ in range(source.retries + 1):
        missing = [name for name in wanted if not (root / name).exists()]
        if not missing:
            return SceneDownload(scene, len(wanted) - before)
        try:
            _extract(f"{source.base_url.rstrip('/')}/{scene}.zip", missing, root, source)
        except RemoteError as problem:
            error = str(problem)
            break  # it has been patient already
        except KeyError as problem:
            error = f"{scene}: its archive has no {problem.args[0]}; it was not released"
            break
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
            error = f"{scene}: its archive arrives damaged ({problem}); get it as a whole from {source.base_url}"
    there = sum((root / name).exists() for name in wanted)
    return SceneDownload(scene, there - before, error if there < len(wanted) else None)


def _extract(url: str, names: list[str], root: Path, source: Source) -> None:
    remote = RemoteFile(url, source.retries, source.timeout, source.wait)
    with io.BufferedReader(remote, _BUFFER) as stream, zipfile.ZipFile(stream) as archive:
        infos = {name: _info(archive, name) for name in names}
        for name, info in infos.items():
            content = archive.read(info)  # which checks the CRC
            write_bytes(root / name, content)


def _info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(name)
    except KeyError:
        raise KeyError(name) from None

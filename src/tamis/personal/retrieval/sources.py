"""Where the images of a collection come from, one after the other: folders, webdataset tars, columns of Parquet."""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from tamis.arrays import ImageArray
from tamis.datasets.listing import files_in
from tamis.errors import InputError, UnavailableError
from tamis.image import SUFFIXES
from tamis.pixels import image_of


@dataclass(frozen=True)
class Item:
    """An image of a collection, not yet decoded.

    Attributes:
        name: unique in the source: path below a folder, key in a tar, name in a table.
        content: the bytes of the file.
        date: ISO 8601, empty where unknown.
    """

    name: str
    content: bytes
    date: str = ""

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.content).hexdigest()

    def image(self) -> ImageArray:
        """(H, W, 3) uint8 RGB.

        Raises:
            InputError: it cannot be decoded.
        """
        try:
            with Image.open(io.BytesIO(self.content)) as picture:
                return image_of(picture)
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
            raise InputError(f"{self.name}: cannot be read as an image ({error})") from None


def items_of(source: Path, leave_out: Sequence[Path] = ()) -> Iterator[Item]:
    """The images of a folder, of a .tar, or of a .parquet with columns of names and bytes.

    Raises:
        InputError: there is no such source, or it holds no images.
    """
    if source.is_dir():
        yield from _of_folder(source, leave_out)
    elif source.suffix == ".tar":
        yield from _of_tar(source)
    elif source.suffix == ".parquet":
        yield from _of_parquet(source)
    elif source.is_file():
        yield Item(source.name, source.read_bytes(), _date(source))
    else:
        raise InputError(f"{source}: there is no such folder, .tar or .parquet; check the name")


def _of_folder(folder: Path, leave_out: Sequence[Path]) -> Iterator[Item]:
    found = files_in(folder, deep=True)
    paths = [*found.paths.values(), *(folder / name for name in found.repeated)]
    kept = [path for path in paths if not any(path.is_relative_to(place) for place in leave_out)]
    if not kept:
        raise InputError(f"{folder}: holds no images (looked for {', '.join(sorted(SUFFIXES))})")
    for path in sorted(kept):
        yield Item(path.relative_to(folder).as_posix(), path.read_bytes(), _date(path))


def _of_tar(path: Path) -> Iterator[Item]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None and Path(member.name).suffix.lower() in SUFFIXES:
                    date = datetime.fromtimestamp(member.mtime, UTC).isoformat(timespec="seconds")
                    yield Item(member.name, file.read(), date if member.mtime else "")
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(f"{path}: is cut off or no tar ({error}); download it again") from None


def _of_parquet(path: Path) -> Iterator[Item]:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise UnavailableError("reading Parquet needs pyarrow: run pip install 'tamis[retrieval]'") from None
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            images = next((name for name in ("image", "jpg", "bytes", "content") if name in names), None)
            keys = next((name for name in ("name", "__key__", "key", "id", "path") if name in names), None)
            if images is None or keys is None:
                raise InputError(
                    f"{path}: has the columns {', '.join(names)}; name one of images `image` and one of names `name`"
                )
            for batch in file.iter_batches(64, columns=[keys, images]):
                for key, value in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                    yield Item(str(key), value["bytes"] if isinstance(value, dict) else value)
    except (OSError, arrow.ArrowException) as error:
        raise InputError(f"{path}: is cut off or no Parquet ({error}); download it again") from None


def _date(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """The same, some at a time."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def crop(image: ImageArray, box: tuple[float, float, float, float] | None) -> ImageArray:
    """The part of an image (H, W, 3) in a box (left, top, right, bottom) in pixels; all of it without one."""
    if box is None:
        return image
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = max(left + 1, round(box[2])), max(top + 1, round(box[3]))
    return np.ascontiguousarray(image[top:bottom, left:right])

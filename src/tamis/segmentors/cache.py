"""Encoded images on disk, so that an image is encoded once for good.

A file is found by what made it: the bytes of the image, the segmentor, its weights and the version of its
preprocessing. It repeats that signature inside; a file that is damaged or says something else is thrown away, and the
image is encoded again. The least recently used files go when the folder grows too large.
"""

import hashlib
import io
import json
import os
import threading
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import OutputError
from tamis.results.files import replacing
from tamis.segmentors.protocol import EncodedImage, Segmentor, weights_of

LAYOUT = 1
"""Version of the files."""

MAX_BYTES = 8_000_000_000
"""What the folder may hold."""

Arrays = Mapping[str, NDArray[Any]]


@runtime_checkable
class HasArrays(Protocol):
    """An encoded image that can be written down."""

    def arrays(self) -> Arrays:
        """All that `from_arrays` needs besides the image: arrays of numbers under names that are identifiers."""
        ...


@runtime_checkable
class FromArrays(Protocol):
    """A segmentor whose encoded images can be written down and made again."""

    @property
    def encoding_version(self) -> str:
        """Of everything besides the weights that decides what is in the arrays, such as the working size."""
        ...

    def from_arrays(self, image: ImageArray, arrays: Arrays) -> EncodedImage:
        """The encoded image that wrote the arrays.

        Args:
            image: (H, W, 3) uint8 RGB, the same that was encoded.
            arrays: what `arrays()` gave.

        Raises:
            KeyError: one is missing.
            ValueError: one has another shape than it should.
        """
        ...


def cache_folder() -> Path:
    """Where encoded images are kept: TAMIS_CACHE if it is set, otherwise the user's cache."""
    from platformdirs import user_cache_path

    place = os.environ.get("TAMIS_CACHE")
    return (Path(place) if place else user_cache_path("tamis")) / "encodings"


class EncodingCache:
    """Encoded images of one segmentor in a folder that may be shared by many; may be used by several threads."""

    def __init__(self, segmentor: Segmentor, folder: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self._segmentor = segmentor
        self._folder = folder if folder is not None else cache_folder()
        self._max_bytes = max_bytes
        self._evicting = threading.Lock()

    @property
    def usable(self) -> bool:
        """Whether the segmentor's encoded images can be written down at all."""
        return isinstance(self._segmentor, FromArrays)

    def has(self, sha256: str) -> bool:
        """Whether there is a file for an image of these bytes; only `load` tells whether it is any good."""
        return self.usable and self._path(sha256).is_file()

    def load(self, sha256: str, image: ImageArray) -> EncodedImage | None:
        """The encoded image, None where it has to be encoded again.

        Args:
            sha256: of the bytes of the image's file.
            image: (H, W, 3) uint8 RGB, what was read from it.
        """
        if not isinstance(self._segmentor, FromArrays):
            return None
        path = self._path(sha256)
        try:
            arrays = _read(path, self._signature(sha256))
            encoded = self._segmentor.from_arrays(image, arrays)
            if encoded.shape != image.shape[:2]:
                raise ValueError(f"encoded is an image of {encoded.shape}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)  # it was used: it goes last
        return encoded

    def save(self, sha256: str, encoded: EncodedImage) -> bool:
        """Write an encoded image down; whether that was possible.

        A full disk is no reason to stop: the image is encoded again next time.
        """
        if not (self.usable and isinstance(encoded, HasArrays)):
            return False
        content = io.BytesIO()
        signature = np.frombuffer(self._signature(sha256).encode(), np.uint8)
        arrays: dict[str, Any] = {f"a_{name}": array for name, array in encoded.arrays().items()}
        np.savez(content, signature=signature, **arrays)
        try:
            with replacing(self._path(sha256)) as file:
                file.write(content.getbuffer())
        except OutputError:
            return False
        self._evict()
        return True

    def _signature(self, sha256: str) -> str:
        segmentor = self._segmentor
        return json.dumps(
            {
                "layout": LAYOUT,
                "image": sha256,
                "segmentor": segmentor.name,
                "weights": weights_of(segmentor),
                "encoding": segmentor.encoding_version if isinstance(segmentor, FromArrays) else None,
            },
            sort_keys=True,
        )

    def _path(self, sha256: str) -> Path:
        digest = hashlib.sha256(self._signature(sha256).encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:40]}.npz"

    def _evict(self) -> None:
        """Take away the files that were not used for longest, until the rest is small enough."""
        with self._evicting, suppress(OSError):
            files = sorted(
                (entry.stat().st_mtime, entry.stat().st_size, entry) for entry in self._folder.glob("*/*.npz")
            )
            excess = sum(size for _, size, _ in files) - self._max_bytes
            for _, size, path in files[:-1]:
                if excess <= 0:
                    return
                path.unlink(missing_ok=True)
                excess -= size


def _read(path: Path, signature: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file that is whole and has the signature.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or about something else.
        KeyError: it has no signature.
    """
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content) as archive:
        if archive.testzip() is not None:
            raise ValueError("a checksum is wrong")
    content.seek(0)
    with np.load(content, allow_pickle=False) as stored:
        if stored["signature"].tobytes().decode() != signature:
            raise ValueError("another signature")
        return {name[2:]: stored[name] for name in stored.files if name != "signature"}

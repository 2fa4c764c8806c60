"""The layered masks of COCO+LVIS, read from pickles without running anything that they hold.

`masks/ID.pickle` is (layers, mapping): PNG-encoded uint8 label maps, and for each mask its layer and its label there.
`hannotation.pickle` says for each image how many masks are things and which are parts of which. Source: SegNext,
segnext/isegm/data/datasets/coco_lvis.py and segnext/scripts/annotations_conversion/common.py.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError

_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, ImportError, MemoryError)


@dataclass(frozen=True)
class Layers:
    """All masks of an image.

    Attributes:
        maps: (H, W) uint8 each; masks of one layer do not overlap.
        mapping: of mask k its layer and its label in it.
    """

    maps: tuple[NDArray[np.uint8], ...]
    mapping: tuple[tuple[int, int], ...]

    def mask(self, number: int) -> NDArray[np.bool_]:
        """(H, W) bool, mask `number`, from 0."""
        layer, label = self.mapping[number]
        return np.asarray(self.maps[layer] == label)


def read_pickle(path: Path) -> Any:
    """Read a pickle of plain values: numbers, texts, bytes, lists, tuples, dictionaries, and arrays of numbers.

    Nothing named in the file is imported or called: the few names that arrays need stand for inert stand-ins of ours.

    Raises:
        InputError: the file is missing or damaged, or names anything else, which is refused and not run.
    """
    try:
        with path.open("rb") as file:
            return read_pickle_in(file, path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the name") from None


def read_pickle_in(file: BinaryIO, path: Path) -> Any:
    """The same from where an open file stands; `path` is for messages. An array of dictionaries becomes a list."""
    try:
        return _plain(_Restricted(file).load())
    except _Refused as refused:
        raise InputError(
            f"{path}: the pickle asks to run '{refused}', which masks have no need of, and was not read; "
            "get the file from its publisher again"
        ) from None
    except (pickle.UnpicklingError, RecursionError, *_DAMAGE) as error:
        raise InputError(f"{path}: the pickle is damaged or cut off ({error}); copy or download it again") from error


def read_layers(path: Path) -> Layers:
    """Read the masks of an image.

    Raises:
        InputError: as in `read_pickle`, or the file holds no layers.
    """
    import cv2

    content = read_pickle(path)
    try:
        encoded, mapping = content
        pairs = mapping.items() if isinstance(mapping, dict) else enumerate(mapping)
        places = dict(sorted((int(k), (int(layer), int(label))) for k, (layer, label) in pairs))
        maps = [cv2.imdecode(_bytes(layer), cv2.IMREAD_UNCHANGED) for layer in encoded]
    except (ValueError, TypeError, AttributeError, cv2.error):
        raise InputError(f"{path}: is no pickle of layers and their mapping; get it again") from None
    layers = [np.asarray(layer, np.uint8) for layer in maps if layer is not None and layer.ndim == 2]
    whole = len(layers) == len(maps) and len({layer.shape for layer in layers}) <= 1
    if not whole or list(places) != list(range(len(places))) or any(not 0 <= k < len(maps) for k, _ in places.values()):
        raise InputError(f"{path}: its layers are damaged or do not fit its mapping; get it again")
    return Layers(tuple(layers), tuple(places.values()))


class _Refused(Exception):
    """A name that a pickle of masks has no need of."""


class _DataType:
    """Stands for numpy.dtype: keeps its letter and byte order."""

    def __init__(self, letters: str, align: bool = False, copy: bool = True) -> None:
        self.letters, self.order = letters, "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def numeric(self) -> np.dtype[Any]:
        kind = np.dtype(self.letters)
        if kind.kind not in "biuf":
            raise ValueError(f"an array of {kind}")
        return kind.newbyteorder(">") if self.order == ">" else kind


class _Array:
    """Stands for numpy.ndarray: keeps what it is filled with until everything is read."""

    def __init__(self, *arguments: Any) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def array(self) -> NDArray[Any]:
        _, shape, kind, columns_first, content = self.state
        values = np.frombuffer(_encoded(content), kind.numeric())
        return values.reshape(shape, order="F" if columns_first else "C")


class _Scalar:
    """Stands for a number of numpy."""

    def __init__(self, kind: _DataType, content: bytes) -> None:
        self.kind, self.content = kind, content

    def number(self) -> int | float:
        value: int | float = np.frombuffer(_encoded(self.content), self.kind.numeric(), count=1)[0].item()
        return value


class _Buffer:
    """Stands for an array written by the newest pickle protocol, which hands over its bytes."""

    def __init__(self, content: Any, kind: _DataType, shape: tuple[int, ...], order: str) -> None:
        self.content, self.kind, self.shape, self.order = content, kind, shape, order

    def array(self) -> NDArray[Any]:
        values = np.frombuffer(_encoded(self.content), self.kind.numeric())
        return values.reshape(self.shape, order="F" if self.order == "F" else "C")


def _encoded(content: Any, encoding: str = "latin1") -> bytes:
    """The bytes that old pickle protocols write as text; stands for _codecs.encode."""
    if isinstance(content, str):
        return content.encode("latin1")
    return bytes(memoryview(content))


def _no_bytes() -> bytes:
    """What old pickle protocols call for the content of an empty array; stands for bytes."""
    return b""


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DataType,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Buffer for core in ("core", "_core")},
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise _Refused(f"{module}.{name}")
        return _STAND_INS[module, name]

    def persistent_load(self, pid: Any) -> NoReturn:
        raise _Refused("a persistent object")


def _plain(value: Any) -> Any:
    """The value with numpy's arrays and numbers in the place of their stand-ins."""
    if isinstance(value, _Array) and isinstance(value.state[-1], list):
        items = [_plain(item) for item in value.state[-1]]
        if not all(isinstance(item, dict) for item in items):
            raise ValueError("an array of objects")
        return items
    if isinstance(value, _Array | _Buffer):
        return value.array()
    if isinstance(value, _Scalar):
        return value.number()
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value


def _bytes(layer: Any) -> NDArray[np.uint8]:
    """(N,) uint8, an encoded picture."""
    if isinstance(layer, bytes | bytearray):
        return np.frombuffer(layer, np.uint8)
    return np.ascontiguousarray(layer, np.uint8).ravel()

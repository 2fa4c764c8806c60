"""Masks: many masks of one image in little memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask.counts import compress, expand
from tamis.mask.edges import edges_of
from tamis.mask.ranges import Integers, offsets_of, ranges, sums_of
from tamis.mask.strips import Strips, boxes_of, crops_of, strips_of

_BLOCK_BYTES = 1 << 23


class Masks(Sequence[MaskArray]):
    """An immutable sequence of masks of one image, kept as run lengths.

    A mask costs 4 bytes per run, whatever the size of the image. An integer index and iteration give dense (H, W) bool
    masks; a slice, an array of indices or of booleans gives Masks.

    >>> masks = Masks.from_dense(np.array([[[0, 1], [1, 1]], [[0, 0], [1, 0]]], bool))
    >>> masks.areas.tolist(), masks.boxes.tolist()
    ([3, 1], [[0, 0, 2, 2], [0, 1, 1, 2]])
    >>> masks.coco()[0]
    {'size': [2, 2], 'counts': b'13'}

    Attributes:
        shape: (H, W) of the image in pixels.
        edges: (E,) uint32, where runs begin in column-major order; see `tamis.mask.edges`.
        offsets: (N + 1,) int64, where each mask's edges begin.
    """

    __slots__ = ("edges", "offsets", "shape")

    def __init__(self, shape: tuple[int, int], edges: NDArray[np.uint32], offsets: Integers) -> None:
        self.shape = _checked_shape(shape)
        self.edges = _read_only(np.asarray(edges, np.uint32))
        self.offsets = _read_only(np.asarray(offsets, np.int64))

    # -- made from other forms

    @classmethod
    def from_dense(cls, masks: MaskArray | Iterable[MaskArray], shape: tuple[int, int] | None = None) -> "Masks":
        """Pack dense masks; an iterable is packed a few masks at a time and never held as a whole.

        Args:
            masks: (N, H, W) bool, or an iterable of (H, W) bool.
            shape: (H, W) of the image; needed only where the iterable may be empty.

        Raises:
            InputError: masks of different sizes, not of two dimensions, or none at all and no shape given.
        """
        if isinstance(masks, np.ndarray) and masks.ndim != 3:
            raise InputError(f"dense masks must be an array (N, H, W), not one of shape {masks.shape}")
        if isinstance(masks, np.ndarray):
            shape = _agreed_shape(masks.shape[1:], shape)
        remaining = iter(masks)
        head = list(islice(remaining, 1))
        if head:
            shape = _agreed_shape(np.shape(head[0]), shape)
        shape = _known(shape)
        step = _masks_at_a_time(shape)
        if isinstance(masks, np.ndarray):
            blocks: Iterator[NDArray[Any]] = (masks[first : first + step] for first in range(0, len(masks), step))
        else:
            blocks = _stacked(chain(head, remaining), shape, step)
        found = [edges_of(_as_bool(block)) for block in blocks]
        if not found:
            return cls.none(shape)
        lengths = np.concatenate([lengths for _, lengths in found])
        return cls(shape, np.concatenate([edges for edges, _ in found]), offsets_of(lengths))

    @classmethod
    def from_coco(cls, rles: Iterable[Mapping[str, Any]], shape: tuple[int, int] | None = None) -> "Masks":
        """Read COCO's run lengths, compressed (str or bytes) or not (a list of counts).

        Args:
            rles: {"size": [H, W], "counts": ...} for each mask.
            shape: (H, W) of the image; needed only where there may be no masks.

        Raises:
            InputError: masks of different sizes, damaged counts, or counts that do not add up to H · W.
        """
        texts = []
        for rle in rles:
            if not {"size", "counts"} <= rle.keys():
                raise InputError(f"an RLE is a mapping of 'size' and 'counts', but this one has {sorted(rle)}")
            shape = _agreed_shape(rle["size"], shape)
            texts.append(_compressed(rle["counts"]))
        shape = _known(shape)
        counts, offsets = expand(texts)
        _require_full(counts, offsets, shape)
        positions = offsets_of(counts)[1:]
        size = shape[0] * shape[1]
        positions -= np.repeat(np.arange(len(texts)) * size, np.diff(offsets))
        return cls(shape, *_tidy(positions, offsets, size))

    @classmethod
    def none(cls, shape: tuple[int, int]) -> "Masks":
        """A collection of no masks, of an image of (H, W) `shape`."""
        return cls(shape, np.zeros(0, np.uint32), np.zeros(1, np.int64))

    @classmethod
    def concatenate(cls, collections: Iterable["Masks"]) -> "Masks":
        """All masks of several collections of the same image, in order.

        Raises:
            InputError: no collection, or images of different sizes.
        """
        parts = list(collections)
        if not parts:
            raise InputError("nothing to concatenate: at least one collection says how large the image is")
        for part in parts:
            _agreed_shape(part.shape, parts[0].shape)
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(parts[0].shape, np.concatenate([part.edges for part in parts]), offsets_of(lengths))

    # -- a sequence

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> MaskArray: ...
    @overload
    def __getitem__(self, index: slice | ArrayLike) -> "Masks": ...
    def __getitem__(self, index: int | slice | ArrayLike) -> "MaskArray | Masks":
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"mask {index} of {len(self)}")
            one: MaskArray = self._select(np.array([index % len(self)])).dense()[0]
            return one
        if isinstance(index, slice):
            return self._select(np.arange(len(self))[index])
        wanted = np.asarray(index)
        return self._select(np.arange(len(self))[wanted if wanted.size else wanted.astype(np.int64)])

    def __iter__(self) -> Iterator[MaskArray]:
        step = _masks_at_a_time(self.shape)
        for first in range(0, len(self), step):
            yield from self[first : first + step].dense()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Masks):
            return NotImplemented
        return (
            self.shape == other.shape
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.edges, other.edges)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Masks: {len(self)} of {self.shape[1]}x{self.shape[0]}, {self.nbytes / 1e6:.1f} MB>"

    def _select(self, indices: Integers) -> "Masks":
        lengths = np.diff(self.offsets)[indices]
        return Masks(self.shape, self.edges[ranges(self.offsets[indices], lengths)], offsets_of(lengths))

    # -- other forms

    def dense(self) -> MaskArray:
        """(N, H, W) bool: all masks as an array. Mind the size: iterate instead where there are many."""
        height, width = self.shape
        out = np.zeros((len(self), height, width), np.bool_)
        for i, rows, columns, pixels in self.crops():
            out[i, rows, columns] = pixels
        return out

    def crops(self) -> Iterator[tuple[int, slice, slice, MaskArray]]:
        """Index, rows, columns and pixels of every mask that is not empty: enough of it to hold its box.

        The quick way to go through masks that are small beside the image: `out[rows, columns] |= pixels`.
        """
        step = 8 * _masks_at_a_time(self.shape)
        for first in range(0, len(self), step):
            strips = self[first : first + step].strips()
            crops = crops_of(strips, boxes_of(strips))
            for i, top, left, pixels in crops.unpacked(self.shape[1]):
                yield first + i, slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1]), pixels

    def coco(self, compressed: bool = True) -> list[dict[str, Any]]:
        """COCO's run lengths of every mask, byte for byte as pycocotools writes them.

        Args:
            compressed: counts as bytes; otherwise as a list of integers.
        """
        counts, offsets = self._counts()
        size = list(self.shape)
        if compressed:
            return [{"size": size.copy(), "counts": text} for text in compress(counts, offsets)]
        numbers, bounds = counts.tolist(), offsets.tolist()
        return [{"size": size.copy(), "counts": numbers[a:b]} for a, b in pairwise(bounds)]

    def placed(self, shape: tuple[int, int], top: int, left: int) -> "Masks":
        """The same masks in a larger image (H, W), of which theirs is the part from row `top` and column `left` on.

        Raises:
            InputError: their image reaches beyond the larger one.
        """
        height, width = _checked_shape(shape)
        if min(top, left) < 0 or top + self.shape[0] > height or left + self.shape[1] > width:
            raise InputError(f"masks of {self.shape} pixels at row {top}, column {left} reach beyond {shape}")
        strips = self.strips()
        column = (strips.x + left) * height + top
        positions = np.stack([column + strips.top, column + strips.bottom], axis=1).ravel()
        offsets = offsets_of(2 * np.bincount(strips.owner, minlength=len(self)))
        return Masks((height, width), *_tidy(positions, offsets, height * width))

    # -- measures

    @property
    def areas(self) -> Integers:
        """(N,) int64: pixels in each mask."""
        starts, ends, offsets = self._runs()
        return sums_of(ends - starts, offsets)

    @property
    def boxes(self) -> Integers:
        """(N, 4) int64: left, top, right, bottom in pixels, right and bottom exclusive; zeros for an empty mask."""
        return boxes_of(self.strips())

    @property
    def coco_boxes(self) -> Integers:
        """(N, 4) int64: left, top, width, height in pixels, COCO's order; zeros for an empty mask."""
        boxes = self.boxes
        boxes[:, 2:] -= boxes[:, :2]
        return boxes

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the masks occupy."""
        return int(self.edges.nbytes + self.offsets.nbytes)

    def strips(self) -> Strips:
        """The masks' runs cut at column boundaries."""
        return strips_of(*self._runs(), self.shape[0])

    def _runs(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32], Integers]:
        """Start and end (exclusive) of the runs of foreground, and where each mask's runs begin."""
        edges = self.edges
        lengths = np.diff(self.offsets)
        odd = lengths % 2 == 1
        if odd.any():  # a mask that holds the last pixel has no last edge: it ends with the image
            edges = np.insert(edges, self.offsets[1:][odd], self.shape[0] * self.shape[1])
        return edges[0::2], edges[1::2], offsets_of((lengths + 1) // 2)

    def _counts(self) -> tuple[Integers, Integers]:
        """Run lengths as COCO counts them, background first, and where each mask's counts begin."""
        size = self.shape[0] * self.shape[1]
        edges = np.insert(self.edges.astype(np.int64), self.offsets[1:], size)
        offsets = self.offsets + np.arange(len(self) + 1)
        counts = np.diff(edges, prepend=0)
        first = offsets[1:-1]
        counts[first] = edges[first]
        return counts, offsets


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _checked_shape(shape: Sequence[int]) -> tuple[int, int]:
    if len(shape) != 2:
        raise InputError(f"a mask has two dimensions, height and width, but this one has shape {tuple(shape)}")
    height, width = int(shape[0]), int(shape[1])
    if height < 1 or width < 1 or height * width >= 1 << 32:
        raise InputError(f"masks of {width}x{height} pixels cannot be packed: 1 to 4,294,967,295 pixels are possible")
    return height, width


def _agreed_shape(shape: Sequence[int], expected: Sequence[int] | None) -> tuple[int, int]:
    height, width = _checked_shape(shape)
    if expected is not None and (height, width) != tuple(expected):
        raise InputError(
            f"a mask of {width}x{height} pixels among masks of {expected[1]}x{expected[0]}: "
            "a collection holds masks of one image"
        )
    return height, width


def _as_bool(masks: NDArray[Any]) -> MaskArray:
    return np.ascontiguousarray(masks if masks.dtype == np.bool_ else masks != 0)


def _known(shape: tuple[int, int] | None) -> tuple[int, int]:
    if shape is None:
        raise InputError("no masks and no shape: pass shape=(height, width) for an empty collection")
    return _checked_shape(shape)


def _masks_at_a_time(shape: tuple[int, int]) -> int:
    return max(1, _BLOCK_BYTES // (shape[0] * shape[1]))


def _stacked(masks: Iterator[MaskArray], shape: tuple[int, int], step: int) -> Iterator[NDArray[Any]]:
    """The masks in arrays of a few."""
    while block := list(islice(masks, step)):
        for mask in block:
            _agreed_shape(np.shape(mask), shape)
        yield np.asarray(block[0])[None] if len(block) == 1 else np.stack(block)


def _compressed(counts: Any) -> bytes:
    if isinstance(counts, str):
        return counts.encode()
    if isinstance(counts, bytes):
        return counts
    numbers = np.asarray(counts)
    if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in "iu":
        raise InputError("the counts of an RLE must be a string or a list of integers")
    if numbers.min() < 0 or numbers.max() >= 1 << 32:
        raise InputError("an RLE holds a negative or impossibly large run: it is damaged or not COCO's")
    return compress(numbers.astype(np.int64), np.array([0, len(numbers)]))[0]


def _require_full(counts: Integers, offsets: Integers, shape: tuple[int, int]) -> None:
    if len(counts) and (counts.min() < 0 or counts.max() >= 1 << 32):
        raise InputError("an RLE holds a negative or impossibly large run: it is damaged or not COCO's")
    totals = sums_of(counts, offsets)
    wrong = np.flatnonzero(totals != shape[0] * shape[1])
    if len(wrong):
        raise InputError(
            f"the counts of RLE {wrong[0]} add up to {totals[wrong[0]]} pixels, "
            f"but an image of {shape[1]}x{shape[0]} has {shape[0] * shape[1]}"
        )


def _tidy(positions: Integers, offsets: Integers, size: int) -> tuple[NDArray[np.uint32], Integers]:
    """Edges from the ends of runs: the end of the image is none, and ends that meet at a run of length 0 cancel."""
    lengths = np.diff(offsets)
    inside = positions < size
    owner = np.repeat(np.arange(len(lengths)), lengths)[inside]
    key, times = positions[inside] + owner * size, None
    if not (np.diff(key) > 0).all():
        key, times = np.unique(key, return_counts=True)
        key = key[times % 2 == 1]
        owner = key // size
    return (key - owner * size).astype(np.uint32), offsets_of(np.bincount(owner, minlength=len(lengths)))

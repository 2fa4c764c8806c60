"""A folder of vectors that is searched from the disk: add, delete and filter without building it anew.

Vectors lie in shards `NNNNNN.npy`, names, hashes and dates beside them in `NNNNNN.parquet`; `store.json` says which
shards count, and is replaced as a whole: an interrupted addition leaves the store as it was. A deleted row is a bit in
`deleted.npy`. Shards are memory-mapped and read in blocks, so that a store may be larger than the memory.
"""

import fnmatch
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError, UnavailableError
from tamis.results.files import replacing, write_json
from tamis.results.run import alone_in

LAYOUT = 1
BLOCK = 65_536
"""Vectors that are compared at a time."""

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Filter:
    """Which rows count; what is not given does not matter.

    Attributes:
        name: pattern such as "holiday/*", with * and ?.
        folder: what names begin with.
        since: ISO date or time; rows without a date are left out.
        until: the same, exclusive.
    """

    name: str | None = None
    folder: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Rows:
    """What is known of vectors.

    Attributes:
        names: unique in the store.
        sha256: of the files.
        dates: ISO 8601, empty where unknown.
    """

    names: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nearest:
    """The nearest of every query.

    Attributes:
        scores: (Q, k) float32, falling; −inf where there are fewer than k rows.
        rows: (Q, k) int64 row numbers, −1 there.
        names: of each query its hits, as many as there are.
    """

    scores: Float32
    rows: NDArray[np.int64]
    names: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def empty(cls, queries: int, k: int) -> "Nearest":
        """Nothing yet."""
        return cls(np.full((queries, k), -np.inf, np.float32), np.full((queries, k), -1, np.int64))


@dataclass(frozen=True)
class Store:
    """An open store; a value: `add` and `delete` give the store as it is afterwards.

    Attributes:
        folder: of the files.
        encoder: that made the vectors.
        weights: their SHA-256.
        dimension: numbers of a vector.
        shards: how many rows each has, in order.
    """

    folder: Path
    encoder: str
    weights: str
    dimension: int
    shards: tuple[int, ...] = field(default=())

    @cached_property
    def rows(self) -> Rows:
        """Of all shards, deleted rows too."""
        import_parquet = _parquet()
        tables = [import_parquet.read_table(self._place(number, ".parquet")) for number in range(len(self.shards))]
        columns: list[tuple[str, ...]] = [
            tuple(value for table in tables for value in table.column(name).to_pylist())
            for name in ("name", "sha256", "date")
        ]
        return Rows(*columns)

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """(N,) bool: rows that are not deleted."""
        alive = np.ones(sum(self.shards), bool)
        place = self.folder / "deleted.npy"
        if place.exists():
            alive[np.load(place)] = False
        return alive

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Row number by name, of rows that are not deleted."""
        return {name: row for row, name in enumerate(self.rows.names) if self.alive[row]}

    def digests(self) -> dict[str, str]:
        """The SHA-256 of each image's file, by name."""
        return {name: self.rows.sha256[row] for name, row in self.number_of.items()}

    def count(self) -> int:
        """How many rows are not deleted."""
        return int(self.alive.sum())

    def blocks(self) -> Iterator[tuple[int, Float32]]:
        """First row and vectors, some at a time, from the disk.

        Raises:
            InputError: a shard is damaged.
        """
        first = 0
        for number, length in enumerate(self.shards):
            vectors = self._vectors(number, length)
            for start in range(0, length, BLOCK):
                yield first + start, np.asarray(vectors[start : start + BLOCK], np.float32)
            first += length

    def vectors(self, rows: Sequence[int]) -> Float32:
        """(N, D) float32 of some rows."""
        starts = np.concatenate([[0], np.cumsum(self.shards)])
        found = np.empty((len(rows), self.dimension), np.float32)
        where = np.searchsorted(starts, np.asarray(rows, np.int64), side="right") - 1
        for number in np.unique(where).tolist():
            chosen = np.flatnonzero(where == number)
            vectors = self._vectors(number, self.shards[number])
            found[chosen] = vectors[np.asarray(rows, np.int64)[chosen] - starts[number]]
        return found

    def add(self, vectors: NDArray[np.floating], rows: Rows) -> "Store":
        """Append a shard.

        Args:
            vectors: (N, D), kept in their precision: float16 takes half the space.
            rows: N of them.

        Raises:
            InputError: a name is there already or given twice, or the vectors are of another length.
            OutputError: it cannot be written; the store stays as it was.
        """
        if vectors.ndim != 2 or vectors.shape != (len(rows.names), self.dimension):
            raise InputError(f"{self.folder}: takes (N, {self.dimension}) vectors for N names, not {vectors.shape}")
        twice = [name for name in rows.names if name in self.number_of]
        twice += sorted({name for name in rows.names if rows.names.count(name) > 1}) if len(rows.names) < 5000 else []
        if twice or len(set(rows.names)) != len(rows.names):
            said = twice[0] if twice else "a name"
            raise InputError(
                f"{self.folder}: {said} is there twice; names must differ, so delete it first or rename it"
            )
        import pyarrow as arrow

        number = len(self.shards)
        with replacing(self._place(number, ".npy")) as file:
            np.save(file, vectors)
        table = arrow.table({"name": rows.names, "sha256": rows.sha256, "date": rows.dates or ("",) * len(rows.names)})
        with replacing(self._place(number, ".parquet")) as file:
            _parquet().write_table(table, file)
        grown = replace(self, shards=(*self.shards, len(rows.names)))
        grown.save()
        return grown

    def delete(self, names: Sequence[str]) -> "Store":
        """Forget rows; they cost space until the store is made anew, and are never found.

        Raises:
            InputError: a name is not there.
        """
        missing = [name for name in names if name not in self.number_of]
        if missing:
            raise InputError(f"{self.folder}: has no {missing[0]}; see what it has with tamis retrieve list")
        gone = np.flatnonzero(~self.alive).tolist() + [self.number_of[name] for name in names]
        with replacing(self.folder / "deleted.npy") as file:
            np.save(file, np.unique(np.array(gone, np.int64)))
        return replace(self)

    def chosen(self, wanted: Filter | None) -> NDArray[np.bool_]:
        """(N,) bool: rows that are not deleted and that a filter lets through."""
        keep = self.alive.copy()
        if wanted is None:
            return keep
        for row in np.flatnonzero(keep).tolist():
            name, date = self.rows.names[row], self.rows.dates[row]
            keep[row] = (
                (wanted.name is None or fnmatch.fnmatchcase(name, wanted.name))
                and (wanted.folder is None or name.startswith(wanted.folder.rstrip("/") + "/"))
                and (wanted.since is None or (bool(date) and date >= wanted.since))
                and (wanted.until is None or (bool(date) and date < wanted.until))
            )
        return keep

    def search(self, queries: NDArray[np.floating], k: int, wanted: Filter | None = None) -> Nearest:
        """The k rows of largest inner product with each query (Q, D), exactly; of equals the first.

        Raises:
            InputError: queries are of another length, or a shard is damaged.
        """
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise InputError(f"{self.folder}: queries must be (Q, {self.dimension}), not {queries.shape}")
        asked = np.asarray(queries, np.float32)
        keep = self.chosen(wanted)
        best = Nearest.empty(len(asked), k)
        for first, block in self.blocks():
            usable = np.flatnonzero(keep[first : first + len(block)])
            if len(usable):
                some = block if len(usable) == len(block) else block[usable]
                best = _merged(best, asked @ some.T, usable + first, k)
        return self.named(best)

    def named(self, found: Nearest) -> Nearest:
        """With the names of the rows; of all names only those are made, since there may be millions."""
        wanted = np.unique(found.rows[found.rows >= 0])
        starts = np.concatenate([[0], np.cumsum(self.shards)])
        where = np.searchsorted(starts, wanted, side="right") - 1
        names: dict[int, str] = {}
        for number in np.unique(where).tolist():
            rows = wanted[where == number]
            column = _parquet().read_table(self._place(number, ".parquet"), columns=["name"]).column("name")
            names |= dict(zip(rows.tolist(), column.take(rows - starts[number]).to_pylist(), strict=True))
        hits = tuple(tuple(names[row] for row in each if row >= 0) for each in found.rows.tolist())
        return replace(found, names=hits)

    def save(self) -> None:
        """Write `store.json`."""
        write_json(
            self.folder / "store.json",
            {
                "layout": LAYOUT,
                "encoder": self.encoder,
                "weights_sha256": self.weights,
                "dimension": self.dimension,
                "shards": list(self.shards),
            },
        )

    def _place(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:06d}{suffix}"

    def _vectors(self, number: int, length: int) -> NDArray[Any]:
        path = self._place(number, ".npy")
        try:
            vectors: NDArray[Any] = np.load(path, mmap_mode="r")
        except FileNotFoundError:
            raise InputError(f"{path}: is missing; restore it, or make the store anew") from None
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path}: is cut off or damaged ({error}); restore it, or make the store anew") from None
        if vectors.shape != (length, self.dimension):
            raise InputError(f"{path}: holds {vectors.shape}, not {(length, self.dimension)}; restore it")
        return vectors


def create_store(folder: Path, encoder: str, weights: str, dimension: int) -> Store:
    """A new store without rows.

    Raises:
        InputError: there is one.
    """
    if (folder / "store.json").exists():
        raise InputError(f"{folder}: holds a store already; open it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder, encoder, weights, dimension)
    store.save()
    return store


def open_store(folder: Path, encoder: str | None = None) -> Store:
    """A store that is there.

    Args:
        folder: of the store.
        encoder: that queries are of; None takes any.

    Raises:
        InputError: there is none, or it was made by another encoder.
    """
    try:
        said = json.loads((folder / "store.json").read_bytes())
        store = Store(folder, said["encoder"], said["weights_sha256"], said["dimension"], tuple(said["shards"]))
    except FileNotFoundError:
        raise InputError(f"{folder}: holds no vectors; make them with tamis retrieve precompute") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / 'store.json'}: is damaged ({error}); make the store anew") from None
    if encoder is not None and store.encoder != encoder:
        raise InputError(
            f"{folder}: its vectors are of the encoder {store.encoder}, not {encoder}; compute queries with "
            f"--encoder {store.encoder}, or the store with --encoder {encoder}"
        )
    return store


def folder_locked(folder: Path) -> Any:
    """The right to change a store; one program at a time has it."""
    return alone_in(folder, folder / ".lock")


def _merged(best: Nearest, scores: Float32, rows: NDArray[np.int64], k: int) -> Nearest:
    """The best k of what was found and of a block, of equals the earlier row."""
    if scores.shape[1] > k:
        # Ties at the edge: take all that reach the k-th score, then sort.
        edge = np.partition(scores, -k, axis=1)[:, -k]
        widest = int((scores >= edge[:, None]).sum(axis=1).max())
        order = np.argsort(-scores, axis=1, kind="stable")[:, : max(k, widest)] if widest > k else None
        if order is None:
            order = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            order = np.sort(order, axis=1)
        scores, numbers = np.take_along_axis(scores, order, axis=1), rows[order]
    else:
        numbers = np.broadcast_to(rows, scores.shape)
    all_scores = np.concatenate([best.scores, scores], axis=1)
    all_rows = np.concatenate([best.rows, numbers], axis=1)
    order = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
    return Nearest(
        np.take_along_axis(all_scores, order, axis=1).astype(np.float32),
        np.take_along_axis(all_rows, order, axis=1).astype(np.int64),
    )


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise UnavailableError("retrieval needs pyarrow: run pip install 'tamis[retrieval]'") from None
    return parquet

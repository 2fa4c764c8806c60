"""Vectors of a collection into a store: in shards, so that memory stays small and an interrupted run goes on."""

import hashlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.personal.retrieval.encoders import Encoder
from tamis.personal.retrieval.sources import decoded
from tamis.personal.retrieval.store import Rows
from tamis.personal.retrieval.vectors import (
    Collection,
    create_vectors,
    is_address,
    locked,
    open_vectors,
    shown,
    there_are_vectors,
)
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order
from tamis.scale.sources import Entry, entries_of

SHARD, BATCH = 4096, 16
"""Vectors of a shard, and images that are encoded together."""


@dataclass(frozen=True)
class PrecomputeProgress:
    """How far it is.

    Attributes:
        new: vectors that were computed.
        known: images that the store had.
        unreadable: a sentence for each image that cannot be read.
        changed: names whose image is another than that in the store; their vectors were made anew.
    """

    new: int = 0
    known: int = 0
    unreadable: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def precompute(
    source: str,
    place: str | Path,
    encoder: Encoder,
    prefix: str = "",
    half: bool = False,
    shard: int = SHARD,
    executor: Executor = IN_PROCESS,
) -> Generator[PrecomputeProgress]:
    """Bring a store up to date with a source: what is new is added, what changed is made anew.

    Workers read, decode and encode; the vectors come here, and are written in the order of the source, so that the
    store is the same whatever the number of workers.

    Args:
        source: a folder, .tar or .parquet, or the URL of one.
        place: of the store, a folder or postgresql://…; made if needed.
        encoder: of images; for other processes than this it can be pickled.
        prefix: before every name, such as "db/".
        half: keep vectors in float16.
        shard: vectors written at a time.
        executor: who works.

    Yields:
        How far it is, after every batch.

    Raises:
        InputError: the store is of another encoder or other weights, two images have one name, or nothing can be read.
        OutputError: the store cannot be written to.
    """
    store = _opened(place, encoder)
    known = {} if store is None else store.digests()
    inside = [] if is_address(place) else [Path(place)]
    state = PrecomputeProgress()
    waiting: list[tuple[tuple[str, str, str], NDArray[np.floating]]] = []
    with locked(place):
        asked = _batches(source, entries_of(source, inside), prefix, known)
        with closing(in_order(_Encode(encoder, half), asked, executor)) as results:
            for done in results:
                found = _unreadable(done.item, done.lost) if done.result is None else done.result
                changed = tuple(name for name, _, _ in found.rows if name in known)
                if store is not None and changed:
                    store = store.delete(changed)
                if store is None and len(found.vectors):
                    store = create_vectors(place, encoder.name, encoder.weights_sha256, found.vectors.shape[1])
                waiting += zip(found.rows, found.vectors, strict=True)
                state = PrecomputeProgress(
                    state.new + len(found.rows),
                    state.known + found.known,
                    (*state.unreadable, *found.unreadable),
                    (*state.changed, *changed),
                )
                if store is not None and len(waiting) >= shard:
                    store, waiting = _written(store, waiting), []
                yield state
        if store is not None and waiting:
            _written(store, waiting)
    if store is None:
        raise InputError(f"{source}: holds no image that can be read")


Batch = tuple[tuple[str, Entry, str], ...]
"""Name in the store, where the image is, and the SHA-256 of the one that the store knows, or ""."""


def _batches(source: str, entries: Iterator[Entry], prefix: str, hashes: Mapping[str, str]) -> Iterator[Batch]:
    seen: set[str] = set()
    while some := tuple(islice(entries, BATCH)):
        for entry in some:
            if entry.name in seen:
                raise InputError(f"{source}: two images are called {prefix}{entry.name}; rename one")
            seen.add(entry.name)
        yield tuple((prefix + entry.name, entry, hashes.get(prefix + entry.name, "")) for entry in some)


@dataclass(frozen=True)
class _Encoded:
    """What came of a batch: rows of the store and their vectors (N, D), and what there is no vector of."""

    rows: tuple[tuple[str, str, str], ...]
    vectors: NDArray[np.floating]
    known: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class _Encode:
    """What a worker does with a batch."""

    encoder: Encoder
    half: bool

    def __call__(self, batch: Batch) -> _Encoded:
        rows, images, unreadable, known = [], [], [], 0
        for name, entry, before in batch:
            try:
                content = entry.content()
                digest = hashlib.sha256(content).hexdigest()
                if digest == before:
                    known += 1
                    continue
                images.append(decoded(entry.name, content))
            except InputError as error:
                unreadable.append(str(error))
                continue
            rows.append((name, digest, entry.date))
        vectors: NDArray[np.floating] = self.encoder.encode(images) if images else np.empty((0, 0), np.float32)
        return _Encoded(tuple(rows), vectors.astype(np.float16) if self.half else vectors, known, tuple(unreadable))


def _unreadable(batch: Batch, why: str | None) -> _Encoded:
    said = tuple(f"{name}: one of the {len(batch)} images of its batch {why}" for name, _, _ in batch)
    return _Encoded((), np.empty((0, 0), np.float32), 0, said)


def _opened(place: str | Path, encoder: Encoder) -> Collection | None:
    if not there_are_vectors(place):
        if not is_address(place):
            Path(place).mkdir(parents=True, exist_ok=True)
        return None
    store = open_vectors(place, encoder.name)
    if store.weights != encoder.weights_sha256:
        raise InputError(
            f"{shown(place)}: was made with other weights of {encoder.name} ({store.weights[:12]}…, here "
            f"{encoder.weights_sha256[:12]}…); make it anew elsewhere"
        )
    return store


def _written(store: Collection, waiting: list[tuple[tuple[str, str, str], NDArray[np.floating]]]) -> Collection:
    names, hashes, dates = zip(*(row for row, _ in waiting), strict=True)
    return store.add(np.stack([vector for _, vector in waiting]), Rows(names, hashes, dates))


def vectors_of(images: list[ImageArray], encoder: Encoder) -> NDArray[np.float32]:
    """(N, D) float32 of some images, some at a time."""
    return np.concatenate([encoder.encode(images[first : first + BATCH]) for first in range(0, len(images), BATCH)])

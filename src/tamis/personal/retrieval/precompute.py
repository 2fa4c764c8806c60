"""Vectors of a collection into a store: in shards, so that memory stays small and an interrupted run goes on."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.personal.retrieval.encoders import Encoder
from tamis.personal.retrieval.sources import batches, items_of
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

SHARD, BATCH = 4096, 16
"""Vectors of a shard, and images that are encoded together."""


@dataclass(frozen=True)
class Added:
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
    source: Path, place: str | Path, encoder: Encoder, prefix: str = "", half: bool = False, shard: int = SHARD
) -> Generator[Added]:
    """Bring a store up to date with a source: what is new is added, what changed is made anew.

    Args:
        source: a folder, .tar or .parquet.
        place: of the store, a folder or postgresql://…; made if needed.
        encoder: of images.
        prefix: before every name, such as "db/".
        half: keep vectors in float16.
        shard: vectors written at a time.

    Yields:
        How far it is, after every batch.

    Raises:
        InputError: the store is of another encoder or other weights, two images have one name, or nothing can be read.
        OutputError: the store cannot be written to.
    """
    store = _opened(place, encoder)
    known = {} if store is None else store.digests()
    inside = [] if is_address(place) else [Path(place)]
    state = Added()
    waiting: list[tuple[tuple[str, str, str], NDArray[np.floating]]] = []
    seen: set[str] = set()
    with locked(place):
        for batch in batches(items_of(source, inside), BATCH):
            images, todo = [], []
            for item in batch:
                name = prefix + item.name
                if name in seen:
                    raise InputError(f"{source}: two images are called {name}; rename one")
                seen.add(name)
                if known.get(name) == item.sha256:
                    state = Added(state.new, state.known + 1, state.unreadable, state.changed)
                    continue
                try:
                    images.append(item.image())
                except InputError as error:
                    state = Added(state.new, state.known, (*state.unreadable, str(error)), state.changed)
                    continue
                if name in known and store is not None:
                    store = store.delete([name])
                    state = Added(state.new, state.known, state.unreadable, (*state.changed, name))
                todo.append((name, item.sha256, item.date))
            if images:
                vectors = encoder.encode(images)
                if store is None:
                    store = create_vectors(place, encoder.name, encoder.weights_sha256, vectors.shape[1])
                waiting += zip(todo, vectors.astype(np.float16) if half else vectors, strict=True)
                state = Added(state.new + len(images), state.known, state.unreadable, state.changed)
            if store is not None and len(waiting) >= shard:
                store, waiting = _written(store, waiting), []
            yield state
        if store is not None and waiting:
            _written(store, waiting)
    if store is None:
        raise InputError(f"{source}: holds no image that can be read")


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

"""IVF-PQ over a store of a million vectors or more: quicker than comparing all, and told how much it misses.

faiss searches codes of 8 bits for every few numbers, mapped from the disk; the best candidates are compared exactly
with the vectors there. Rows that came later are searched exactly, deleted and filtered ones are left out.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError, UnavailableError
from tamis.personal.retrieval.store import Filter, Nearest, Rows, Store
from tamis.results.files import replacing, write_json

TRAINED_ON, ASKED, PROBES, KEPT = 100_000, 200, 64, 10
"""Vectors that cells are learned from; queries that measure recall; cells searched; candidates for each hit."""

TOGETHER = 16
"""Queries whose candidates are read together."""


@dataclass(frozen=True)
class Approximate:
    """An index beside a store.

    Attributes:
        store: it is of.
        index: faiss's.
        covered: rows that are in it, from the first.
        recall: the share of the exact ten nearest that it finds, on vectors of the store itself.
    """

    store: Store
    index: Any
    covered: int
    recall: float

    def search(self, queries: NDArray[np.floating], k: int, wanted: Filter | None = None) -> Nearest:
        """As `Store.search`, but some of the nearest may be missed."""
        faiss, asked = _faiss(), np.ascontiguousarray(queries, np.float32)
        keep = self.store.chosen(wanted)
        parameters = faiss.SearchParametersIVF(nprobe=PROBES)
        if not keep[: self.covered].all():
            chosen = np.packbits(keep[: self.covered], bitorder="little")
            parameters = faiss.SearchParametersIVF(sel=faiss.IDSelectorBitmap(chosen), nprobe=PROBES)
        late = np.flatnonzero(keep[self.covered :]) + self.covered
        newest = self.store.vectors(late.tolist()) if len(late) else None
        best = Nearest.empty(len(asked), k)
        for first in range(0, len(asked), TOGETHER):
            some = asked[first : first + TOGETHER]
            _, rows = self.index.search(some, k * KEPT, params=parameters)
            candidates, places = np.unique(rows, return_inverse=True)
            candidates, places = candidates.clip(0), places.reshape(rows.shape)
            vectors = self.store.vectors(candidates.tolist())
            for number, query in enumerate(some):
                usable = rows[number] >= 0
                here, exact = rows[number][usable], vectors[places[number][usable]] @ query
                if newest is not None:
                    here, exact = np.concatenate([here, late]), np.concatenate([exact, newest @ query])
                order = np.lexsort((here, -exact))[:k]
                best.scores[first + number, : len(order)] = exact[order]
                best.rows[first + number, : len(order)] = here[order]
        return self.store.named(best)

    def count(self) -> int:
        """How many rows are not deleted."""
        return self.store.count()

    def add(self, vectors: NDArray[np.floating], rows: Rows) -> "Approximate":
        """As `Store.add`; what is added is compared exactly, until the index is built anew."""
        return replace(self, store=self.store.add(vectors, rows))


def build(store: Store, seed: int = 0) -> Approximate:
    """Learn cells and codes, add all vectors block by block, and measure the recall.

    Raises:
        InputError: there are too few vectors to learn from.
        UnavailableError: faiss is not installed.
    """
    faiss = _faiss()
    total, dimension = sum(store.shards), store.dimension
    cells = max(1, min(int(np.sqrt(total)), total // 39))
    if total < 39 * 256:
        raise InputError(f"{store.folder}: {total} vectors are too few for an approximate index")
    codes = next(size for size in range(min(64, dimension), 0, -1) if dimension % size == 0)
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFPQ(quantizer, dimension, cells, codes, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = 10
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(total, min(total, max(TRAINED_ON, 39 * cells)), replace=False))
    index.train(store.vectors(drawn.tolist()))
    for first, block in store.blocks():
        index.add_with_ids(block, np.arange(first, first + len(block)))
    made = Approximate(store, index, total, 0.0)
    alive = np.flatnonzero(store.alive)
    asked = store.vectors(rng.choice(alive, min(ASKED, len(alive)), replace=False).tolist())
    exact, near = store.search(asked, 10), made.search(asked, 10)
    recall = float(np.mean([len(set(one) & set(two)) / 10 for one, two in zip(exact.rows, near.rows, strict=True)]))
    with replacing(store.folder / "approximate.faiss") as file:
        file.write(faiss.serialize_index(index).tobytes())
    said = {"covered": total, "recall@10": recall, "cells": cells, "codes": codes}
    write_json(store.folder / "approximate.json", said)
    return Approximate(store, index, total, recall)


def approximate_of(store: Store) -> Approximate | None:
    """The index that was built for a store, None where there is none."""
    place = store.folder / "approximate.faiss"
    if not place.exists():
        return None
    said = json.loads((store.folder / "approximate.json").read_bytes())
    faiss = _faiss()
    # Codes stay on the disk: pages that are searched are in memory as long as there is room.
    index = faiss.read_index(str(place), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    return Approximate(store, index, said["covered"], said["recall@10"])


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        raise UnavailableError("an approximate index needs faiss: run pip install 'tamis[retrieval]'") from None
    return faiss

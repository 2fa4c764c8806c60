"""Where vectors are kept: the protocol of three functions, and who follows it: a folder, or PostgreSQL by its URL."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from tamis.personal.retrieval.store import Filter, Nearest, Rows, Store, create_store, folder_locked, open_store

LEAST = 1_000_000
"""Vectors from which on `tamis retrieve search` searches by an index."""


class VectorIndex(Protocol):
    """Vectors with names that can be searched."""

    def add(self, vectors: NDArray[np.floating], rows: Rows) -> Self:
        """With N more vectors (N, D)."""
        ...

    def search(self, queries: NDArray[np.floating], k: int, wanted: Filter | None = None) -> Nearest:
        """The k of largest inner product with each query (Q, D), the largest first, of equals the first added."""
        ...

    def count(self) -> int:
        """How many vectors there are."""
        ...


class Collection(VectorIndex, Protocol):
    """Vectors of images, brought up to date when the images change."""

    @property
    def encoder(self) -> str:
        """That made the vectors."""
        ...

    @property
    def weights(self) -> str:
        """SHA-256 of the encoder's weights."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        ...

    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of each image's file, by name."""
        ...

    def delete(self, names: Sequence[str]) -> Self:
        """Without some."""
        ...


def is_address(place: str | Path) -> bool:
    """Whether a place is a database rather than a folder."""
    return str(place).startswith(("postgresql://", "postgres://"))


def shown(place: str | Path) -> str:
    """A place as it is said: an address without its password."""
    if not is_address(place):
        return str(place)
    parts = urlsplit(str(place))
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()


def open_vectors(place: str | Path, encoder: str | None = None) -> Collection:
    """The vectors of a folder or a database.

    Args:
        place: a folder or postgresql://USER:PASSWORD@HOST/NAME.
        encoder: that queries are of; None takes any.

    Raises:
        InputError: there are none, or they were made by another encoder.
        UnavailableError: PostgreSQL's driver is not installed.
    """
    if is_address(place):
        from tamis.personal.retrieval.pgvector import open_table

        return open_table(str(place), encoder)
    return open_store(Path(place), encoder)


def create_vectors(place: str | Path, encoder: str, weights: str, dimension: int) -> Collection:
    """A place for vectors that has none yet.

    Raises:
        InputError: it has.
        UnavailableError: PostgreSQL's driver is not installed.
    """
    if is_address(place):
        from tamis.personal.retrieval.pgvector import create_table

        return create_table(str(place), encoder, weights, dimension)
    return create_store(Path(place), encoder, weights, dimension)


def there_are_vectors(place: str | Path) -> bool:
    """Whether a place has been made already."""
    if is_address(place):
        from tamis.personal.retrieval.pgvector import there_is_a_table

        return there_is_a_table(str(place))
    return (Path(place) / "store.json").exists()


def locked(place: str | Path) -> AbstractContextManager[object]:
    """The right to change the vectors of a place; one program at a time has it."""
    if is_address(place):
        from tamis.personal.retrieval.pgvector import table_locked

        return table_locked(str(place))
    lock: AbstractContextManager[object] = folder_locked(Path(place))
    return lock


def approximately(vectors: Collection) -> tuple[VectorIndex, float]:
    """The index by which vectors are searched quickly, built where there is none, and its recall@10.

    IVF-PQ of a folder's, HNSW of a database's.
    """
    if isinstance(vectors, Store):
        from tamis.personal.retrieval.approximate import approximate_of, build

        near = approximate_of(vectors) or build(vectors)
        return near, near.recall
    from tamis.personal.retrieval.pgvector import Table, indexed

    assert isinstance(vectors, Table)
    made = indexed(vectors)
    return made, made.recall

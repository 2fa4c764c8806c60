"""Vectors in PostgreSQL: the same answers as comparing all of them by hand, and as the folder gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.errors import InputError, OutputError, UnavailableError
from tamis.personal.retrieval.pgvector import WIDEST, Table, create_table, indexed, open_table
from tamis.personal.retrieval.store import Filter, Rows, create_store
from tamis.personal.retrieval.vectors import (
    Collection,
    approximately,
    create_vectors,
    locked,
    open_vectors,
    there_are_vectors,
)

pytest.importorskip("pyarrow")
pytest.importorskip("psycopg")

SIZE = 24


def unit(count: int, seed: int, dimension: int = SIZE) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def rows(first: int, count: int) -> Rows:
    names = tuple(f"{'album' if row % 2 else 'other'}/{row:05d}.jpg" for row in range(first, first + count))
    dates = tuple(
        f"2026-{1 + row % 12:02d}-01T00:00:00+00:00" if row % 5 else "" for row in range(first, first + count)
    )
    return Rows(names, tuple(f"{row:064d}" for row in range(first, first + count)), dates)


@pytest.fixture(params=["folder", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Collection:
    """150 vectors, added 50 at a time, in each kind of place."""
    made = tmp_path / "vectors" if request.param == "folder" else request.getfixturevalue("pgvector")()
    vectors = create_vectors(made, "toy", "w" * 64, SIZE)
    for number in range(3):
        vectors = vectors.add(unit(50, number), rows(50 * number, 50))
    return open_vectors(made, "toy")


def test_a_search_is_what_comparing_all_gives(filled: Collection) -> None:
    everything, queries = np.concatenate([unit(50, number) for number in range(3)]), unit(7, 9)
    expected = np.argsort(-(queries @ everything.T), axis=1)[:, :10]
    found = filled.search(queries, 10)
    names = rows(0, 150).names
    assert found.names == tuple(tuple(names[row] for row in each) for each in expected.tolist())
    np.testing.assert_allclose(found.scores, np.take_along_axis(queries @ everything.T, expected, 1), atol=1e-6)
    assert filled.count() == 150


def test_of_equals_the_first_comes_first(pgvector: Callable[[], str]) -> None:
    table = create_table(pgvector(), "toy", "w", 2).add(np.tile(np.array([[1.0, 0.0]]), (30, 1)), rows(0, 30))
    assert table.search(np.array([[1.0, 0.0]]), 5).names == (rows(0, 5).names,)


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(name="*/0000[1-7].jpg"),
        Filter(name="album/????[!5].jpg"),
        Filter(name="a.b*"),
        Filter(folder="album"),
        Filter(since="2026-03", until="2026-05"),
        Filter(folder="other", until="2026-07-01"),
    ],
)
def test_filters_let_through_the_same(filled: Collection, wanted: Filter, tmp_path: Path) -> None:
    whole = create_store(tmp_path / "other", "toy", "w", SIZE).add(
        np.concatenate([unit(50, number) for number in range(3)]), rows(0, 150)
    )
    expected = whole.search(unit(2, 4), 150, wanted)
    found = filled.search(unit(2, 4), 150, wanted)
    assert found.names == expected.names
    assert wanted.name == "a.b*" or expected.names[0]
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


def test_what_is_deleted_is_not_found_and_may_come_again(filled: Collection) -> None:
    first = rows(0, 1).names[0]
    assert filled.search(unit(50, 0)[:1], 1).names == ((first,),)
    left = filled.delete([first])
    assert left.count() == 149
    assert first not in left.digests()
    assert first not in left.search(unit(50, 0)[:1], 149).names[0]
    again = left.add(unit(50, 0)[:1], rows(0, 1))
    assert again.search(unit(50, 0)[:1], 1).names == ((first,),)
    assert again.digests()[first] == "0" * 64


def test_what_cannot_be_done_is_said_and_changes_nothing(filled: Collection) -> None:
    with pytest.raises(InputError, match="is there twice"):
        filled.add(unit(2, 0), Rows(("new", rows(0, 1).names[0]), ("", "")))
    with pytest.raises(InputError, match=rf"takes \(N, {SIZE}\)"):
        filled.add(unit(2, 0, 9), rows(900, 2))
    with pytest.raises(InputError, match=r"has no nobody; see what it has with tamis retrieve list"):
        filled.delete([rows(0, 1).names[0], "nobody"])
    with pytest.raises(InputError, match="queries must be"):
        filled.search(unit(1, 0, 9), 3)
    assert filled.count() == 150


def scans(address: str) -> int:
    """How often the index was walked, by PostgreSQL's own count."""
    import psycopg

    with psycopg.connect(address) as connection:
        counted = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'neighbours'"
        return int(connection.execute(counted).fetchone()[0])  # type: ignore[index]


def test_an_index_is_built_once_and_says_what_it_misses(pgvector: Callable[[], str]) -> None:
    centres, noise = unit(20, 1, 8), np.random.default_rng(2).normal(scale=0.1, size=(1000, 8))
    vectors = (centres[np.arange(1000) % 20] + noise).astype(np.float32)
    table = create_table(pgvector(), "toy", "w", 8).add(vectors, rows(0, 1000))
    near, recall = approximately(table)
    assert isinstance(near, Table)
    assert near.recall == recall > 0.8
    exact = table.search(vectors[:5], 10)
    shared = [
        len(set(one) & set(two)) for one, two in zip(exact.names, near.search(vectors[:5], 10).names, strict=True)
    ]
    assert sum(shared) >= 40
    assert scans(table.url) >= 5
    late = near.add(vectors[:1] * 1.1, Rows(("late",), ("",)))
    assert late.search(vectors[:1], 1).names == (("late",),)
    few = Filter(name="*/0000[12].jpg")  # the walk finds neither, since it is far from them
    assert near.search(vectors[:1], 5, few).names == table.search(vectors[:1], 5, few).names
    assert indexed(table).recall == pytest.approx(recall, abs=0.1)


def test_the_vectors_live_beside_an_annotation_project(pgvector: Callable[[], str], tmp_path: Path) -> None:
    from PIL import Image

    from tamis.annotation import open_project

    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 6)).save(tmp_path / "photos" / "a.png")
    address = pgvector()
    create_table(address, "toy", "w", SIZE).add(unit(3, 0), rows(0, 3))
    with open_project(tmp_path / "photos", address) as project:
        assert len(project.rows()) == 1
    assert open_table(address).count() == 3


def test_what_is_wrong_with_a_place_is_said(pgvector: Callable[[], str], tmp_path: Path) -> None:
    address = pgvector()
    assert not there_are_vectors(address)
    with pytest.raises(InputError, match="holds no vectors; make them with tamis retrieve precompute"):
        open_vectors(address)
    create_table(address, "toy", "w", WIDEST + 1)
    with pytest.raises(InputError, match="holds vectors already"):
        create_vectors(address, "toy", "w", SIZE)
    with pytest.raises(InputError, match="its vectors are of the encoder toy, not dinov2-small"):
        open_vectors(address, "dinov2-small")
    with pytest.raises(InputError, match=f"an index takes vectors of at most {WIDEST} numbers, not {WIDEST + 1}"):
        approximately(open_vectors(address))
    with locked(address), pytest.raises(OutputError, match="another program is changing it"), locked(address):
        pass
    with pytest.raises(InputError, match="the database does not answer") as caught:
        open_vectors(f"postgresql://anna:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_a_server_without_the_extension(tmp_path: Path) -> None:
    from tests import postgres

    if postgres.missing() is not None or list(Path("/usr/share/postgresql").glob("*/extension/vector.control")):
        pytest.skip("there is no PostgreSQL without pgvector")
    with postgres.server() as address, pytest.raises(UnavailableError, match="the server has no pgvector"):
        create_table(address.format(name="postgres"), "toy", "w", SIZE)

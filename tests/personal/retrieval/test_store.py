from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.personal.retrieval import store as module
from tamis.personal.retrieval.approximate import approximate_of, build
from tamis.personal.retrieval.store import Filter, Rows, Store, create_store, open_store

pytest.importorskip("pyarrow")


def unit(count: int, seed: int, dimension: int = 24) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def rows(first: int, count: int) -> Rows:
    names = tuple(f"{'album' if row % 2 else 'other'}/{row:05d}.jpg" for row in range(first, first + count))
    dates = tuple(f"2026-{1 + row % 12:02d}-01T00:00:00+00:00" for row in range(first, first + count))
    return Rows(names, tuple("0" * 64 for _ in names), dates)


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    store = create_store(tmp_path / "vectors", "toy", "w" * 64, 24)
    for number in range(3):
        store = store.add(unit(50, number), rows(50 * number, 50))
    return store


def test_a_search_is_what_comparing_all_gives_whatever_the_blocks(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = np.concatenate([unit(50, number) for number in range(3)])
    queries = unit(7, 9)
    expected = np.argsort(-(queries @ everything.T), axis=1, kind="stable")[:, :10]
    for block in (7, 50, 100_000):
        monkeypatch.setattr(module, "BLOCK", block)
        found = open_store(filled.folder, "toy").search(queries, 10)
        np.testing.assert_array_equal(found.rows, expected)
        np.testing.assert_allclose(found.scores, np.take_along_axis(queries @ everything.T, expected, 1), atol=1e-6)


def test_of_equals_the_first_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = create_store(tmp_path / "s", "toy", "w", 2)
    store = store.add(np.tile(np.array([[1.0, 0.0]], np.float32), (30, 1)), rows(0, 30))
    for block in (4, 1000):
        monkeypatch.setattr(module, "BLOCK", block)
        assert store.search(np.array([[1.0, 0.0]], np.float32), 5).rows.tolist() == [[0, 1, 2, 3, 4]]


def test_deleted_and_filtered_rows_are_not_found_and_nothing_is_built_anew(filled: Store) -> None:
    query = filled.vectors([3])
    before = sorted((path.name, path.stat().st_mtime_ns) for path in filled.folder.glob("*.npy"))
    assert filled.search(query, 1).rows[0, 0] == 3
    left = filled.delete([filled.rows.names[3]])
    assert left.search(query, 1).rows[0, 0] != 3
    assert left.count() == 149
    assert open_store(filled.folder).count() == 149
    after = {path.name: path.stat().st_mtime_ns for path in filled.folder.glob("*.npy")}
    assert all(after[name] == time for name, time in before)
    again = left.add(query, Rows((filled.rows.names[3],), ("1" * 64,)))
    assert again.search(query, 1).rows[0, 0] == 150
    wanted = Filter(folder="album", since="2026-03", until="2026-05")
    names = [again.rows.names[row] for row in again.search(query, 150, wanted).rows[0] if row >= 0]
    assert names
    assert all(name.startswith("album/") and int(name[6:11]) % 12 in (2, 3) for name in names)
    only = again.search(query, 5, Filter(name="*/00001.jpg"))
    assert [row for row in only.rows[0].tolist() if row >= 0] == [1]
    assert np.isneginf(only.scores[0, 1:]).all()


def test_an_interrupted_addition_leaves_the_store_as_it_was(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Store) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", fail)
        with pytest.raises(KeyboardInterrupt):
            filled.add(unit(5, 7), rows(900, 5))
    store = open_store(filled.folder)
    assert (store.count(), len(store.shards)) == (150, 3)
    assert store.add(unit(5, 8), rows(900, 5)).count() == 155


def test_what_cannot_be_done_is_said(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"its vectors are of the encoder toy, not dinov2-small; .*--encoder toy"):
        open_store(filled.folder, "dinov2-small")
    with pytest.raises(InputError, match=r"other/00000\.jpg is there twice"):
        filled.add(unit(1, 0), rows(0, 1))
    with pytest.raises(InputError, match="names must differ"):
        filled.add(unit(2, 0), Rows(("a", "a"), ("", "")))
    with pytest.raises(InputError, match="has no nobody"):
        filled.delete(["nobody"])
    with pytest.raises(InputError, match="queries must be"):
        filled.search(unit(1, 0, 9), 3)
    with pytest.raises(InputError, match="holds no vectors"):
        open_store(tmp_path)
    with pytest.raises(InputError, match="holds a store already"):
        create_store(filled.folder, "toy", "w", 24)
    shard = filled.folder / "000001.npy"
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"000001\.npy: is cut off or damaged"):
        open_store(filled.folder).search(unit(1, 0), 3)
    shard.unlink()
    with pytest.raises(InputError, match=r"000001\.npy: is missing"):
        open_store(filled.folder).search(unit(1, 0), 3)


@pytest.mark.slow
def test_an_approximate_index_says_what_it_misses_and_knows_of_later_changes(tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    centres = unit(40, 1, 8)
    noise = np.random.default_rng(2).normal(scale=0.15, size=(10_000, 8))
    vectors = (centres[np.arange(10_000) % 40] + noise).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = create_store(tmp_path / "s", "toy", "w", 8).add(vectors, rows(0, 10_000))
    made = build(store)
    assert made.recall > 0.8
    later = store.add(vectors[:1] * 1.01, Rows(("late",), ("",))).delete([store.rows.names[0]])
    near = approximate_of(later)
    assert near is not None
    assert near.covered == 10_000
    found = near.search(vectors[:1], 10)
    exact = later.search(vectors[:1], 10)
    assert found.rows[0, 0] == exact.rows[0, 0] == 10_000
    assert 0 not in found.rows[0]
    assert len(set(found.rows[0]) & set(exact.rows[0])) >= 7

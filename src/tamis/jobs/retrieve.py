"""The steps of instance retrieval as functions of folders, each restartable: vectors, rankings, second stage, scores.

A run of a dataset is a folder with `queries/` and `database/` (stores), `ranking.parquet` (query, rank, name, score),
`reranked.parquet`, contact sheets, `scores.json` and `run.json`.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tamis
from tamis.arrays import ImageArray
from tamis.datasets.retrieval import Collection, Query
from tamis.errors import InputError, UnavailableError
from tamis.image import read_image, write_image
from tamis.personal.protocol import Method
from tamis.personal.retrieval.approximate import approximate_of
from tamis.personal.retrieval.encoders import Encoder
from tamis.personal.retrieval.metrics import ilias, permir, revisited
from tamis.personal.retrieval.rerank import WEIGHT, SeenTargets, presences, remembered, reranked
from tamis.personal.retrieval.sources import crop
from tamis.personal.retrieval.store import Filter, Rows, Store, create_store, folder_locked, open_store
from tamis.render.contact_sheet import Cell, contact_sheet
from tamis.results.files import replacing, write_json
from tamis.results.folder import result_folder, resumable_folder
from tamis.results.run import file_hash
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost

Rankings = dict[str, tuple[list[str], list[float]]]
"""Of every query the names, the best first, and their scores."""

ROWS_SHOWN, BEST_SHOWN = 15, 7
"""Queries on a contact sheet, and images of each ranking."""

PART = 16
"""Images that are encoded together."""


def encode_files(
    files: Mapping[str, tuple[Path, Any]], folder: Path, encoder: Encoder
) -> Generator[tuple[int, int], None, Store]:
    """Bring a store up to date with named files, each with a box that is cut out of it or None.

    Yields:
        How many are done, and how many there are.

    Raises:
        InputError: an image cannot be read, or the store is of another encoder or other weights.
    """
    store = open_store(folder, encoder.name) if (folder / "store.json").exists() else None
    if store is not None and store.weights != encoder.weights_sha256:
        raise InputError(f"{folder}: was made with other weights of {encoder.name}; make it anew in another folder")
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    with folder_locked(folder):
        names = list(files)
        for first in range(0, len(names), 16 * PART):
            part = [name for name in names[first : first + 16 * PART] if store is None or name not in store.number_of]
            vectors = []
            for start in range(0, len(part), PART):
                some = [files[name] for name in part[start : start + PART]]
                vectors.append(encoder.encode([crop(read_image(path), box) for path, box in some]))
            if part:
                found = np.concatenate(vectors)
                if store is None:
                    store = create_store(folder, encoder.name, encoder.weights_sha256, found.shape[1])
                hashes = tuple(file_hash(files[name][0]) for name in part)
                store = store.add(found, Rows(tuple(part), hashes))
            done = min(first + 16 * PART, len(names))
            yield done, len(names)
    if store is None:
        raise InputError(f"{folder}: there is nothing to encode")
    return store


def search_store(
    queries: Store, databases: Sequence[Store], k: int, wanted: Filter | None = None
) -> tuple[Rankings, float | None]:
    """The k nearest of every query in several stores together, exactly; where one has an approximate index, by that.

    Returns:
        The rankings, and the least recall@10 of the approximate indexes, None where all is exact.

    Raises:
        InputError: a store is of another encoder than the queries.
    """
    for store in databases:
        if (store.encoder, store.weights) != (queries.encoder, queries.weights):
            raise InputError(
                f"{store.folder}: its vectors are of {store.encoder} ({store.weights[:12]}…), the queries of "
                f"{queries.encoder} ({queries.weights[:12]}…); compute both with one encoder"
            )
    rows = np.flatnonzero(queries.alive).tolist()
    vectors = queries.vectors(rows)
    joined: list[list[tuple[float, str]]] = [[] for _ in rows]
    recalls = []
    for store in databases:
        near = approximate_of(store)
        if near is not None:
            recalls.append(near.recall)
        found = (near or store).search(vectors, min(k, max(1, store.count())), wanted)
        for row, (scores, names) in enumerate(zip(found.scores.tolist(), found.names, strict=True)):
            joined[row] += zip(scores, names, strict=False)  # without a name: there are fewer than k
    rankings: Rankings = {}
    for row, hits in zip(rows, joined, strict=True):
        best = sorted(hits, key=lambda hit: -hit[0])[:k]
        rankings[queries.rows.names[row]] = [name for _, name in best], [score for score, _ in best]
    return rankings, min(recalls, default=None)


def write_rankings(path: Path, rankings: Mapping[str, tuple[Sequence[str], Sequence[float]]]) -> None:
    """A table of query, rank from 1, name and score."""
    arrow, parquet = _arrow()
    rows = [
        (query, rank, name, score)
        for query, (names, scores) in rankings.items()
        for rank, (name, score) in enumerate(zip(names, scores, strict=True), 1)
    ]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    table = arrow.table(dict(zip(("query", "rank", "name", "score"), map(list, columns), strict=True)))
    with replacing(path) as file:
        parquet.write_table(table, file)


def read_rankings(path: Path) -> Rankings:
    """Read such a table again.

    Raises:
        InputError: it is missing, damaged or another table.
    """
    arrow, parquet = _arrow()
    try:
        table = parquet.read_table(path).sort_by([("query", "ascending"), ("rank", "ascending")])
        columns = [table.column(name).to_pylist() for name in ("query", "name", "score")]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such ranking; make it with tamis retrieve search") from None
    except (OSError, KeyError, arrow.ArrowException) as error:
        raise InputError(f"{path}: is no ranking, or damaged ({error}); make it anew") from None
    rankings: Rankings = {}
    for query, name, score in zip(*columns, strict=True):
        names, scores = rankings.setdefault(query, ([], []))
        names.append(name)
        scores.append(float(score))
    return rankings


def rerank_run(
    out: Path,
    collection: Collection,
    rankings: Mapping[str, tuple[Sequence[str], Sequence[float]]],
    files: Mapping[str, Path],
    method: Method,
    top: int,
    weight: float = WEIGHT,
    executor: Executor = IN_PROCESS,
) -> Generator[tuple[int, int], None, Rankings]:
    """Rank the first `top` of every query again; what is done is in a journal, with the presences of each query.

    Args:
        out: where `reranked.parquet` goes; the journal lies in `out/rerank-METHOD-TOP`.
        collection: of the queries.
        rankings: of the first stage.
        files: images by name, distractors too.
        method: that tells presence.
        top: candidates of a query.
        weight: of the second stage.
        executor: who works, a query at a time; each worker remembers the targets that it has seen.

    Yields:
        How many queries are done, and how many there are.

    Raises:
        InputError: an image of a candidate is not here.
        UnavailableError: after all others, where a query ended its workers.
    """
    signature = {
        "method": method.name,
        "weights": method.weights_sha256,
        "top": top,
        "version": tamis.__version__,
        "dataset": collection.name,
    }
    tops = {query.name: list(rankings[query.name][0][:top]) for query in collection.queries if query.name in rankings}
    found: Rankings = {}
    place = out / f"rerank-{method.name}-{top}"
    with resumable_folder(place, signature, {"weight": weight}, method.weights_sha256) as (_, journal):
        asked = [query for query in collection.queries if query.name in tops]
        known = {name for name, entry in journal.entries.items() if entry["names"] == tops.get(name)}
        missing = [query for query in asked if query.name not in known]
        done = len(collection.queries) - len(missing)
        yield done, len(collection.queries)
        work = _Second(method, _needed(files, [name for query in missing for name in tops[query.name]]), tops)
        with closing(in_order(work, missing, executor)) as results:
            for query, told in none_lost(results, lambda query: query.name):
                journal.add(query.name, {"names": tops[query.name], "presence": told})
                done += 1
                yield done, len(collection.queries)
        for query in asked:
            names, scores = rankings[query.name]
            found[query.name] = reranked(names, scores, journal.entries[query.name]["presence"], weight)
    write_rankings(out / "reranked.parquet", found)
    return found


class _Second:
    """What a worker does with a query: how surely its object is in each of its candidates."""

    def __init__(self, method: Method, files: Mapping[str, Path], tops: Mapping[str, list[str]]) -> None:
        self._method, self._tops = method, tops
        self._seen = SeenTargets(method, _Reader(files))

    def __call__(self, query: Query) -> list[float]:
        return presences(remembered(query, self._method), self._tops[query.name], self._seen)


@dataclass(frozen=True)
class _Reader:
    files: Mapping[str, Path]

    def __call__(self, name: str) -> ImageArray:
        return read_image(_file_of(name, self.files))


def _needed(files: Mapping[str, Path], names: Sequence[str]) -> dict[str, Path]:
    """The files of some images only, since they travel to every worker."""
    return {name: files[name] for name in names if name in files}


def evaluate_rankings(
    collection: Collection, rankings: Mapping[str, tuple[Sequence[str], Sequence[float]]]
) -> dict[str, Any]:
    """The scores of a dataset's own protocol; of `instances` those of PerMIR.

    Raises:
        InputError: no query has a positive, or a ranking of ROxford or RParis is not of the whole database.
    """
    names = {query: list(ranked) for query, (ranked, _) in rankings.items()}
    if collection.name in ("roxford", "rparis"):
        rows = {name: row for row, name in enumerate(collection.database)}
        missing = [query.name for query in collection.queries if query.name not in names]
        if missing:
            raise InputError(f"{missing[0]}: has no ranking; {collection.name} is measured on all of its queries")
        orders = [[rows[name] for name in names[query.name] if name in rows] for query in collection.queries]
        return {**revisited(orders, collection.truth), "queries": len(collection.queries)}
    if collection.name == "ilias":
        return ilias(names, collection.positives)
    return permir(names, collection.positives)


def write_sheet(
    path: Path,
    collection: Collection,
    rankings: Mapping[str, tuple[Sequence[str], Sequence[float]]],
    files: Mapping[str, Path],
) -> None:
    """A picture of the first queries, each in a row with the best of its ranking, positives in green."""
    cells = []
    for query in [query for query in collection.queries if query.name in rankings][:ROWS_SHOWN]:
        names, scores = rankings[query.name][0][:BEST_SHOWN], rankings[query.name][1][:BEST_SHOWN]
        cells.append(Cell(crop(read_image(query.path), query.box), f"query {query.name}"))
        for name, score in zip(names, scores, strict=True):
            picture = read_image(_file_of(name, files))
            cells.append(Cell(picture, f"{score:.2f}  {name}", name in collection.positives[query.name]))
        cells += [Cell(np.full((1, 1, 3), 250, np.uint8), "")] * (BEST_SHOWN - len(names))
    write_image(path, contact_sheet(cells, 1 + BEST_SHOWN))


@contextmanager
def recorded(out: Path, settings: Mapping[str, Any], weights: str | None) -> Iterator[None]:
    """`run.json` of a step."""
    with result_folder(out, {**settings, "version": tamis.__version__}, weights):
        yield


def write_scores(path: Path, scores: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Scores as JSON, with what made them."""
    write_json(path, {"scores": scores, "settings": dict(settings), "version": tamis.__version__})


def read_scores(path: Path) -> dict[str, Any]:
    """The same again."""
    found: dict[str, Any] = json.loads(path.read_bytes())["scores"]
    return found


def _file_of(name: str, files: Mapping[str, Path]) -> Path:
    if name not in files or not files[name].is_file():
        raise InputError(f"{name}: its image is not here; fetch it with tamis retrieve extract candidates")
    return files[name]


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        raise UnavailableError("retrieval needs pyarrow: run pip install 'tamis[retrieval]'") from None
    return pyarrow, parquet

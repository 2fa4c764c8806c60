"""Vector search beyond memory: a million random vectors by every index, how much each finds, and what it takes.

    python -m benchmarks.vectors FOLDER [COUNT]

Compares all vectors, IVF-PQ (faiss) and pgvector (IVFFlat and HNSW), with 1,000 queries: vectors of the set with noise.
Random vectors have no clusters: the hardest case there is. An index of pgvector that is not built within six minutes is
measured on a tenth of the vectors. FOLDER takes some six gigabytes for a million. PostgreSQL is that of pgserver, from
PyPI; without it the rest is measured. Writes benchmarks/vectors.json. Meant for one thread: OMP_NUM_THREADS=1.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.personal.retrieval.approximate import approximate_of, build
from tamis.personal.retrieval.pgvector import SCHEMA, Table, create_table
from tamis.personal.retrieval.store import Nearest, Rows, Store, create_store, open_store
from tamis.personal.retrieval.vectors import VectorIndex
from tamis.results.environment import facts

DIMENSION, QUERIES, SHARD, K = 384, 1000, 50_000, 100

EXACT_QUERIES = 20
"""That PostgreSQL compares with all vectors: it takes a second for each."""

MINUTES = 6
"""That building an index may take."""

ALLOWED = 500_000_000
"""Bytes of memory that a process has which searches more: a limit of Linux's, mapped pages included."""

LISTS, PROBES = 1000, 32
"""Of IVFFlat."""

RESULTS = Path(__file__).with_suffix(".json")


def made(folder: Path, total: int) -> tuple[Store, NDArray[np.float32]]:
    """A store of random vectors of unit length, and queries."""
    rng = np.random.default_rng(0)
    store = create_store(folder, "random", "0" * 64, DIMENSION)
    for first in range(0, total, SHARD):
        size = min(SHARD, total - first)
        block = rng.normal(size=(size, DIMENSION)).astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        store = store.add(block, named(first, size))
    noise = rng.normal(scale=0.6 / np.sqrt(DIMENSION), size=(QUERIES, DIMENSION))
    queries = (store.vectors(rng.choice(total, QUERIES, replace=False).tolist()) + noise).astype(np.float32)
    np.save(folder / "queries.npy", queries)
    return store, queries


def named(first: int, size: int) -> Rows:
    """Names of vectors."""
    return Rows(tuple(f"{row:08d}" for row in range(first, first + size)), ("",) * size)


def against(truth: Nearest, index: VectorIndex, queries: NDArray[np.float32]) -> dict[str, float]:
    """How long searching takes, and how much of the truth it finds."""
    begun = perf_counter()
    found = index.search(queries, K)
    seconds = perf_counter() - begun

    def shared(k: int) -> float:
        pairs = zip(truth.names, found.names, strict=False)  # as many as were asked
        return float(np.mean([len(set(one[:k]) & set(two[:k])) / k for one, two in pairs]))

    return {
        "ms_per_query": seconds / len(found.names) * 1e3,
        "recall@1": shared(1),
        "recall@10": shared(10),
        "recall@100": shared(100),
    }


def limited(folder: Path, way: str) -> dict[str, Any]:
    """What searching takes in a process of its own, whose memory is limited where this computer lets us."""
    command = [sys.executable, "-m", "benchmarks.vectors", "--limited", str(folder), way]
    with confined() as confine:
        told: dict[str, Any] = json.loads(subprocess.check_output(command, preexec_fn=confine))
    return {"limit_mb": ALLOWED / 1e6 if confine else None, **told}


@contextmanager
def confined() -> Iterator[Callable[[], object] | None]:
    """Gives what confines a process to `ALLOWED`; None where there are no control groups that we may make."""
    group = Path("/sys/fs/cgroup/memory/tamis-vectors")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(ALLOWED))
    except OSError:
        yield None
        return
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        group.rmdir()


def search_limited(folder: Path, way: str) -> dict[str, float]:
    """Of this process: what it searches, what it allocated, and the most that was resident, mapped pages included."""
    store, queries = open_store(folder), np.load(folder / "queries.npy")[:50]
    searched = approximate_of(store) if way == "IVF-PQ" else store
    assert searched is not None
    begun = perf_counter()
    searched.search(queries, K)
    seconds = perf_counter() - begun
    files = list(folder.glob("0*.npy")) + ([folder / "approximate.faiss"] if way == "IVF-PQ" else [])
    return {
        "files_mb": sum(path.stat().st_size for path in files) / 1e6,
        "ms_per_query": seconds / len(queries) * 1e3,
        "allocated_mb": resident("RssAnon"),
        "resident_peak_mb": resident("VmHWM"),
    }


def resident(what: str) -> float:
    """A line of Linux's record of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(what)).split()[1]) / 1e3


@contextmanager
def server() -> Iterator[Callable[[], str] | None]:
    """Gives the address of a new database with pgvector; None where there is none."""
    from tests import postgres

    programs = postgres.with_pgvector()
    if programs is None:
        yield None
        return
    import psycopg

    with postgres.server(programs, buffers="512MB") as address:
        numbers = count()

        def new() -> str:
            name = f"vectors{next(numbers)}"
            with psycopg.connect(address.format(name="postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return address.format(name=name)

        yield new


def filled(url: str, store: Store, total: int) -> Table:
    """A table with the first vectors of a store."""
    table = create_table(url, store.encoder, store.weights, store.dimension)
    for first, block in store.blocks():
        some = block[: max(0, total - first)]
        if len(some):
            table = table.add(some, named(first, len(some)))
    return table


def within(url: str, statement: str) -> float | None:
    """The seconds that a statement takes, None if they are too many."""
    import psycopg

    begun = perf_counter()
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET maintenance_work_mem = '3GB'")
            connection.execute(f"SET statement_timeout = '{MINUTES}min'".encode())
            connection.execute(statement.encode())
    except psycopg.errors.QueryCanceled:
        return None
    return perf_counter() - begun


def pgvector(
    store: Store, queries: NDArray[np.float32], truth: Nearest, new: Callable[[], str]
) -> Iterator[dict[str, Any]]:
    """Every index of pgvector, on all vectors, or on a tenth of them where building takes too long."""
    import psycopg

    total = sum(store.shards)
    whole, few, few_truth = filled(new(), store, total), None, truth
    some = queries[:EXACT_QUERIES]
    yield {"index": "pgvector, exact", "vectors": total, **against(truth, whole, some)}
    for index in ("ivfflat", "hnsw"):
        options = f" WITH (lists = {LISTS})" if index == "ivfflat" else ""
        statement = f"CREATE INDEX neighbours ON {SCHEMA}.vectors USING {index} (vector vector_ip_ops){options}"
        searched, known, asked = whole, truth, queries
        seconds = within(whole.url, statement)
        if seconds is None:
            if few is None:
                asked = queries[:100]
                few = filled(new(), store, total // 10)
                few_truth = few.search(asked, K)
            searched, known = few, few_truth
            seconds = within(few.url, statement)
        if seconds is None:
            continue
        with psycopg.connect(searched.url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET ivfflat.probes = {PROBES}".encode())
        found = against(known, replace(searched, walked=True), asked)
        yield {"index": f"pgvector, {index}", "vectors": searched.count(), "build_seconds": seconds, **found}
        within(searched.url, f"DROP INDEX {SCHEMA}.neighbours")


def section(result: dict[str, Any]) -> list[str]:
    """The runs in Markdown, and what memory searching took."""
    lines = ["| index | vectors | built in | a query | recall@1, @10, @100 |", "|---|---|---|---|---|"]
    for run in result["runs"]:
        built = f"{run['build_seconds']:.0f} s" if "build_seconds" in run else "–"
        recall = ", ".join(f"{run[f'recall@{k}']:.3f}" for k in (1, 10, 100))
        lines.append(f"| {run['index']} | {run['vectors']:,} | {built} | {run['ms_per_query']:.1f} ms | {recall} |")
    lines += ["", "| index | files | memory that the process may have | most that it had | of it its own | a query |"]
    lines += ["|---|---|---|---|---|---|"]
    for way, told in result["memory"].items():
        limit = "no limit" if told["limit_mb"] is None else f"{told['limit_mb']:.0f} MB"
        lines.append(
            f"| {way} | {told['files_mb']:.0f} MB | {limit} | {told['resident_peak_mb']:.0f} MB "
            f"| {told['allocated_mb']:.0f} MB | {told['ms_per_query']:.1f} ms |"
        )
    return lines


def main(arguments: list[str]) -> None:
    """Measure, print and write what was found."""
    if arguments[0] == "--limited":
        print(json.dumps(search_limited(Path(arguments[1]), arguments[2])))
        return
    folder, total = Path(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1_000_000
    store, queries = made(folder / "vectors", total)
    begun = perf_counter()
    truth = store.search(queries, K)
    exact = {"ms_per_query": (perf_counter() - begun) / QUERIES * 1e3, "recall@1": 1, "recall@10": 1, "recall@100": 1}
    runs: list[dict[str, Any]] = [{"index": "all compared", "vectors": total, **exact}]
    begun = perf_counter()
    near = build(store)
    built = {"build_seconds": perf_counter() - begun}
    runs.append({"index": "IVF-PQ", "vectors": total, **built, **against(truth, near, queries)})
    memory = {way: limited(folder / "vectors", way) for way in ("all compared", "IVF-PQ")}
    result = {
        "command": ["python", "-m", "benchmarks.vectors", "FOLDER", str(total)],
        "seed": 0,
        "dimension": DIMENSION,
        "queries": QUERIES,
        "k": K,
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "environment": facts(),
        "memory": memory,
    }

    def write() -> None:
        RESULTS.write_text(json.dumps({**result, "runs": runs}, indent=2) + "\n", encoding="utf-8")
        print("\n".join(section({**result, "runs": runs})), flush=True)

    write()
    with server() as new:
        for run in pgvector(store, queries, truth, new) if new else ():
            runs.append(run)
            write()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1:])

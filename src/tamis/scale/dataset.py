"""A job over a collection: for each image this function, a row each into shards of Parquet, and a manifest.

The worker that computes a shard writes it, so that rows do not pass through the process that hands out the work. A
shard is called `NUMBER-DIGEST.parquet`, the digest being of all that decides its rows: the job's settings, and names
and versions of its images. It is written whole or not at all, so that what is in the folder is what is finished; there
is no other record to go on from, here or in an object store. Rows are in the order of the collection, and hold nothing
that differs from run to run: the shards are the same bytes whatever the number of workers.

An image that cannot be used has a row with an `error`. A shard that ends its workers is done again image by image, and
the one that does it gets such a row. A shard that could not be written is listed in the manifest, and made when the
same command is given again.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

from tamis.errors import InputError, TamisError, UnavailableError
from tamis.results.run import Run, alone_in, fingerprint, require_folder
from tamis.scale.executors import InProcess
from tamis.scale.running import Executor, ItemResult, as_completed, in_order
from tamis.scale.sources import Entry
from tamis.scale.stores import joined, local, read, remove, require_store, sizes_in, write

MANIFEST = "manifest.json"
SHARD = 64
"""Images of a shard."""
PAUSE = 30
"""Seconds between two writings of the manifest, or twenty times what the last one took."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """What is done with each image, and what decides the rows.

    Attributes:
        function: from an entry to its row; pure, picklable, with the model that it needs. It raises InputError for an
            image that cannot be used.
        schema: makes the pyarrow schema of its rows; a function of a module.
        settings: all that decides a row besides the image, as JSON values.
        weights: SHA-256 of the model's weights.
        shard: images of a shard.
    """

    function: Callable[[Entry], Row]
    schema: Callable[[], Any]
    settings: Mapping[str, Any]
    weights: str | None = None
    shard: int = SHARD


@dataclass(frozen=True)
class Shard:
    """What there is to know of a finished shard.

    Attributes:
        number: from 0.
        file: its name.
        items: images, hence rows.
        failed: name and sentence of each that has no result.
        lost: how many of these ended their workers or could not be written, and are worth another try.
        fingerprint: of its images' bytes.
    """

    number: int
    file: str
    items: int
    failed: tuple[tuple[str, str], ...] = ()
    lost: int = 0
    fingerprint: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        done: images of finished shards.
        skipped: those of them that an earlier run had finished.
        failed: name and sentence of each image without a result that the last step brought.
    """

    done: int = 0
    skipped: int = 0
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Work:
    number: int
    file: str
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        return self.file


def write_dataset(
    job: Job, entries: Iterable[Entry], out: str, executor: Executor, source: Sequence[str] = ()
) -> Generator[Progress]:
    """Do a job, and write its rows to `out/*.parquet` and `out/manifest.json`; what is finished is not done again.

    Args:
        job: what is done.
        entries: the images, taken as workers need them.
        out: a folder, or the URL of one; workers on other machines must see the same.
        executor: who works.
        source: where the images are from, for the manifest: another source does not go into the same folder.

    Yields:
        Progress after every shard, finished ones included.

    Raises:
        InputError: the folder holds another job's dataset, or workers do not see it.
        OutputError: nobody can write there.
        UnavailableError: pyarrow, or what writes such URLs, is not installed.
    """
    _require(out, executor)
    folder = local(out)
    settings = {**job.settings, "source": list(source), "shard": job.shard}
    if folder is not None:
        require_folder(folder)
    with alone_in(folder, folder / ".lock") if folder is not None else nullcontext():
        earlier = _earlier(out, settings)
        run = Run(Path(out), settings, weights=job.weights)
        book = _Book(out, run, earlier)
        book.save(finished=False)
        there = sizes_in(out).keys() - {old.file for old in earlier.values() if old.lost}
        state = Progress()

        def missing() -> Iterator[_Work]:
            nonlocal state
            for work in _shards(job, settings, entries):
                if work.file in there:
                    known = earlier.get(work.file) or _read_back(out, work)
                    book.add(known)
                    state = replace(state, done=state.done + known.items, skipped=state.skipped + known.items)
                else:
                    yield work

        crashed: list[_Work] = []
        do = _ShardWriter(job.function, job.schema, out)
        with closing(as_completed(do, missing(), executor)) as results:
            for done in results:
                if done.died:
                    crashed.append(done.item)
                    continue
                shard = _unwritten(done) if done.result is None else done.result
                if executor.far and folder is not None and done.result is not None:
                    _require_seen(folder, shard.file)
                yield (state := _told(book, state, shard))
        for work in crashed:
            yield (state := _told(book, state, _one_by_one(job, work, out, executor)))
        book.finish()
        yield replace(state, failed=())


def _told(book: "_Book", state: Progress, shard: Shard) -> Progress:
    book.add(shard)
    return Progress(state.done + shard.items, state.skipped, shard.failed)


def _one_by_one(job: Job, work: _Work, out: str, executor: Executor) -> Shard:
    """A shard that ended its workers: each image alone, so that only the one that does it has no result."""
    rows: list[Row] = []
    with closing(in_order(_Alone(job.function), work.entries, executor)) as results:
        rows += [_lost_row(done.item, done.lost) if done.result is None else done.result for done in results]
    lost = sum(bool(row.get("lost")) for row in rows)
    return replace(_written(work, [{**row, "lost": None} for row in rows], job.schema, out), lost=lost)


@dataclass(frozen=True)
class _Alone:
    """The row of one image, with its name and, where there is no result, why."""

    function: Callable[[Entry], Row]

    def __call__(self, entry: Entry) -> Row:
        try:
            return {"name": entry.name, "error": None, **self.function(entry)}
        except InputError as error:
            return {"name": entry.name, "error": str(error)}
        except (OSError, UnavailableError):
            raise
        except Exception as error:  # noqa: BLE001
            # The boundary of an image: a model may fail on it in any way, and the next one may do better.
            said = " ".join(str(error).split())[:200] or "no more is known"
            return {"name": entry.name, "error": f"{entry.name}: failed ({type(error).__name__}: {said})"}


def _lost_row(entry: Entry, why: str | None) -> Row:
    return {"name": entry.name, "error": f"{entry.name}: {why}", "lost": True}


@dataclass(frozen=True)
class _ShardWriter:
    """What a worker does: the rows of a shard, written."""

    function: Callable[[Entry], Row]
    schema: Callable[[], Any]
    out: str

    def __call__(self, work: _Work) -> Shard:
        one = _Alone(self.function)
        return _written(work, [one(entry) for entry in work.entries], self.schema, self.out)


def _written(work: _Work, rows: Sequence[Row], schema: Callable[[], Any], out: str) -> Shard:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    columns = arrow.schema([("name", arrow.string()), ("error", arrow.string()), *schema()])
    content = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(list(rows), columns), content, compression="zstd")
    write(joined(out, work.file), content.getvalue())
    return _summary(work, rows)


def _summary(work: _Work, rows: Sequence[Row]) -> Shard:
    failed = tuple((str(row["name"]), str(row["error"])) for row in rows if row["error"] is not None)
    print_ = fingerprint(str(row["sha256"]) for row in rows if row.get("sha256"))
    return Shard(work.number, work.file, len(rows), failed, 0, print_)


def _read_back(out: str, work: _Work) -> Shard:
    """The summary of a shard that a run finished without saying so in the manifest."""
    import pyarrow.parquet as parquet

    with closing(parquet.ParquetFile(io.BytesIO(read(joined(out, work.file))))) as file:
        wanted = [name for name in ("name", "error", "sha256") if name in file.schema_arrow.names]
        return _summary(work, file.read(columns=wanted).to_pylist())


def _unwritten(done: ItemResult[_Work, Shard]) -> Shard:
    failed = tuple((entry.name, f"{entry.name}: {done.lost}") for entry in done.item.entries)
    return Shard(done.item.number, done.item.file, len(failed), failed, len(failed))


def _shards(job: Job, settings: Mapping[str, Any], entries: Iterable[Entry]) -> Iterator[_Work]:
    decided = {**settings, "weights": job.weights}
    start = hashlib.sha256(json.dumps(decided, sort_keys=True).encode())
    waiting, number = iter(entries), 0
    while some := tuple(islice(waiting, job.shard)):
        digest = start.copy()
        for entry in some:
            digest.update(json.dumps([entry.name, entry.version]).encode())
        yield _Work(number, f"{number:06d}-{digest.hexdigest()[:16]}.parquet", some)
        number += 1


class _Book:
    """The manifest while it grows."""

    def __init__(self, out: str, run: Run, earlier: Mapping[str, Shard]) -> None:
        self._out, self._run = out, run
        self._shards, self._current = dict(earlier), set[str]()
        self._saved, self._cost = monotonic(), 0.0

    def add(self, shard: Shard) -> None:
        self._shards[shard.file] = shard
        self._current.add(shard.file)
        if monotonic() - self._saved > max(PAUSE, 20 * self._cost):
            self.save(finished=False)

    def save(self, finished: bool) -> None:
        start = monotonic()
        shards = sorted(self._shards.values(), key=lambda shard: (shard.number, shard.file))
        self._run.dataset = fingerprint(shard.fingerprint for shard in shards)
        told = {
            **self._run.record(finished),
            "items": sum(shard.items for shard in shards),
            "failed": sum(len(shard.failed) for shard in shards),
        }
        # A line for each, which is quicker than to indent a hundred thousand of them.
        lines = ",\n  ".join(json.dumps(vars(shard)) for shard in shards)
        text = f'{json.dumps(told, indent=1)[:-2]},\n "shards": [\n  {lines}\n ]\n}}\n'
        write(joined(self._out, MANIFEST), text.encode())
        self._cost, self._saved = monotonic() - start, monotonic()

    def finish(self) -> None:
        """Write it for good, and remove shards of images that are no longer there, or were cut otherwise."""
        gone = self._shards.keys() - self._current
        for file in gone:
            del self._shards[file]
        self.save(finished=True)
        for file in gone:
            remove(joined(self._out, file))


def _earlier(out: str, settings: Mapping[str, Any]) -> dict[str, Shard]:
    """The shards that an earlier run of the same job lists, by file."""
    names = sizes_in(out)
    if MANIFEST not in names:
        if any(re.fullmatch(r"\d{6,}-[0-9a-f]{16}\.parquet", name) for name in names):
            raise InputError(f"--out {out}: holds shards without their {MANIFEST}; choose another folder")
        return {}
    try:
        told = json.loads(read(joined(out, MANIFEST)))
        before = told["settings"]
        shards = [Shard(**{**row, "failed": tuple(map(tuple, row["failed"]))}) for row in told["shards"]]
    except TamisError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{joined(out, MANIFEST)}: is damaged ({error}); choose another folder") from None
    now = json.loads(json.dumps(settings))
    differing = sorted(key for key in now.keys() | before.keys() if now.get(key) != before.get(key))
    if differing:
        raise InputError(f"--out {out}: holds a run that differs in {', '.join(differing)}; choose another folder")
    return {shard.file: shard for shard in shards}


def _require(out: str, executor: Executor) -> None:
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        raise UnavailableError("datasets are kept as Parquet: run pip install 'tamis[scale]'") from None
    require_store(out)
    if out.startswith("memory://") and not isinstance(executor, InProcess):
        raise InputError(f"--out {out}: is the memory of one process: leave out --workers and --ray")


def _require_seen(folder: Path, file: str) -> None:
    if not (folder / file).is_file():
        raise InputError(
            f"--out {folder}: a worker has written {file} into a folder of this name on its own machine; with --ray "
            "name a folder that all machines share, or a URL such as s3://BUCKET/FOLDER"
        )

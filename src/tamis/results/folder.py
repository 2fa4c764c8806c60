"""A result folder while it is written: one run at a time, its record, and what earlier runs have finished there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tamis.results.journal import Journal, opened
from tamis.results.run import Run, alone_in, require_folder

JOURNAL = "journal.jsonl"


@contextmanager
def result_folder(
    out: Path,
    settings: Mapping[str, Any],
    weights: str | None = None,
    dataset: str | None = None,
    lock: str = ".lock",
) -> Iterator[Run]:
    """Write into a folder alone. `run.json` says from the start what is made, and at the end that it is finished.

    Args:
        out: the folder, made if needed.
        settings: everything that could change a result, as JSON values.
        weights: SHA-256 of the weights.
        dataset: fingerprint of the images; may be set on the run later.
        lock: the file in the folder that stands for the right to write.

    Raises:
        InputError: another run is writing there.
        OutputError: the folder cannot be written to.
    """
    require_folder(out)
    with alone_in(out, out / lock):
        run = Run(out, settings, weights=weights, dataset=dataset)
        run.save(finished=False)
        yield run
        run.save(finished=True)


@contextmanager
def resumable_folder(
    out: Path, signature: Mapping[str, Any], further: Mapping[str, Any], weights: str | None = None
) -> Iterator[tuple[Run, Journal]]:
    """The same, with a journal: a run of the same signature goes on where an earlier one stopped.

    Args:
        out: the folder, made if needed.
        signature: everything that decides the results, as JSON values.
        further: what `run.json` says besides.
        weights: SHA-256 of the weights.

    Raises:
        InputError: the folder holds a run of another signature, or one is writing there.
        OutputError: the folder cannot be written to.
    """
    require_folder(out)
    run = Run(out, {**signature, **further}, weights=weights)
    with opened(out / JOURNAL, dict(signature)) as journal:
        run.save(finished=False)
        yield run, journal
        run.save(finished=True)

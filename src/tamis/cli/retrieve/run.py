"""`tamis retrieve run`: every step for a dataset."""

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import click

from tamis.cli.options import executor_for, model_option, ray_option, workers_option
from tamis.cli.progress import progress_bar
from tamis.cli.retrieve.options import (
    adaptation_option,
    encoder_option,
    k_option,
    method_option,
    out_option,
    presence_option,
    root_option,
    top_option,
    weight_option,
)
from tamis.datasets.retrieval import OPENERS

Result = TypeVar("Result")


@click.command(name="run")
@click.argument("dataset", type=click.Choice(list(OPENERS)))
@root_option
@out_option
@encoder_option
@adaptation_option
@click.option(
    "--distractors",
    metavar="STORE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A store of distractors by the same encoder; may be repeated.",
)
@click.option(
    "--shards",
    metavar="TAR",
    multiple=True,
    help="Tar files, here or on a server, that hold the distractors' images; may be repeated.",
)
@k_option
@method_option
@model_option
@presence_option
@top_option
@weight_option
@workers_option
@ray_option
@click.option("--no-rerank", is_flag=True, help="The first stage alone.")
def command(
    dataset: str,
    root: Path,
    out: Path,
    encoder: str,
    adaptation: Path | None,
    distractors: tuple[Path, ...],
    shards: tuple[str, ...],
    k: int,
    method: str,
    segmentor: str,
    presence: Path | None,
    top: int,
    weight: float,
    workers: int | None,
    ray: str | None,
    no_rerank: bool,
) -> None:
    """All steps for DATASET: vectors, search, candidates, second stage, scores; each continues where it stopped.

    \b
    tamis retrieve run instances --root photos/ --out runs/photos
    tamis retrieve run ilias --root ILIAS --distractors mini/ --shards https://… --out runs/ilias
    """
    from tamis.cli.retrieve.printing import print_scores
    from tamis.datasets.retrieval import open_collection
    from tamis.jobs.retrieve import (
        encode_files,
        evaluate_rankings,
        recorded,
        rerank_run,
        search_store,
        write_rankings,
        write_scores,
        write_sheet,
    )
    from tamis.personal.methods import load_method
    from tamis.personal.retrieval.candidates import extract_candidates
    from tamis.personal.retrieval.encoders import load_encoder
    from tamis.personal.retrieval.store import open_store

    collection, chosen = open_collection(dataset, root), load_encoder(encoder, adaptation)
    settings = {"dataset": dataset, "root": str(root), "encoder": chosen.name, "k": k, "top": top, "weight": weight}
    with recorded(out, settings, chosen.weights_sha256):
        asked = {query.name: (query.path, query.box) for query in collection.queries}
        queries = _followed(encode_files(asked, out / "queries", chosen), "queries")
        own = {name: (path, None) for name, path in collection.database.items()}
        stores = [_followed(encode_files(own, out / "database", chosen), "database")]
        stores += [open_store(folder, chosen.name) for folder in distractors]
        length = len(own) if collection.truth else k
        rankings, recall = search_store(queries, stores, length)
        if recall is not None:
            click.echo(f"approximate search, recall@10 {recall:.3f}")
        write_rankings(out / "ranking.parquet", rankings)
        files = dict(collection.database)
        if not distractors:
            write_sheet(out / "contact-sheet.png", collection, rankings, files)
        scores = {"first": evaluate_rankings(collection, rankings)}
        print_scores("first stage", scores["first"])
        if not no_rerank:
            wanted = {name for names, _ in rankings.values() for name in names[:top]} - files.keys()
            if shards:
                list(extract_candidates(shards, wanted, out / "candidates"))
            files |= {name: out / "candidates" / name for name in wanted}
            second, executor = load_method(method, presence, segmentor), executor_for(workers, ray)
            steps = rerank_run(out, collection, rankings, files, second, top, weight, executor)
            found = _followed(steps, "reranking")
            if not wanted or shards:
                write_sheet(out / "contact-sheet-reranked.png", collection, found, files)
            scores["reranked"] = evaluate_rankings(collection, found)
            print_scores("reranked", scores["reranked"])
        write_scores(out / "scores.json", scores, settings)


def _followed(steps: Generator[tuple[int, int], None, Result], what: str) -> Result:
    """What a generator returns, its steps shown."""
    with progress_bar(False) as bar:
        task = bar.add_task(what, total=None)
        while True:
            try:
                done, total = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            bar.update(task, completed=done, total=total)

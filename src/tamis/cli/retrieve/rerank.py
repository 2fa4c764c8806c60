"""`tamis retrieve rerank`."""

from pathlib import Path

import click

from tamis.cli.options import executor_for, model_option, ray_option, workers_option
from tamis.cli.progress import progress_bar
from tamis.cli.retrieve.options import (
    dataset_option,
    method_option,
    out_option,
    presence_option,
    root_option,
    top_option,
    weight_option,
)


@click.command(name="rerank")
@dataset_option
@root_option
@click.option(
    "--ranking", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Of the first stage, as Parquet."
)
@click.option(
    "--images",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Where distractors lie, under their names; may be repeated.",
)
@method_option
@model_option
@presence_option
@top_option
@weight_option
@workers_option
@ray_option
@out_option
def command(
    dataset: str,
    root: Path,
    ranking: Path,
    images: tuple[Path, ...],
    method: str,
    segmentor: str,
    presence: Path | None,
    top: int,
    weight: float,
    workers: int | None,
    ray: str | None,
    out: Path,
) -> None:
    """Rank the first of every ranking again, by whether the query's object is there.

    Presences are kept: another --weight takes no time, and an interrupted run continues.
    """
    from tamis.cli.retrieve.printing import print_scores
    from tamis.datasets.retrieval import open_collection
    from tamis.jobs.retrieve import evaluate_rankings, read_rankings, rerank_run, write_scores
    from tamis.personal.methods import load_method

    collection, rankings = open_collection(dataset, root), read_rankings(ranking)
    files = dict(collection.database)
    for names, _ in rankings.values():
        for name in names[:top]:
            place = next((folder / name for folder in images if (folder / name).is_file()), None)
            if name not in files and place is not None:
                files[name] = place
    with progress_bar(False) as bar:
        task = bar.add_task("reranking", total=len(collection.queries))
        second = load_method(method, presence, segmentor)
        steps = rerank_run(out, collection, rankings, files, second, top, weight, executor_for(workers, ray))
        while True:
            try:
                done, _ = next(steps)
            except StopIteration as end:
                found = end.value
                break
            bar.update(task, completed=done)
    before, after = evaluate_rankings(collection, rankings), evaluate_rankings(collection, found)
    write_scores(out / "scores.json", {"first": before, "reranked": after}, {"method": method, "top": top})
    print_scores("first stage", before)
    print_scores("reranked", after)

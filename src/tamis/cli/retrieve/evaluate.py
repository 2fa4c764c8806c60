"""`tamis retrieve evaluate`."""

from pathlib import Path

import click

from tamis.cli.options import json_option, print_json
from tamis.cli.retrieve.options import dataset_option, root_option


@click.command(name="evaluate")
@dataset_option
@root_option
@click.option(
    "--ranking", metavar="FILE", required=True, type=click.Path(path_type=Path), help="A ranking, as Parquet."
)
@json_option
def command(dataset: str, root: Path, ranking: Path, as_json: bool) -> None:
    """Measure a ranking: mAP by the rules of the dataset."""
    from tamis.cli.retrieve.printing import print_scores
    from tamis.datasets.retrieval import open_collection
    from tamis.jobs.retrieve import evaluate_rankings, read_rankings

    scores = evaluate_rankings(open_collection(dataset, root), read_rankings(ranking))
    if as_json:
        print_json(scores)
    else:
        print_scores(dataset, scores)

"""`tamis research`: the claims of the research notes, each as an experiment."""

from pathlib import Path

import click

from tamis.cli.options import json_option, model_option, print_json, print_table
from tamis.errors import InputError


@click.command(name="research")
@click.argument("name", required=False)
@model_option
@click.option("--data", metavar="NAME=ROOT[:SPLIT]", help="The dataset whose masks are clicked on.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="First N images.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="The folder for results.")
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed of clicks, bootstrap and training."
)
@click.option("--start", metavar="FILE", type=click.Path(path_type=Path), help="A SegNext checkpoint to train from.")
@click.option("--train", multiple=True, metavar="NAME=ROOT[:SPLIT]", help="A dataset to train on; may be repeated.")
@click.option("--samples", metavar="N", type=click.IntRange(min=1), default=480, show_default=True,
              help="Training samples for each variant.")  # fmt: skip
@json_option
def command(
    name: str | None,
    segmentor: str,
    data: str | None,
    limit: int,
    out: Path | None,
    seed: int,
    start: Path | None,
    train: tuple[str, ...],
    samples: int,
    as_json: bool,
) -> None:
    """Rerun an experiment of the research notes; without NAME list all of them.

    \b
    tamis research
    tamis research tta --data duts=DUTS:val10 --out runs/tta
    tamis research losses --data duts=DUTS:val10 --train duts=DUTS --start small.pth --out runs/losses
    """
    from tamis.research.claims import STUDIES, find_study, run_study

    if name is None:
        for study in STUDIES:
            click.echo(f"{study.name}{' (trains)' if study.trains else ''}: {study.claim}")
        return
    study = find_study(name)
    if data is None:
        raise InputError("--data: name the dataset whose masks are clicked on, as NAME=ROOT or NAME=ROOT:SPLIT")
    if out is None:
        raise InputError("--out: name the folder for results")
    from tamis.datasets import open_dataset
    from tamis.datasets.places import parse_place
    from tamis.research.study import Setting
    from tamis.segmentors import load_segmentor

    dataset_name, root, split = parse_place(data, "--data")
    dataset = open_dataset(dataset_name, root, split)
    setting = Setting(load_segmentor(segmentor), dataset, seed, out, start, samples, train)
    finding = run_study(study, setting, limit)
    if as_json:
        print_json({"rows": list(finding.rows), "said": list(finding.said)})
        return
    click.echo(study.claim)
    print_table(
        [
            str(row["way"]),
            f"{row['mean']:.4f}",
            f"{row['difference']:+.4f} ({row['ci95'][0]:+.4f} to {row['ci95'][1]:+.4f})" if "ci95" in row else "",
        ]
        for row in finding.rows
    )
    for sentence in finding.said:
        click.echo(sentence)
    for picture in finding.pictures:
        click.echo(f"look at {picture}")

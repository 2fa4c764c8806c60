"""`tamis simulate`: how long a dataset takes to annotate, one way or another."""

import json
from pathlib import Path

import click

from tamis.annotation.simulate.costs import Costs, read_costs
from tamis.annotation.simulate.policies.registry import POLICIES
from tamis.annotation.simulate.report import write_simulation_report
from tamis.annotation.simulate.run import Settings, simulate
from tamis.cli.options import json_option, model_option, print_json, print_table
from tamis.cli.progress import progress_bar
from tamis.datasets import open_dataset
from tamis.segmentors import load_segmentor


@click.command(name="simulate")
@model_option
@click.option("--dataset", metavar="NAME", required=True, help="A name from `tamis datasets list`.")
@click.option("--root", metavar="PATH", required=True, type=click.Path(path_type=Path), help="The dataset's folder.")
@click.option("--split", metavar="NAME", help="Which part of it, where it has parts.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Choice(list(POLICIES)),
    help="A way of annotating; may be repeated. By default scratch and assistant.",
)
@click.option(
    "--target-iou",
    metavar="IOU",
    type=click.FloatRange(0.1, 1),
    default=0.9,
    show_default=True,
    help="From which on a mask is accepted.",
)
@click.option(
    "--most-clicks",
    metavar="K",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="Clicks on an image, after which it is drawn by hand.",
)
@click.option(
    "--costs",
    metavar="JSON",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Seconds of each action, and how people err.",
)
@click.option("--budget", metavar="MINUTES", type=click.FloatRange(min=0.1), help="After which the annotator stops.")
@click.option(
    "--seeds", metavar="N", type=click.IntRange(1, 100), default=1, show_default=True, help="Orders of the images."
)
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Of orders and errors.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the first N images.")
@click.option("--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for results.")
@json_option
def command(
    segmentor: str,
    dataset: str,
    root: Path,
    split: str | None,
    policies: tuple[str, ...],
    target_iou: float,
    most_clicks: int,
    costs: Path | None,
    budget: float | None,
    seeds: int,
    seed: int,
    limit: int | None,
    out: Path,
    as_json: bool,
) -> None:
    """Say how long a dataset takes to annotate, one way or another.

    An interrupted run goes on when the same command is given again.

    \b
    tamis simulate --dataset weizmann-horses --root HORSES --out runs/horses
    tamis simulate --dataset dsb2018 --root DSB --policy assistant-easy --costs mine.json --out runs/dsb
    """
    settings = Settings(
        policies or ("scratch", "assistant"),
        target_iou,
        most_clicks,
        read_costs(costs) if costs else Costs(),
        None if budget is None else 60 * budget,
        seeds,
    )
    opened = open_dataset(dataset, root, split)
    steps = simulate(load_segmentor(segmentor), opened, settings, out, seed, limit)
    with progress_bar(as_json) as bar:
        task = bar.add_task("annotating", total=None)
        for step in steps:
            bar.update(task, completed=step.done, total=step.images)
    page = write_simulation_report(out)
    told = json.loads((out / "simulation.json").read_bytes())
    if as_json:
        print_json(told)
        return
    print_table(
        (
            name,
            f"{each['seconds'] / 60:.1f} minutes",
            f"{each['clicks']:.2f} clicks an image",
            "" if each["clicks_warm"] is None else f"{each['clicks_warm']:.2f} from the 18th on",
            f"{100 * each['accepted']:.0f} % of the proposals accepted as they were",
            f"{100 * each['drawn']:.0f} % drawn by hand",
        )
        for name, each in told["policies"].items()
    )
    click.echo(f"look at {page.resolve()}")

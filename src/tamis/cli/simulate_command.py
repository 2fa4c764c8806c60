"""`tamis simulate`: how long a dataset takes to annotate, one way or another."""

import json
from pathlib import Path

import click
from click.core import ParameterSource

from tamis.annotation.simulate.costs import Costs, read_costs
from tamis.annotation.simulate.policies.registry import POLICIES
from tamis.annotation.simulate.report import write_simulation_report
from tamis.annotation.simulate.run import Settings, multiverseg, simulate
from tamis.cli.options import (
    executor_for,
    json_option,
    model_option,
    print_json,
    print_table,
    ray_option,
    workers_option,
)
from tamis.cli.progress import progress_bar
from tamis.datasets import open_dataset
from tamis.datasets.concept import of_concept
from tamis.errors import InputError
from tamis.segmentors import load_segmentor


@click.command(name="simulate")
@model_option
@click.option("--dataset", metavar="NAME", help="A name from `tamis datasets list`.")
@click.option("--root", metavar="PATH", type=click.Path(path_type=Path), help="The dataset's folder.")
@click.option("--split", metavar="NAME", help="Split of the dataset, where it has several.")
@click.option(
    "--concept",
    metavar="CLASS",
    help="One class of the dataset, by name or number: the images that have it, and its masks alone.",
)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Choice(list(POLICIES)),
    help="Annotation policy; may be repeated. By default scratch and assistant.",
)
@click.option(
    "--assistant-model",
    metavar="NAME",
    help="The model whose regions the assistant sees; by default the one that is clicked with.",
)
@click.option(
    "--masks",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Masks that the policy `given` corrects: NAME.png for each image.",
)
@click.option(
    "--protocol",
    type=click.Choice(["seconds", "multiverseg"]),
    default="seconds",
    show_default=True,
    help="What is counted: seconds at the costs given, or clicks to Dice .9 as MultiverSeg does.",
)
@click.option(
    "--target-iou",
    metavar="IOU",
    type=click.FloatRange(0.1, 1),
    default=0.9,
    show_default=True,
    help="IoU from which a mask is accepted.",
)
@click.option(
    "--most-clicks",
    metavar="K",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="Clicks on an image, after which brush and polygon finish it.",
)
@click.option(
    "--costs",
    metavar="JSON",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Costs: seconds of each action, and people's errors.",
)
@click.option(
    "--budget", metavar="MINUTES", type=click.FloatRange(min=0.1), help="Working time after which the annotator stops."
)
@click.option(
    "--seeds", metavar="N", type=click.IntRange(1, 100), default=1, show_default=True, help="Orders of the images."
)
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed of orders and errors.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the first N images.")
@workers_option
@ray_option
@click.option("--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for results.")
@click.option(
    "--fit-costs",
    "project",
    metavar="PROJECT",
    type=click.Path(path_type=Path),
    help="Simulate nothing: measure the costs of the people who annotated this folder, for --costs.",
)
@json_option
def command(
    segmentor: str,
    dataset: str | None,
    root: Path | None,
    split: str | None,
    concept: str | None,
    policies: tuple[str, ...],
    assistant_model: str | None,
    masks: Path | None,
    protocol: str,
    target_iou: float,
    most_clicks: int,
    costs: Path | None,
    budget: float | None,
    seeds: int,
    seed: int,
    limit: int | None,
    workers: int | None,
    ray: str | None,
    out: Path,
    project: Path | None,
    as_json: bool,
) -> None:
    """Estimate how long a dataset takes to annotate.

    An interrupted run continues when the same command is given again.

    \b
    tamis simulate --dataset weizmann-horses --root HORSES --out runs/horses
    tamis simulate --fit-costs photos/ --out runs/me
    tamis simulate --dataset dsb2018 --root DSB --policy assistant-easy --costs runs/me/costs.json --out runs/dsb
    """
    if project is not None:
        _fit(project, out, dataset or project.resolve().name, split or "", concept or "", as_json)
        return
    if dataset is None or root is None:
        raise InputError("name a dataset with --dataset and its folder with --root, or a project with --fit-costs")
    chosen = policies or ("scratch", "assistant")
    if protocol == "multiverseg":
        _require_defaults("target_iou", "most_clicks", "costs", "budget")
        settings = multiverseg(chosen, seeds, masks)
    else:
        prices = read_costs(costs) if costs else Costs()
        seconds = None if budget is None else 60 * budget
        settings = Settings(chosen, target_iou, most_clicks, prices, seconds, seeds, masks=masks)
    opened = open_dataset(dataset, root, split)
    if concept is not None:
        opened = of_concept(opened, concept, limit)
    sight = None if assistant_model is None else load_segmentor(assistant_model)
    executor = executor_for(workers, ray)
    steps = simulate(load_segmentor(segmentor), opened, settings, out, seed, limit, sight, concept or "", executor)
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
            f"{100 * each['drawn']:.0f} % finished by brush or polygon",
        )
        for name, each in told["policies"].items()
    )
    click.echo(f"look at {page.resolve()}")


def _fit(folder: Path, out: Path, dataset: str, split: str, concept: str, as_json: bool) -> None:
    from dataclasses import asdict

    from tamis.annotation.project import opened
    from tamis.annotation.simulate.people import fit_costs, write_fitted

    with opened(folder, create=False) as project:
        fitted = fit_costs(project)
        write_fitted(project, fitted, out, dataset, split, concept)
    if as_json:
        print_json({"costs": asdict(fitted.costs), "measured": fitted.measured})
        return
    print_table(
        (
            kind,
            f"{each['median']:.2f} s",
            f"half of them {each['low']:.2f} to {each['high']:.2f}",
            f"{each['events']} events",
        )
        for kind, each in fitted.measured.items()
    )
    click.echo(f"costs: {out / 'costs.json'}")
    if fitted.rows:
        click.echo(f"look at {write_simulation_report(out).resolve()}")


def _require_defaults(*options: str) -> None:
    context = click.get_current_context()
    for option in options:
        if context.get_parameter_source(option) is not ParameterSource.DEFAULT:
            name = f"--{option.replace('_', '-')}"
            raise InputError(f"the protocol multiverseg says what {name} is: leave out {name}, or --protocol")

"""`tamis evaluate`: how good a segmentor is, by the rules of tamis or of a peer."""

import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tamis.cli.options import (
    ListType,
    RenamedOption,
    executor_for,
    json_option,
    model_option,
    positive,
    print_json,
    print_table,
    ray_option,
    share,
    workers_option,
)
from tamis.cli.personalized import personalized
from tamis.cli.progress import progress_bar
from tamis.datasets import open_dataset
from tamis.evaluation import combining
from tamis.evaluation.combination import PLACES, StudySettings, run_study
from tamis.evaluation.real_clicks import read_real_clicks
from tamis.evaluation.report import write_report
from tamis.evaluation.rules import PROTOCOLS, Rules
from tamis.evaluation.run import Progress, run_evaluation
from tamis.evaluation.zero_shot import ZeroShotRules
from tamis.evaluation.zero_shot_report import write_zero_shot_report
from tamis.evaluation.zero_shot_run import run_zero_shot
from tamis.partition.nested import METHODS
from tamis.proposals.nms import SUPPRESSIONS
from tamis.proposals.order import ORDERS
from tamis.proposals.refine import SOURCES
from tamis.proposals.scores import SCORES
from tamis.segmentors import load_segmentor
from tamis.segmentors.wrappers.augmented import VIEWS


def _options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_dataset_options = _options(
    model_option,
    click.option("--dataset", metavar="NAME", required=True, help="A name from `tamis datasets list`."),
    click.option(
        "--root", metavar="PATH", required=True, type=click.Path(path_type=Path), help="The dataset's folder."
    ),
    click.option("--split", metavar="NAME", help="Split of the dataset, where it has several."),
    click.option(
        "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for results."
    ),
    click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the first N images."),
    click.option(
        "--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed of clicks and bootstrap."
    ),
)


@click.group(name="evaluate")
def command() -> None:
    """Measure how good a model is."""


@command.command()
@_dataset_options
@click.option(
    "--protocol",
    type=click.Choice(list(PROTOCOLS)),
    default="tamis",
    show_default=True,
    help="Evaluation protocol; the options below change single rules.",
)
@click.option(
    "--clicker",
    type=click.Choice(["center", "random"]),
    help="Simulated clicks: at the center of the largest error, or random.",
)
@click.option("--clicks", metavar="K", type=click.IntRange(1, 100), help="Clicks on every mask.")
@click.option("--threshold", metavar="T", type=click.FloatRange(0, 1), help="Probability threshold of the mask.")
@click.option("--stop-at", metavar="IOU", type=click.FloatRange(0), help="Stop clicking at this IoU; 1.01 never does.")
@click.option("--repeats", metavar="C", type=click.IntRange(min=1), help="Repetitions for every mask.")
@click.option("--min-area", metavar="PX", type=click.IntRange(min=1), help="Skip and count smaller masks.")
@click.option(
    "--combine",
    type=click.Choice(["native", *combining.RULES]),
    help="How predictions of single clicks are combined; native leaves it to the model.",
)
@click.option(
    "--tta",
    metavar="LIST",
    type=ListType(str, "names such as flips"),
    help=f"Average over augmentations: any of {','.join(VIEWS)}.",
)
@click.option(
    "--clicks-file",
    metavar="CSV",
    type=click.Path(path_type=Path, dir_okay=False),
    help="First clicks of people, in the layout of RClicks' clicks.csv; further ones are simulated.",
)
@workers_option
@ray_option
@json_option
def interactive(
    segmentor: str,
    dataset: str,
    root: Path,
    split: str | None,
    out: Path,
    limit: int | None,
    seed: int,
    protocol: str,
    clicks_file: Path | None,
    workers: int | None,
    ray: str | None,
    as_json: bool,
    tta: tuple[str, ...] | None,
    **changes: Any,
) -> None:
    """Click on every mask of a dataset: mIoU@k with confidence intervals, NoC, and a page of pictures.

    An interrupted run continues when the same command is given again.

    \b
    tamis evaluate interactive --dataset davis345 --root DAVIS --out runs/davis
    tamis evaluate interactive --dataset sbd --split val --root SBD --protocol ritm --out runs/sbd-ritm
    """
    given = {name: value for name, value in changes.items() if value is not None}
    if tta:
        given["tta"] = tta
    rules: Rules = replace(PROTOCOLS[protocol], **given)
    opened = open_dataset(dataset, root, split)
    real = read_real_clicks(clicks_file, dataset) if clicks_file else None
    if not as_json:
        changed = f", except {', '.join(f'{name} {value}' for name, value in given.items())}" if given else ""
        count = len(opened.samples[:limit])
        click.echo(f"{opened.name}, {count} images; rules of {protocol}{changed}")
    _follow(run_evaluation(segmentor, opened, rules, out, seed, limit, executor_for(workers, ray), real), quiet=as_json)
    page = write_report(out, load_segmentor(segmentor), opened, rules)
    summary = json.loads((out / "summary.json").read_bytes())
    if as_json:
        print_json(summary)
        return
    measured = enumerate(zip(summary.get("miou", []), summary.get("miou_ci95", []), strict=True), 1)
    rows = [
        (f"mIoU@{number}", f"{value:.4f}", f"(95 % interval {low:.4f} to {high:.4f})")
        for number, (value, (low, high)) in measured
        if number in (1, 2, 3, 5, 10, 20)
    ]
    rows += [
        (f"NoC@{target}", f"{summary[f'noc{target}']:.2f}", f"(not reached, or only by the last click: {late})")
        for target in ("85", "90", "95")
        if (late := summary.get(f"nof{target}")) is not None
    ]
    print_table(rows)
    if "real_clicks" in summary:
        _tell_real_clicks(summary["real_clicks"])
    click.echo(f"{summary['masks']} masks of {summary['images']} images; {_left_out(summary)}")
    click.echo(f"look at {page.resolve()}")


def _tell_real_clicks(told: dict[str, Any]) -> None:
    if not told["objects"]:
        click.echo("no object of these images was clicked by people")
        return
    click.echo(
        f"{told['clicks']} clicks of people on {told['objects']} objects: NoC@90 {told['noc90']:.2f}, after clicks in "
        f"the middle {told['noc90_center']:.2f} ({told['loss']:+.1f} %)"
    )
    click.echo(f"where the fewest click against where most do: NoC@90 {told['gap']:+.1f} %")
    click.echo(f"first click alone: mIoU {told['iou']:.4f}, standard deviation on an object {told['iou_std']:.4f}")


@command.command(name="combine")
@_dataset_options
@click.option(
    "--extra",
    metavar="LIST",
    type=ListType(positive, "numbers such as 1,2,5"),
    default="1,2,5,10",
    show_default=True,
    help="Numbers of simulated clicks.",
)
@click.option(
    "--where",
    type=click.Choice([*PLACES, "both"]),
    default="both",
    show_default=True,
    help="Where simulated clicks are placed.",
)
@click.option(
    "--repeats", metavar="C", type=click.IntRange(min=1), default=1, show_default=True, help="Repetitions per mask."
)
@workers_option
@ray_option
@json_option
def combine(
    segmentor: str,
    dataset: str,
    root: Path,
    split: str | None,
    out: Path,
    limit: int | None,
    seed: int,
    extra: tuple[int, ...],
    where: str,
    repeats: int,
    workers: int | None,
    ray: str | None,
    as_json: bool,
) -> None:
    """Compare the rules that combine one real click with simulated ones, all on the same clicks."""
    opened = open_dataset(dataset, root, split)
    settings = StudySettings(tuple(sorted(extra)), PLACES if where == "both" else (where,), repeats=repeats)
    executor = executor_for(workers, ray)
    _follow(run_study(load_segmentor(segmentor), opened, settings, out, seed, limit, executor), quiet=as_json)
    result = json.loads((out / "combine.json").read_bytes())
    if as_json:
        print_json(result)
        return
    print_table(
        (
            row["place"],
            row["rule"],
            row["extra"],
            f"mIoU {row['miou']:.4f}",
            f"gain {row['gain']:+.4f} ({row['gain_ci95'][0]:+.4f} to {row['gain_ci95'][1]:+.4f})",
        )
        for row in result["results"]
    )
    click.echo(f"look at {(out / 'report.html').resolve()}")


@command.command(name="zero-shot")
@_dataset_options
@click.option(
    "--budgets",
    metavar="LIST",
    type=ListType(positive, "numbers such as 1,10,100"),
    default="1,2,5,10,20,50,100,200,500,1000",
    show_default=True,
    help="Numbers of masks allowed.",
)
@click.option(
    "--grid",
    metavar="N",
    type=click.IntRange(1, 512),
    help="Clicks per side of a regular grid; by default one per region, or 32 × 32.",
)
@click.option(
    "--thresholds",
    "levels",
    cls=RenamedOption,
    old=["--levels"],
    metavar="LIST",
    type=ListType(share, "probabilities such as .3,.5,.7"),
    default="0.5",
    show_default=True,
    help="Probability thresholds of the masks.",
)
@click.option(
    "--score", type=click.Choice(list(SCORES)), help="Score that masks are ranked by; by default the predicted IoU."
)
@click.option(
    "--nms",
    type=click.Choice(list(SUPPRESSIONS)),
    default="mask",
    show_default=True,
    help="Non-maximum suppression: by mask IoU, box IoU, containment or coverage.",
)
@click.option(
    "--order",
    type=click.Choice(list(ORDERS)),
    default="gain",
    show_default=True,
    help="Masks that tell most of the image first, or as suppression leaves them: by score.",
)
@click.option(
    "--snap",
    "refine",
    cls=RenamedOption,
    old=["--refine"],
    type=click.Choice(list(SOURCES)),
    help="Snap masks to these superpixels.",
)
@click.option(
    "--partition", type=click.Choice(list(METHODS)), help="Segments of partitions by this method, instead of proposals."
)
@click.option(
    "--min-area", metavar="PX", type=click.IntRange(min=1), default=256, show_default=True, help="Skip smaller masks."
)
@workers_option
@ray_option
@json_option
def zero_shot(
    segmentor: str,
    dataset: str,
    root: Path,
    split: str | None,
    out: Path,
    limit: int | None,
    seed: int,
    budgets: tuple[int, ...],
    levels: tuple[float, ...],
    workers: int | None,
    ray: str | None,
    as_json: bool,
    **others: Any,
) -> None:
    """Measure automatic mask generation: how well the best of k masks fit each ground-truth mask, for every k.

    An interrupted run continues when the same command is given again.

    \b
    tamis evaluate zero-shot --dataset bsds500 --split test --root BSDS500 --out runs/zero
    tamis evaluate zero-shot --dataset bsds500 --split test --root BSDS500 --partition linkage --out runs/parts
    """
    given = {name: value for name, value in others.items() if value is not None}
    rules = ZeroShotRules(
        tuple(sorted(budgets)),
        levels=levels,
        **given,
    )
    opened = open_dataset(dataset, root, split)
    executor = executor_for(workers, ray)
    _follow(run_zero_shot(load_segmentor(segmentor), opened, rules, out, seed, limit, executor), quiet=as_json)
    page = write_zero_shot_report(out)
    summary = json.loads((out / "summary.json").read_bytes())
    if as_json:
        print_json(summary)
        return
    measured = zip(*(summary.get(key, []) for key in ("budgets", "miou", "miou_ci95", "ar")), strict=False)
    print_table(
        (budget, f"masks  mIoU {miou:.4f} (95 % interval {low:.4f} to {high:.4f})  AR {recall:.4f}")
        for budget, miou, (low, high), recall in measured
    )
    for name, value in summary.get("bounds", {}).items():
        click.echo(f"bound by {name}: mIoU {value:.4f}")
    if "mean_recall" in summary:
        click.echo(f"mean recall over all thresholds {summary['mean_recall']:.4f} = mIoU {summary['miou'][-1]:.4f}")
    click.echo(f"{summary['masks']} masks of {summary['images']} images; {_left_out(summary)}")
    click.echo(f"look at {page.resolve()}")


command.add_command(personalized)


def _follow(steps: Generator[Progress], quiet: bool) -> None:
    with progress_bar(quiet) as bar:
        task = bar.add_task("evaluating", total=None)
        for step in steps:
            said = "evaluating" if step.miou is None else f"mIoU@1 {step.miou:.3f}"
            bar.update(task, completed=step.done, total=step.images, description=said)


def _left_out(summary: dict[str, Any]) -> str:
    counts = {
        "too small": summary["skipped_small"],
        "empty": summary["empty"],
        "of another size than the image": sum(map(len, summary["mismatched"].values())),
        "images unreadable": len(summary["unreadable"]),
        "files without a partner": sum(map(len, summary["unmatched"].values())),
    }
    said = [f"{count} {what}" for what, count in counts.items() if count]
    return f"left out: {', '.join(said)}" if said else "nothing left out"

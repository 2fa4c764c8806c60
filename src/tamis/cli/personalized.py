"""`tamis evaluate personalized`."""

import json
from pathlib import Path

import click

from tamis.cli.options import executor_for, json_option, model_option, print_json, ray_option, workers_option
from tamis.cli.progress import progress_bar
from tamis.personal.methods import DEFAULT, METHODS


@click.command(name="personalized")
@click.option(
    "--dataset",
    type=click.Choice(["perseg", "permis", "davis", "instances"]),
    required=True,
    help="The dataset: its layout and usual protocol.",
)
@click.option("--root", metavar="PATH", required=True, type=click.Path(path_type=Path), help="The dataset's folder.")
@click.option("--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for results.")
@click.option(
    "--method", type=click.Choice(METHODS), default=DEFAULT, show_default=True, help="As of tamis personalize."
)
@model_option
@click.option(
    "--presence",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Presence head for the method, from `tamis train presence`.",
)
@click.option(
    "--protocol",
    type=click.Choice(["tamis", "perseg", "pdm", "insid3"]),
    help="Evaluation protocol; by default the usual one of the dataset. Numbers of different protocols do not compare.",
)
@click.option(
    "--negatives",
    metavar="N",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Other objects that each image is searched for, which are not there.",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the first N objects.")
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed of the choice of other objects."
)
@workers_option
@ray_option
@json_option
def personalized(
    dataset: str,
    root: Path,
    out: Path,
    method: str,
    segmentor: str,
    presence: Path | None,
    protocol: str | None,
    negatives: int,
    limit: int | None,
    seed: int,
    workers: int | None,
    ray: str | None,
    as_json: bool,
) -> None:
    """Find objects of one image again in others: mIoU by the peers' rules, and whether absence is noticed.

    An interrupted run continues when the same command is given again.

    \b
    tamis evaluate personalized --dataset perseg --root PerSeg --out runs/perseg
    tamis evaluate personalized --dataset permis --root PerMIRS --protocol pdm --out runs/permis-pdm
    """
    from tamis.datasets.episodes import STORED, open_episodes, same_track
    from tamis.evaluation.personalized_run import PersonalizedSettings, protocol_of, run_personalized
    from tamis.personal.methods import load_method

    settings = PersonalizedSettings(protocol_of(dataset, protocol), negatives, limit, seed)
    episodes, loaded = open_episodes(dataset, root), load_method(method, presence, segmentor)
    steps = run_personalized(loaded, dataset, root, episodes, settings, out, executor_for(workers, ray))
    with progress_bar(as_json) as bar:
        task = bar.add_task("evaluating", total=None)
        for done, total in steps:
            bar.update(task, completed=done, total=total)
    summary = json.loads((out / "summary.json").read_bytes())
    if as_json:
        print_json(summary)
        return
    click.echo(f"{dataset}, rules of {summary['protocol']}: mIoU {summary['miou']:.4f} ({summary['miou_is']})")
    parts = ("image_miou", "total_iou", "object_miou", "object_macc", "object_biou")
    click.echo(", ".join(f"{name} {summary[name]:.4f}" for name in parts if summary[name] is not None))
    small = f"; {summary['too_small']} too small" if summary["too_small"] else ""
    click.echo(f"{summary['images']} images of {summary['objects']} objects{small}")
    if dataset == "permis":
        tracks = sum(same_track(episode.reference.path.parent / STORED) for episode in episodes)
        click.echo(f"{tracks} of {len(episodes)} videos show one track in all three frames")
    if "presence" in summary:
        seen = summary["presence"]
        half = seen["at_half"]
        click.echo(
            f"presence: AUC {seen['auc']:.4f} on {seen['pairs_with']} pairs with the object and "
            f"{seen['pairs_without']} without; at .5 {half['true_positive_rate']:.1%} noticed, "
            f"{half['false_positive_rate']:.1%} false alarms"
        )
    click.echo(f"look at {(out / 'report.html').resolve()}")

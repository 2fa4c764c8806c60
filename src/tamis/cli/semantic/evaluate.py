"""`tamis semantic evaluate`: how well a trained network does on a dataset, by the published rules."""

from pathlib import Path

import click

from tamis.cli.options import RenamedOption, json_option, print_json, print_table
from tamis.cli.progress import progress_bar
from tamis.cli.semantic.train import parsed_overrides, require_networks


@click.command(name="evaluate")
@click.argument("checkpoint", metavar="CHECKPOINT", type=click.Path(path_type=Path))
@click.option("--data", required=True, metavar="ROOT", type=click.Path(path_type=Path), help="Images and label maps.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Results; by default beside CHECKPOINT.")
@click.option("--split", default="val", show_default=True, help="The split to evaluate.")
@click.option("--layout", default="auto", show_default=True, help="Layout of the data: auto, or a name from the docs.")
@click.option("--recipe", metavar="NAME", help="Recipe of an official mmsegmentation checkpoint.")
@click.option(
    "--override", "overrides", multiple=True, metavar="NAME=VALUE", help="Override a field of the recipe; repeatable."
)
@click.option(
    "--tta",
    "several",
    cls=RenamedOption,
    old=["--several"],
    is_flag=True,
    help="Test-time augmentation: several scales and flips.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@json_option
def command(
    checkpoint: Path,
    data: Path,
    out: Path | None,
    split: str,
    layout: str,
    recipe: str | None,
    overrides: tuple[str, ...],
    several: bool,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Measure a trained network: IoU of a whole dataset, in all and by class.

    \b
    tamis semantic evaluate runs/small/best.pt --data camvid --split test
    tamis semantic evaluate mask2former-swin-s-ade --data ADEChallengeData2016
    tamis semantic evaluate knet_swin_l.pth --recipe knet-swin-l --data ADEChallengeData2016
    """
    require_networks()
    from tamis.semantic.evaluate import EvaluateJob, evaluate

    place = out or checkpoint.parent / f"{checkpoint.stem}-{split}"
    job = EvaluateJob(
        checkpoint, data, place, split, layout, recipe, parsed_overrides(overrides), several, device
    )  # fmt: skip
    with progress_bar(quiet or as_json) as bar:
        task = bar.add_task("images", total=None)
        record = evaluate(
            job,
            say=lambda sentence: click.echo(sentence, err=True),
            on_image=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print_json(record)
        return
    print_table(
        (name, "IoU", _percent(each["iou"]), "accuracy", _percent(each["accuracy"]))
        for name, each in record["classes"].items()
    )
    more = f", with several scales {100 * record['miou_ms']:.2f}" if several else ""
    click.echo(
        f"mIoU {100 * record['miou']:.2f}{more}, mAcc {100 * record['macc']:.2f}, aAcc {100 * record['aacc']:.2f} on "
        f"{record['dataset']}, {record['images']} images; look at {(place / 'index.html').resolve()}"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f}"

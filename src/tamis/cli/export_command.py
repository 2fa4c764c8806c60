"""`tamis export`: a project's masks for other programs."""

from pathlib import Path

import click

from tamis.cli.main import INTERRUPTED
from tamis.cli.options import json_option, print_json
from tamis.formats.registry import names


@click.command(name="export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "name", metavar="NAME", required=True, help=f"The format: {', '.join(names())}.")
@click.option("--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="A new or empty folder.")
@click.option(
    "--states",
    metavar="LIST",
    default="",
    help="Images in these states, or all; by default done,reviewed, and without any such image those in progress.",
)
@click.option(
    "--tolerance",
    metavar="PX",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Simplify outlines by so much, in formats of polygons.",
)
@click.option("--split", metavar="LIST", help="Shares of train, val and, if wanted, test, such as 0.8,0.1,0.1.")
@click.option(
    "--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Which images go where."
)
@click.option(
    "--images",
    "pixels",
    metavar="WHAT",
    type=click.Choice(["none", "copy", "link"]),
    default="none",
    show_default=True,
    help="The images themselves: none, copy or link, so that a trainer runs on the folder.",
)
@click.option("--db", metavar="URL", help="As of `tamis annotate`.")
@json_option
def command(
    folder: Path,
    name: str,
    out: Path,
    states: str,
    tolerance: float,
    split: str | None,
    seed: int,
    pixels: str,
    db: str | None,
    as_json: bool,
) -> int:
    """Write the masks of the project in FOLDER for other programs.

    Says what the format does not keep, as the IoU of each mask with what reading the files again gives. Exits with 1 if
    there is no mask.

    \b
    tamis export photos/ --format coco --out coco/
    tamis export photos/ --format yolo --out yolo/ --split 0.8,0.2 --images copy
    """
    from dataclasses import replace
    from typing import cast

    from tamis.annotation.exchange import export_folder, states_in, to_dataset, usual_states
    from tamis.annotation.project import project_of
    from tamis.formats.record import Pixels
    from tamis.formats.registry import dropped, export, find_format
    from tamis.formats.splits import shares_in, with_split
    from tamis.results.files import whole_folder

    find_format(name)
    shares = shares_in(split) if split else ()
    export_folder(out)
    project = project_of(folder, db, create=False)
    try:
        wanted, left_out = states_in(states), ""
        if not wanted:
            chosen, left_out = usual_states(project)
        dataset = replace(to_dataset(project, wanted or chosen), pixels=cast(Pixels, pixels))
    finally:
        project.close()
    if not any(image.masks.areas.any() for image in dataset.images):
        where = f" in the states {', '.join(wanted)}" if wanted else ""
        more = f"; {left_out}" if left_out else ""
        click.echo(f"tamis: {folder}: there is nothing to export: no image{where} has a mask{more}", err=True)
        return 1
    if shares:
        dataset = with_split(dataset, shares, seed)
    lost = dropped(dataset, name)
    try:
        with whole_folder(out) as begun:
            loss = export(dataset, name, begun, tolerance)
    except KeyboardInterrupt:
        click.echo("tamis: interrupted; nothing was written, and the same command begins anew", err=True)
        return INTERRUPTED
    images = sum(len(image.masks) > 0 for image in dataset.images)
    if as_json:
        print_json(
            {
                "out": str(out),
                "format": name,
                "images": images,
                "masks": len(loss.ious),
                "mean_iou": loss.mean,
                "worst_iou": loss.worst,
                **({"splits": {each: len(dataset.part(each).images) for each in dataset.splits}} if shares else {}),
                **({"dropped": lost} if lost else {}),
                **({"left_out": left_out} if left_out else {}),
            }
        )
    else:
        click.echo(f"{len(loss.ious)} masks on {images} images written to {out}; {loss.sentence()}")
        if shares:
            click.echo(", ".join(f"{len(dataset.part(each).images)} images in {each}" for each in dataset.splits))
        for sentence in (lost, left_out):
            if sentence:
                click.echo(sentence)
    return 0

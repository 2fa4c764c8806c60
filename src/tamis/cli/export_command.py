"""`tamis export`: a project's masks for other programs."""

from pathlib import Path

import click

from tamis.cli.options import ListType, json_option, print_json
from tamis.formats.registry import names


@click.command(name="export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "name", metavar="NAME", required=True, help=f"The format: {', '.join(names())}.")
@click.option("--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="A new or empty folder.")
@click.option(
    "--states",
    metavar="LIST",
    type=ListType(str, "names such as done,reviewed"),
    default=(),
    help="Only images in these states, such as done,reviewed; all by default.",
)
@click.option(
    "--tolerance",
    metavar="PX",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Simplify outlines by so much, in formats of polygons.",
)
@click.option("--db", metavar="URL", help="As of `tamis annotate`.")
@json_option
def command(
    folder: Path, name: str, out: Path, states: tuple[str, ...], tolerance: float, db: str | None, as_json: bool
) -> int:
    """Write the masks of the project in FOLDER for other programs.

    Says what the format does not keep, as the IoU of each mask with what reading the files again gives. Exits with 1 if
    there is no mask.

    \b
    tamis export photos/ --format coco --out coco/
    tamis export photos/ --format yolo --out yolo/ --states done,reviewed
    """
    from tamis.annotation import open_project
    from tamis.annotation.exchange import export_folder, to_dataset
    from tamis.annotation.fold import STATES
    from tamis.formats.registry import export, find_format

    find_format(name)
    export_folder(out)
    project = open_project(folder, db, create=False)
    try:
        dataset = to_dataset(project, states or STATES)
    finally:
        project.close()
    if not any(image.masks.areas.any() for image in dataset.images):
        where = f" in the states {', '.join(states)}" if states else ""
        click.echo(f"tamis: {folder}: there is nothing to export: no image{where} has a mask", err=True)
        return 1
    loss = export(dataset, name, out, tolerance)
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
            }
        )
    else:
        click.echo(f"{len(loss.ious)} masks on {images} images written to {out}; {loss.sentence()}")
    return 0

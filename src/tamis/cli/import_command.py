"""`tamis import`: masks of other programs into a project."""

from pathlib import Path

import click

from tamis.cli.annotate_command import account
from tamis.cli.options import json_option, print_json
from tamis.formats.registry import names


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "name", metavar="NAME", required=True, help=f"The format: {', '.join(names())}.")
@click.option("--add-labels", is_flag=True, help="Make labels that the project does not have.")
@click.option(
    "--overlap",
    metavar="WHAT",
    type=click.Choice(["refuse", "skip", "add"]),
    default="refuse",
    show_default=True,
    help="What to do with masks that are there already: refuse, skip or add.",
)
@click.option("--user", metavar="NAME", help="Annotator; the name of the account by default.")
@click.option("--db", metavar="URL", help="As of `tamis annotate`.")
@json_option
def command(
    folder: Path,
    file: Path,
    name: str,
    add_labels: bool,
    overlap: str,
    user: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Add the masks of FILE (or of a folder of files) to the project in FOLDER, to start from.

    Every image gets one step, which undo takes back. Exits with 1 if FILE names images that the project does not have;
    the masks of all others are added.

    \b
    tamis import photos/ instances.json --format coco
    tamis import photos/ yolo/ --format yolo --add-labels
    """
    from typing import cast

    from tamis.annotation import open_project
    from tamis.annotation.exchange import Overlap, import_dataset, shapes
    from tamis.formats.registry import find_format, load

    find_format(name)
    project = open_project(folder, db)
    try:
        dataset, unknown = load(file, name, shapes(project))
        done = import_dataset(project, dataset, user or account(), cast(Overlap, overlap), add_labels)
    finally:
        project.close()
    if as_json:
        print_json(
            {
                "images": done.images,
                "masks": done.masks,
                "skipped": done.skipped,
                "new_labels": list(done.new_labels),
                "unknown_images": unknown,
            }
        )
    else:
        click.echo(f"{done.masks} masks on {done.images} images added to {folder}")
        if done.skipped:
            click.echo(f"{done.skipped} masks were there already, and were left out")
        if done.new_labels:
            click.echo(f"new labels: {', '.join(done.new_labels)}")
    if unknown:
        click.echo(f"tamis: {file}: {len(unknown)} images are not in {folder}, such as {unknown[0]}", err=True)
        return 1
    return 0

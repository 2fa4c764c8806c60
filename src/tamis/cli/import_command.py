"""`tamis import`: masks of other programs into a project."""

from collections.abc import Sequence
from pathlib import Path

import click

from tamis.cli.annotate_command import account
from tamis.cli.main import INTERRUPTED
from tamis.cli.options import json_option, print_json
from tamis.formats.registry import names


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "name", metavar="NAME", required=True, help=f"The format: {', '.join(names())}.")
@click.option("--add-labels", is_flag=True, help="Make labels that the project does not have.")
@click.option("--merge-labels", is_flag=True, help="Take labels that differ in capitals alone for the same.")
@click.option(
    "--annotations",
    metavar="WHICH",
    type=click.Choice(["one", "all"]),
    default="one",
    show_default=True,
    help="Of several annotations of one Label Studio task: the finished one, or all.",
)
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
    merge_labels: bool,
    annotations: str,
    overlap: str,
    user: str | None,
    db: str | None,
    as_json: bool,
) -> int:
    """Add the masks of FILE (or of a folder of files) to the project in FOLDER, to start from.

    Every image gets one step, which undo reverts. What is left out is counted and reported. Exits with 1 if FILE
    names images that the project does not have or cannot read, or invalid annotations; all others are added.

    \b
    tamis import photos/ instances.json --format coco
    tamis import photos/ yolo/ --format yolo --add-labels
    """
    from typing import cast

    from tamis.annotation.exchange import Overlap, import_dataset, shapes
    from tamis.annotation.project import project_of
    from tamis.errors import InputError
    from tamis.formats.registry import all_drawn, find_format, loaded

    find_format(name)
    project = project_of(folder, db)
    try:
        found = (all_drawn if annotations == "all" else loaded)(file, name, shapes(project))
        said = found.sentences({row.name: row.problem for row in project.rows()})
        if not found.dataset.masks and not any(image.tags for image in found.dataset.images):
            told = [*said, *([_unknown(folder, found.unknown)] if found.unknown else [])]
            why = "the file holds no mask of an image of this project"
            raise InputError(f"{file}: there is nothing to import: {'; '.join(told) or why}")
        done = import_dataset(
            project, found.dataset, user or account(), cast(Overlap, overlap), add_labels, merge_labels
        )
    except KeyboardInterrupt:
        click.echo("tamis: interrupted; nothing was added, and the same command begins anew", err=True)
        return INTERRUPTED
    finally:
        project.close()
    if as_json:
        summary = {
            "images": done.images,
            "masks": done.masks,
            "skipped": done.skipped,
            "new_labels": list(done.new_labels),
            "unknown_images": found.unknown,
        }
        print_json(summary | ({"tagged": done.tagged} if done.tagged else {}) | ({"told": said} if said else {}))
    else:
        click.echo(f"{done.masks} mask{'s' * (done.masks != 1)} on {done.images} images added to {folder}")
        if done.tagged:
            click.echo(f"{done.tagged} images without new masks got their tags")
        if done.skipped:
            click.echo(f"{done.skipped} masks were there already, and were left out")
        if done.new_labels:
            click.echo(f"new labels: {', '.join(done.new_labels)}")
        for sentence in said:
            click.echo(sentence)
    if found.unknown:
        click.echo(f"tamis: {file}: {_unknown(folder, found.unknown)}", err=True)
    return 1 if found.unknown or found.unreadable or found.problems else 0


def _unknown(folder: Path, names: Sequence[str]) -> str:
    return f"{len(names)} images are not in {folder}, such as {names[0]}"

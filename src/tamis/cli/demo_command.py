"""`tamis demo`: a page of masks, for a first look."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from tamis.cli.annotate_command import Listening, account, annotate
from tamis.cli.options import model_option
from tamis.errors import InputError
from tamis.image import find_images, read_image
from tamis.jobs.demo import make_demo, save_photographs
from tamis.results.run import require_folder
from tamis.segmentors import load_segmentor


@click.command(name="demo")
@click.argument("images", metavar="[IMAGE...]", nargs=-1)
@click.option(
    "--out", metavar="DIR", default="demo", show_default=True, type=click.Path(path_type=Path), help="Where to write."
)
@model_option
@click.option(
    "--annotate",
    "then_annotate",
    is_flag=True,
    help="Then open the photographs in the annotator, if there is a terminal and a display.",
)
def command(images: tuple[str, ...], out: Path, segmentor: str, then_annotate: bool) -> int:
    """Make a page of masks from four sample photographs and your own.

    An image that cannot be read is named and left out, and the exit code is 1.

    \b
    tamis demo
    tamis demo holiday.jpg --out look
    """
    given = find_images(images)
    require_folder(out)
    paths = list(_readable(given))
    for shown in make_demo(out, load_segmentor(segmentor), paths):
        click.echo(
            f"{shown.name:16} encoded in {shown.encode_seconds:.2f} s, {shown.masks} masks in "
            f"{shown.masks_seconds:.2f} s, one click {shown.click_seconds * 1000:.1f} ms"
        )
    click.echo(f"look at {(out / 'index.html').resolve()}")
    if then_annotate:
        photographs = out / "photographs"
        save_photographs(photographs, paths)
        if somebody_is_there(os.environ, sys.stdin.isatty() and sys.stdout.isatty(), sys.platform):
            annotate(photographs, ["object"], segmentor, Listening(), user=account())
        else:
            click.echo(f"annotate the photographs with: tamis annotate {photographs}")
    return 0 if len(paths) == len(given) else 1


def _readable(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        try:
            read_image(path)
        except InputError as error:
            click.echo(f"tamis: {error}", err=True)
        else:
            yield path


def somebody_is_there(environment: Mapping[str, str], terminal: bool, platform: str) -> bool:
    """Whether a page can be opened and seen.

    Args:
        environment: DEMO=headless says no, and so does CI.
        terminal: the program runs in one.
        platform: as in `sys.platform`; Linux says in the environment whether there is a screen.
    """
    if not terminal or environment.get("DEMO") == "headless" or environment.get("CI"):
        return False
    return platform in ("darwin", "win32") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))

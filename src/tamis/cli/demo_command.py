"""`tamis demo`: a page of masks, for a first look."""

from pathlib import Path

import click

from tamis.cli.options import segmentor_option
from tamis.demo import make_demo
from tamis.image import find_images
from tamis.runs import require_folder
from tamis.segmentors import load_segmentor


@click.command(name="demo")
@click.argument("images", metavar="[IMAGE...]", nargs=-1)
@click.option(
    "--out", metavar="DIR", default="demo", show_default=True, type=click.Path(path_type=Path), help="Where to write."
)
@segmentor_option
def command(images: tuple[str, ...], out: Path, segmentor: str) -> None:
    """Make a page of masks from four sample photographs and your own.

    \b
    tamis demo
    tamis demo holiday.jpg --out look
    """
    paths = find_images(images)
    require_folder(out)
    for shown in make_demo(out, load_segmentor(segmentor), paths):
        click.echo(
            f"{shown.name:16} encoded in {shown.encode_seconds:.2f} s, {shown.masks} masks in "
            f"{shown.masks_seconds:.2f} s, one click {shown.click_seconds * 1000:.0f} ms"
        )
    click.echo(f"look at {(out / 'index.html').resolve()}")

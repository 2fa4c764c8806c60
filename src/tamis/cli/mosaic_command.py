"""`tamis mosaic`: textures side by side with exact truth."""

from pathlib import Path

import click

from tamis.cli.options import model_option
from tamis.image import find_images
from tamis.jobs.mosaic import write_mosaics
from tamis.segmentors import load_segmentor


@click.command(name="mosaic")
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for the results."
)
@click.option(
    "--images", metavar="PATH", multiple=True, help="A file, folder or pattern of textures; several may be given."
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), default=3, show_default=True, help="Mosaics.")
@click.option(
    "--patches", metavar="P", type=click.IntRange(2, 255), default=5, show_default=True, help="Textures in each."
)
@model_option
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed.")
def command(out: Path, images: tuple[str, ...], count: int, patches: int, segmentor: str, seed: int) -> None:
    """Compose mosaics of textures, whose masks are known exactly, and show what a model predicts for them.

    \b
    tamis mosaic --out mosaics/
    tamis mosaic --out mosaics/ --images textures/ --patches 8
    """
    paths = find_images(images) if images else []
    for number, iou in enumerate(write_mosaics(out, load_segmentor(segmentor), paths, count, patches, seed)):
        click.echo(f"mosaic {number}: mIoU {iou:.3f} of a click in the middle of each patch")
    click.echo(f"look at {(out / 'index.html').resolve()}")

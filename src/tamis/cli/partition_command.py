"""`tamis partition`: one image in as few or as many regions as one likes."""

from pathlib import Path

import click

from tamis.cli.options import ListType, json_option, max_pixels_option, model_option, positive, print_json
from tamis.jobs.partition import write_partitions
from tamis.partition.nested import METHODS
from tamis.segmentors import load_segmentor


@click.command(name="partition")
@click.argument("image", metavar="IMAGE", type=click.Path(path_type=Path))
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for the results."
)
@click.option(
    "--regions",
    metavar="LIST",
    type=ListType(positive, "numbers such as 2,5,12,40"),
    default="2,5,12,40",
    show_default=True,
    help="Numbers of segments.",
)
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="linkage",
    show_default=True,
    help="Hierarchical clustering: average linkage, or normalised cuts.",
)
@model_option
@max_pixels_option
@json_option
def command(
    image: Path, out: Path, regions: tuple[int, ...], method: str, segmentor: str, max_pixels: int, as_json: bool
) -> None:
    """Partition IMAGE into K segments, for every K at once, and make a page with a slider.

    \b
    tamis partition photo.jpg --out regions/
    tamis partition photo.jpg --out regions/ --regions 3,30,300 --method spectral
    """
    written = write_partitions(image, out, load_segmentor(segmentor), regions, method, max_pixels)
    if as_json:
        print_json({"superpixels": written.superpixels, "regions": list(written.counts), "page": str(written.page)})
        return
    said = ", ".join(map(str, written.counts))
    click.echo(f"{written.superpixels} superpixels in {said} regions; look at {written.page.resolve()}")

"""`tamis partition`: one image in as few or as many regions as one likes."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from tamis.cli.options import (
    ListType,
    executor_for,
    json_option,
    max_pixels_option,
    model_option,
    positive,
    print_json,
    ray_option,
    workers_option,
)
from tamis.cli.progress import progress_bar
from tamis.image import find_images
from tamis.jobs.partition import PartitionOutcome, write_all_partitions, write_partitions
from tamis.partition.nested import METHODS
from tamis.segmentors import load_segmentor


@click.command(name="partition")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
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
@workers_option
@ray_option
@max_pixels_option
@json_option
def command(
    images: tuple[str, ...],
    out: Path,
    regions: tuple[int, ...],
    method: str,
    segmentor: str,
    workers: int | None,
    ray: str | None,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Partition IMAGE into K segments, for every K at once, and make a page with a slider.

    Of several images, folders or patterns each has a folder in --out.

    \b
    tamis partition photo.jpg --out regions/
    tamis partition photo.jpg --out regions/ --regions 3,30,300 --method spectral
    """
    if len(images) > 1 or not Path(images[0]).exists() or Path(images[0]).is_dir():
        paths = find_images(images, [out])
        executor = executor_for(workers, ray)
        steps = write_all_partitions(paths, out, load_segmentor(segmentor), regions, method, max_pixels, executor)
        with closing(steps):
            return _several(steps, len(paths), out, as_json)
    image = Path(images[0])
    written = write_partitions(image, out, load_segmentor(segmentor), regions, method, max_pixels)
    if as_json:
        print_json({"superpixels": written.superpixels, "regions": list(written.counts), "page": str(written.page)})
        return 0
    said = ", ".join(map(str, written.counts))
    click.echo(f"{written.superpixels} superpixels in {said} regions; look at {written.page.resolve()}")
    return 0


def _several(steps: Iterator[PartitionOutcome], count: int, out: Path, as_json: bool) -> int:
    """Follow many images, and say what became of them."""
    finished = []
    with progress_bar(as_json) as bar:
        task = bar.add_task("partitioning", total=count)
        for step in steps:
            finished.append(step)
            bar.update(task, advance=1)
    failed = [step for step in finished if step.error]
    if as_json:
        print_json(
            [
                {
                    "image": str(step.path),
                    "superpixels": step.written and step.written.superpixels,
                    "regions": list(step.written.counts) if step.written else [],
                    "page": step.written and str(step.written.page),
                    "error": step.error,
                }
                for step in finished
            ]
        )
    else:
        click.echo(f"{count - len(failed)} partitioned; results in {out}")
    for step in failed:
        click.echo(f"tamis: {step.error}", err=True)
    if not failed:
        return 0
    return 1 if len(failed) < len(finished) else 2

"""`tamis click`: the mask under one or more clicks."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from tamis.cli.options import ClickType, json_option, max_pixels_option, print_json, segmentor_option, tiles_option
from tamis.clicks import Click, require_inside
from tamis.errors import InputError
from tamis.image import read_image, write_image
from tamis.mask import Masks
from tamis.picture import heat
from tamis.segmentors import load_segmentor
from tamis.segmentors.closeup import CloseUp
from tamis.segmentors.tiled import Tiled


@click.command(name="click")
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--at",
    "clicks",
    type=ClickType(),
    multiple=True,
    required=True,
    help="A click in pixels from the top-left corner; may be given several times, also negative.",
)
@segmentor_option
@click.option("--refine", is_flag=True, help="Look again at the part around a small mask, at its own resolution.")
@tiles_option
@click.option("--out", metavar="PNG", type=click.Path(path_type=Path), help="Write the mask: 255 inside, 0 outside.")
@click.option(
    "--probability",
    "probability_out",
    metavar="PNG",
    type=click.Path(path_type=Path),
    help="Write P(pixel in mask | clicks): 0 to 255.",
)
@max_pixels_option
@json_option
def command(
    image: Path,
    clicks: tuple[Click, ...],
    segmentor: str,
    refine: bool,
    tiles: int | None,
    out: Path | None,
    probability_out: Path | None,
    max_pixels: int,
    as_json: bool,
) -> None:
    """Segment what is under one or more clicks of IMAGE.

    Writes the mask with --out; otherwise prints its area, its box and its share of the image.

    \b
    tamis click photo.jpg --at 320,240 --out mask.png
    tamis click photo.jpg --at 320,240 --at 100,80,- --json
    """
    _require_apart({"IMAGE": image, "--out": out, "--probability": probability_out})
    pixels = read_image(image, max_pixels)
    require_inside(clicks, pixels.shape[:2])
    model = load_segmentor(segmentor)
    if refine and tiles is not None:
        raise click.UsageError("--refine and --tiles are two ways to look again: leave out one")
    if refine:
        model = CloseUp(model)
    if tiles is not None:
        model = Tiled(model, tiles)
    probability = model.encode(pixels).probability(clicks)
    mask = probability > 0.5
    if out is not None:
        write_image(out, mask)
    if probability_out is not None:
        write_image(probability_out, heat(probability))
    masks = Masks.from_dense(mask[None])
    area, box = int(masks.areas[0]), masks.coco_boxes[0].tolist()
    height, width = mask.shape
    if as_json:
        rle = masks.coco()[0]
        print_json(
            {
                "image": str(image),
                "width": width,
                "height": height,
                "segmentor": segmentor,
                "clicks": [{"x": c.x, "y": c.y, "positive": c.positive} for c in clicks],
                "area": area,
                "bbox": box,
                "share": area / mask.size,
                "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
                "out": str(out) if out else None,
                "probability": str(probability_out) if probability_out else None,
            }
        )
        return
    for file in filter(None, (out, probability_out)):
        click.echo(f"wrote {file}")
    if out is None:
        x, y, w, h = box
        click.echo(f"area   {area:,} of {mask.size:,} pixels, {area / mask.size:.1%} of the image")
        click.echo(f"box    x {x}, y {y}, {w} wide, {h} high" if area else "box    none: the mask is empty")


def _require_apart(files: Mapping[str, Path | None]) -> None:
    """Make sure that no file is written over another."""
    seen: dict[str, str] = {}
    for name, file in files.items():
        if file is not None:
            other = seen.setdefault(os.path.realpath(file), name)
            if other != name:
                raise InputError(f"{name} {file}: is the same file as {other}; choose another name")

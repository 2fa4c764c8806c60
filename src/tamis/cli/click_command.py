"""`tamis click`: the mask under one or more clicks."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from tamis.arrays import ProbabilityArray
from tamis.cli.options import (
    BoxType,
    ClickType,
    RenamedOption,
    json_option,
    max_pixels_option,
    model_option,
    print_json,
    tiles_option,
)
from tamis.clicks import Box, Click, require_inside
from tamis.errors import InputError
from tamis.image import read_image, write_image
from tamis.mask import Masks
from tamis.render.overlays import heat
from tamis.segmentors import GivesChoices, Segmentor, load_segmentor
from tamis.segmentors.prompts import answer_to
from tamis.segmentors.wrappers.tiled import Tiled
from tamis.segmentors.wrappers.zoomed import CloseUp


@click.command(name="click")
@click.argument("image", type=click.Path(path_type=Path))
@click.option(
    "--at",
    "clicks",
    type=ClickType(),
    multiple=True,
    help="A click in pixels from the top-left corner; may be given several times, also negative.",
)
@click.option("--box", type=BoxType(), help="A box around the object; clicks are then answered within it.")
@model_option
@click.option(
    "--zoom",
    "refine",
    cls=RenamedOption,
    old=["--refine"],
    is_flag=True,
    help="Encode a crop around a small mask again, at its own resolution, and average both predictions.",
)
@tiles_option
@click.option(
    "--multimask",
    "choices",
    cls=RenamedOption,
    old=["--choices"],
    is_flag=True,
    help="Write every mask that the model has for the prompt, from part to whole, with its predicted IoU.",
)
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
    box: Box | None,
    segmentor: str,
    refine: bool,
    tiles: int | None,
    choices: bool,
    out: Path | None,
    probability_out: Path | None,
    max_pixels: int,
    as_json: bool,
) -> None:
    """Segment what is under one or more clicks of IMAGE, or in a box.

    Writes the mask with --out; otherwise prints its area, its box and its share of the image. With --multimask the
    masks go to files numbered from 1, the finest first, each with its predicted IoU.

    \b
    tamis click photo.jpg --at 320,240 --out mask.png
    tamis click photo.jpg --at 320,240 --at 100,80,- --json
    tamis click photo.jpg --at 320,240 --multimask --out mask.png
    tamis click photo.jpg --box 100,80,420,360 --out mask.png
    """
    if not clicks and box is None:
        raise click.UsageError("say what to segment: give --at X,Y or --box L,T,R,B")
    if box is not None and (choices or refine or tiles is not None):
        raise click.UsageError("--box gives one mask at once: leave out --multimask, --zoom and --tiles")
    files = [Files(out, probability_out)]
    _require_apart(image, files)
    pixels = read_image(image, max_pixels)
    require_inside(clicks, pixels.shape[:2])
    encoded = _looking(load_segmentor(segmentor), refine, tiles).encode(pixels)
    if not choices:
        answers, rated = answer_to(encoded, clicks, box)[None], None
    elif isinstance(encoded, GivesChoices):
        answers, rated = encoded.choices(clicks)
        files = [files[0].numbered(number + 1) for number in range(len(answers))]
        _require_apart(image, files)
    else:
        raise click.UsageError("this model has one mask for each prompt: leave out --multimask")
    for probability, file in zip(answers, files, strict=True):
        file.write(probability)
    masks = Masks.from_dense(answers > 0.5)
    told = [_measured(masks[number : number + 1]) for number in range(len(masks))]
    if rated is not None:
        told = [{**each, "score": round(iou, 4)} for each, iou in zip(told, rated.tolist(), strict=True)]
    if as_json:
        height, width = masks.shape
        asked = [{"x": c.x, "y": c.y, "positive": c.positive} for c in clicks]
        head = {"image": str(image), "width": width, "height": height, "segmentor": segmentor, "clicks": asked}
        if box is not None:
            head["box"] = list(box)
        every = [{**each, **file.named()} for each, file in zip(told, files, strict=True)]
        print_json({**head, "choices": every} if choices else {**head, **every[0]})
        return
    for file, each in zip(files, told, strict=True):
        worth = f", predicted IoU {each['score']:.2f}" if choices else ""
        for written in file.all():
            click.echo(f"wrote {written}{worth}")
        if file.mask is None:
            x, y, w, h = each["bbox"]
            click.echo(
                f"area   {each['area']:,} of {pixels[:, :, 0].size:,} pixels, {each['share']:.1%} of the image{worth}"
            )
            click.echo(f"box    x {x}, y {y}, {w} wide, {h} high" if each["area"] else "box    none: the mask is empty")


class Files(NamedTuple):
    """Where an answer goes."""

    mask: Path | None
    probability: Path | None

    def all(self) -> list[Path]:
        """Those that are wanted."""
        return [file for file in self if file is not None]

    def named(self) -> dict[str, str | None]:
        """As the JSON tells them."""
        return {
            "out": str(self.mask) if self.mask else None,
            "probability": str(self.probability) if self.probability else None,
        }

    def numbered(self, number: int) -> "Files":
        """The files of one of several answers: mask.png becomes mask-1.png."""
        return Files(*(file and file.with_stem(f"{file.stem}-{number}") for file in self))

    def write(self, probability: ProbabilityArray) -> None:
        """Write what is wanted of an answer (H, W)."""
        if self.mask is not None:
            write_image(self.mask, probability > 0.5)
        if self.probability is not None:
            write_image(self.probability, heat(probability))


def _looking(model: Segmentor, refine: bool, tiles: int | None) -> Segmentor:
    """The segmentor as it is to look at the image."""
    if refine and tiles is not None:
        raise click.UsageError("--zoom and --tiles both encode parts of the image: leave out one")
    if refine:
        return CloseUp(model)
    return model if tiles is None else Tiled(model, tiles)


def _measured(masks: Masks) -> dict[str, Any]:
    """What is told of a mask, one of `masks`."""
    area, rle = int(masks.areas[0]), masks.coco()[0]
    height, width = masks.shape
    return {
        "area": area,
        "bbox": masks.coco_boxes[0].tolist(),
        "share": area / (height * width),
        "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
    }


def _require_apart(image: Path, files: Sequence[Files]) -> None:
    """Make sure that no file is written over another."""
    seen = {os.path.realpath(image): "IMAGE"}
    for mask, probability in files:
        for name, file in (("--out", mask), ("--probability", probability)):
            if file is not None and (other := seen.setdefault(os.path.realpath(file), name)) != name:
                raise InputError(f"{name} {file}: is the same file as {other}; choose another name")

"""`tamis semantic show-pipeline`: every step of the training pipeline as a picture."""

from pathlib import Path

import click

from tamis.semantic.data.class_tables import named_class_table
from tamis.semantic.data.dataset import SemanticDataset
from tamis.semantic.data.pipeline import RandomScale, RandomShortSide, TrainTransform
from tamis.semantic.pipeline_page import write_pipeline_page

RESIZES: dict[str, RandomScale | RandomShortSide] = {"range": RandomScale(), "short-side": RandomShortSide()}


@click.command(name="show-pipeline")
@click.argument("image", metavar="IMAGE", type=click.Path(path_type=Path))
@click.argument("label", metavar="LABEL", type=click.Path(path_type=Path))
@click.option("--out", metavar="PAGE", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
@click.option(
    "--classes",
    metavar="TABLE",
    default="ade20k",
    show_default=True,
    help="What the labels mean: ade20k, camvid, cityscapes, cityscapes-ids, pascal-voc, or a classes.txt or .json.",
)
@click.option(
    "--resize",
    type=click.Choice(list(RESIZES)),
    default="range",
    show_default=True,
    help="How the size is drawn: between .5 and 2 times 2048 by 512, or Mask2Former's sixteen short sides.",
)
@click.option(
    "--crop", metavar="PX", type=click.IntRange(min=8), default=512, show_default=True, help="Sides of the crop."
)
@click.option("--passes", metavar="N", type=click.IntRange(1, 100), default=1, show_default=True, help="How many.")
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed.")
def command(image: Path, label: Path, out: Path, classes: str, resize: str, crop: int, passes: int, seed: int) -> None:
    """Draw every step of the training pipeline for an image and its label map.

    \b
    tamis semantic show-pipeline street.jpg street.png --out page.html
    tamis semantic show-pipeline frame.jpg frame.png --classes camvid --passes 4 --out page.html
    """
    table = named_class_table(classes)
    dataset = SemanticDataset.of_files(classes, table, [(image, label)])
    settings = TrainTransform(RESIZES[resize], (crop, crop))
    count = write_pipeline_page(out, dataset, 0, settings, seed, passes)
    click.echo(f"{count} pictures; look at {out.resolve()}")

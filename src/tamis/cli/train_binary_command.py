"""`tamis train binary`: a network of one concept, the supervised baseline; needs the extra `train`."""

import json
from importlib.util import find_spec
from pathlib import Path

import click

from tamis.cli.options import print_table
from tamis.datasets import Dataset, open_dataset
from tamis.datasets.concept import of_concept
from tamis.errors import InputError, UnavailableError


@click.command(name="binary")
@click.option(
    "--model",
    type=click.Choice(["deeplabv3-mobilenet", "regions"]),
    default="deeplabv3-mobilenet",
    show_default=True,
    help="A network of pixels, or a light head on the model in the box.",
)
@click.option("--data", metavar="NAME=ROOT[:SPLIT]", required=True, help="The dataset to train on.")
@click.option("--test", metavar="NAME=ROOT[:SPLIT]", required=True, help="The dataset to measure on.")
@click.option("--concept", metavar="CLASS", help="One class of both, by name or number.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option(
    "--start",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The COCO checkpoint of torchvision; without, training begins from scratch.",
)
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True, help="Epochs.")
@click.option("--steps", type=click.IntRange(0), default=0, help="Train for N steps instead of --epochs.")
@click.option(
    "--size", type=click.IntRange(32), default=256, show_default=True, help="Side of training images in pixels."
)
@click.option("--batch", type=click.IntRange(2), default=42, show_default=True, help="Batch size.")
@click.option("--lr", type=float, default=1e-3, show_default=True, help="Learning rate of Adam.")
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--resume", is_flag=True, help="Resume from the last epoch in --out.")
def command(
    model: str,
    data: str,
    test: str,
    concept: str | None,
    out: Path,
    start: Path | None,
    epochs: int,
    steps: int,
    size: int,
    batch: int,
    lr: float,
    seed: int,
    device: str,
    resume: bool,
) -> None:
    """Train a network that segments one concept, and measure it: loss, MAE, MSE and IoU.

    \b
    tamis train binary --data ndd20=NDD20:below-train --test ndd20=NDD20:below-test --out runs/dolphins
    tamis simulate --dataset ndd20 --root NDD20 --policy given --masks runs/dolphins/masks --out runs/corrected
    """
    if find_spec("torch") is None:
        raise UnavailableError("training needs torch: run pip install 'tamis[train]'")
    from tamis.training.binary.train import BinaryJob, train_binary

    if start is not None and not start.is_file():
        raise InputError(f"--start {start}: there is no such file")
    if model == "regions":
        _regions(_opened(data, "--data", concept), _opened(test, "--test", concept), out)
        return
    job = BinaryJob(
        _opened(data, "--data", concept),
        _opened(test, "--test", concept),
        out,
        start,
        epochs,
        size,
        batch,
        lr,
        seed,
        device,
        resume,
        steps,
    )
    click.echo(f"{model}, {'from ' + str(start) if start else 'from scratch: no --start with weights of COCO'}")
    for sentence in train_binary(job):
        click.echo(sentence)
    _print(out, size)


def _regions(train: Dataset, test: Dataset, out: Path) -> None:
    from tamis.segmentors import load_segmentor
    from tamis.training.binary.regions import train_regions

    for sentence in train_regions(load_segmentor("embedded"), train, test, out):
        click.echo(sentence)
    _print(out, 0)


def _print(out: Path, size: int) -> None:
    heads = {"square": f"at {size} × {size}", "actual": "at actual size", "whole": "looking at actual size"}
    print_table(
        (
            heads[way],
            f"loss {each['loss']:.5f}",
            f"MAE {each['mae']:.3f}",
            f"MSE {each['mse']:.3f}",
            f"MAE of probabilities {each['mae_probability']:.4f}",
            f"IoU {each['iou']:.4f}",
        )
        for way, each in json.loads((out / "test.json").read_bytes())["mean"].items()
    )


def _opened(text: str, option: str, concept: str | None) -> Dataset:
    name, equals, rest = text.partition("=")
    if not equals or not rest:
        raise InputError(f"{option} {text!r} must read NAME=ROOT or NAME=ROOT:SPLIT")
    root, colon, split = rest.rpartition(":")
    place, part = (Path(root), split) if colon and not Path(rest).exists() else (Path(rest), None)
    opened = open_dataset(name, place, part)
    return opened if concept is None else of_concept(opened, concept)

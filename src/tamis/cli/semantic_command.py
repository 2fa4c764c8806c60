"""`tamis semantic`: a class for every pixel; finds the sub-command and loads only that."""

import click

from tamis.cli.lazy import LazyGroup

PARTS = {
    "train": "Train a network, by a recipe.",
    "evaluate": "Measure a trained network on a dataset.",
    "predict": "Write the classes of images as label maps and pictures.",
    "recipes": "List the recipes, or all that one sets.",
    "pull": "Fetch pre-trained weights.",
    "show-pipeline": "Draw every step of the training pipeline for an image.",
    "subset": "Link a part of a dataset, for experiments that take less time.",
    "scores": "Collect the published figures of README files and metafiles in one table.",
}
"""Each is `command` in the module tamis.cli.semantic.NAME; its help stands here so that nothing need be loaded."""


@click.group(name="semantic", cls=LazyGroup, parts=PARTS, module="tamis.cli.semantic.{}")
def command() -> None:
    """Semantic segmentation: train, evaluate and predict by published protocols."""

"""`tamis semantic`: a class for every pixel; finds the sub-command and loads only that."""

from importlib import import_module

import click

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


class LazyParts(click.Group):
    """A group that imports a sub-command only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        return list(PARTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a sub-command."""
        if cmd_name not in PARTS:
            return None
        part: click.Command = import_module(f"tamis.cli.semantic.{cmd_name.replace('-', '_')}").command
        return part

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(PARTS.items()))


@click.group(name="semantic", cls=LazyParts)
def command() -> None:
    """Give every pixel a class, by the rules of published figures."""

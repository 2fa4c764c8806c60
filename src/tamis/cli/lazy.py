"""Groups of commands that import one only when it runs, so that help is quick."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are `command` in modules of their own.

    Args:
        parts: one line of help for each name, in the order in which people need them; it stands here so that nothing
            need be loaded.
        module: of a command, with {} for its name, in which hyphens are underscores.
    """

    def __init__(self, *arguments: Any, parts: Mapping[str, str], module: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parts = parts
        self.module = module

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names."""
        return list(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command."""
        if cmd_name not in self.parts:
            return None
        command: click.Command = import_module(self.module.format(cmd_name.replace("-", "_"))).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.parts.items()))

"""What mkdocs asks for while it builds the site: the page of commands, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

import click

from tamis.cli.main import cli

PLACE = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help of every command where the page has its place for it."""
    return markdown.replace(PLACE, "\n".join(_pages(cli, "tamis"))) if PLACE in markdown else markdown


def _pages(command: click.Command, name: str, level: int = 2) -> Iterator[str]:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    yield f"{'#' * min(level, 4)} `{name}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            assert found is not None
            yield from _pages(found, f"{name} {part}", level + 1)

"""What several sub-commands share: option types, options, and printing for people or programs."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click
from rich.cells import cell_len

from tamis.cli.consent import offer_weights
from tamis.clicks import Box, Click
from tamis.image import MAX_PIXELS
from tamis.segmentors.registry import DEFAULT

if TYPE_CHECKING:
    from tamis.scale.running import Executor

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_CLICK = re.compile(rf"\s*({_NUMBER})\s*,\s*({_NUMBER})\s*(?:,\s*([-+]))?\s*")
_NUMBERED = re.compile(r"[-+]?[\d,.]+|–")
_BOX = re.compile(r"\s*,\s*".join([rf"\s*({_NUMBER})\s*"] * 4))


class ClickType(click.ParamType[Click]):
    """X,Y or X,Y,+ for a positive click, X,Y,- for a negative one."""

    name = "X,Y[,-]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Click:
        """Parse a click."""
        if isinstance(value, Click):
            return value
        match = _CLICK.fullmatch(value)
        if match is None:
            self.fail(
                f"'{value}' is no click: write X,Y in pixels, or X,Y,- for a negative one, such as 320,240", param
            )
        return Click(float(match[1]), float(match[2]), match[3] != "-")


Item = TypeVar("Item")


class ListType(click.ParamType[tuple[Item, ...]], Generic[Item]):
    """A,B,C: values between commas, each once, in the order given.

    Args:
        read: one value from its text; ValueError where it is none.
        example: for the message, such as "numbers such as 1,2".
    """

    name = "LIST"

    def __init__(self, read: Callable[[str], Item], example: str) -> None:
        self.read = read
        self.example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Item, ...]:
        """Parse a list."""
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(dict.fromkeys(self.read(part.strip()) for part in str(value).split(",") if part.strip()))
        except ValueError:
            found = ()
        if not found:
            self.fail(f"'{value}' is no list of {self.example}", param)
        return found


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def share(text: str) -> float:
    """A number between 0 and 1."""
    number = float(text)
    if not 0 < number < 1:
        raise ValueError(text)
    return number


class BoxType(click.ParamType[Box]):
    """L,T,R,B: left, top, right and bottom of a box."""

    name = "L,T,R,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Box:
        """Parse a box."""
        if isinstance(value, tuple):
            return value
        match = _BOX.fullmatch(value)
        if match is None:
            self.fail(f"'{value}' is no box: write left,top,right,bottom in pixels, such as 100,80,420,360", param)
        left, top, right, bottom = (float(number) for number in match.groups())
        return left, top, right, bottom


class RenamedOption(click.Option):
    """An option that still answers to the names that it had; help tells the new one alone.

    Args:
        old: those names.
    """

    def __init__(self, *arguments: Any, old: Sequence[str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.old = old

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser know all names."""
        shown = self.opts
        self.opts = [*shown, *self.old]
        super().add_to_parser(parser, ctx)
        self.opts = shown


model_option = click.option(
    "--model",
    "segmentor",
    cls=RenamedOption,
    old=["--segmentor"],
    metavar="NAME",
    default=DEFAULT,
    show_default=True,
    callback=offer_weights,
    help="The model: a name from `tamis models`, or package.module:factory.",
)

max_pixels_option = click.option(
    "--max-pixels",
    metavar="N",
    type=click.IntRange(min=1),
    default=MAX_PIXELS,
    show_default=True,
    help="Refuse images with more pixels than this.",
)

tiles_option = click.option(
    "--tiles",
    metavar="PX",
    type=click.IntRange(min=64),
    help="Also process large images in overlapping tiles of PX × PX pixels, for small objects.",
)

MOST_WORKERS = 100_000

workers_option = click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, MOST_WORKERS),
    show_default="1, with --ray all of the cluster",
    help="Processes.",
)

ray_option = click.option(
    "--ray",
    metavar="ADDRESS",
    help="Work on the Ray cluster at ADDRESS (HOST:PORT, auto), or on one that is started here: local.",
)


def executor_for(workers: int | None, ray: str | None) -> "Executor":
    """Who works, by these two options; let go of when the command ends."""
    from tamis.scale.executors import executor_of

    executor = executor_of(workers, ray)
    click.get_current_context().call_on_close(executor.close)
    return executor


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def print_table(rows: Iterable[Sequence[object]]) -> None:
    """Print rows with their columns aligned, numbers to the right; as wide as they are, for pipes as for terminals."""
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    right = [all(_NUMBERED.fullmatch(cell) for cell in column) for column in columns]
    for row in cells:
        padded = [
            " " * (width - cell_len(cell)) + cell if number else cell + " " * (width - cell_len(cell))
            for cell, width, number in zip(row, widths, right, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())


def print_json(value: Any) -> None:
    """Print a value for programs to read, in ASCII alone, which every terminal and pipe takes."""
    click.echo(json.dumps(value, indent=2))

"""The docs keep up with the program."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tamis.cli.lazy import LazyGroup
from tamis.cli.main import COMMANDS, cli
from tamis.segmentors import protocol

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_that_names_all_its_options(name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert f"`tamis {name}" in page
    assert isinstance(cli, LazyGroup)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = list(options_of(command))
    for option in options:
        assert any(f"`{flag}" in page for flag in option.opts), f"docs/{name}.md says nothing of {option.opts}"
    for flag in re.findall(r"^\| `(--[a-z-]+)", page, flags=re.MULTILINE):
        assert any(flag in option.opts for option in options), f"docs/{name}.md: there is no {flag}"


def options_of(command: click.Command) -> Iterator[click.Option]:
    """The options of a command and of its sub-commands."""
    yield from (parameter for parameter in command.params if isinstance(parameter, click.Option))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            assert part is not None
            yield from options_of(part)


def test_every_link_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)|src=\"([^\"]+)\"", page.read_text(encoding="utf-8")):
            place = page.parent / (target[0] or target[1])
            assert place.exists(), f"{page.name} links to {place}"


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"(?:^|`)make ([a-z]+)\b", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
            assert target in targets, f"{page.name}: there is no make {target}"


def test_help_points_at_no_file_that_is_not_installed() -> None:
    assert isinstance(cli, LazyGroup)
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        texts = [command.help or "", *(option.help or "" for option in options_of(command))]
        assert not re.search(r"\b(docs|benchmarks|examples)/", " ".join(texts)), name


def test_architecture_names_every_room_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Rooms")[2].partition("\n\n`regions/`")[0]
    named = {
        name.rstrip("/")
        for row in re.findall(r"^\| (`.+?`) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`(.+?)`", row)
    }
    package = ROOT / "src" / "tamis"
    rooms = {path.name for path in package.iterdir() if (path / "__init__.py").is_file() or path.suffix == ".py"}
    assert named == rooms - {"__init__.py", "__main__.py", "weights"}


def test_architecture_names_every_ability() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    abilities = {name for name, each in vars(protocol).items() if getattr(each, "_is_protocol", False)}
    for name in abilities - {"Protocol", "Segmentor", "EncodedImage", "HasSegmentor", "HasWeights"}:
        assert f"`{name}`" in page, name

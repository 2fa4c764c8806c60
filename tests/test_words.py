"""Help, messages, page and docs speak the field's words: docs/glossary.md has them, and those that are not used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tamis.cli.main import cli

ROOT = Path(__file__).parent.parent
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
RETIRED = re.findall(r"^- “(.+?)”", GLOSSARY, flags=re.MULTILINE)
WORDS = re.compile(rf"(?<![\w-])({'|'.join(re.escape(word.casefold()) for word in RETIRED)})(?![\w-])")
WEB = ROOT / "src" / "tamis" / "server" / "web"


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Context]]:
    context = click.Context(command, info_name=name, color=False, terminal_width=200)
    yield name, context
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            assert found is not None
            yield from commands(found, f"{name} {part}")


def test_there_are_words_that_are_not_used_any_more() -> None:
    assert len(RETIRED) > 20


@pytest.mark.parametrize(("name", "context"), [pytest.param(*each, id=each[0]) for each in commands(cli, "tamis")])
def test_help_has_none_of_them(name: str, context: click.Context) -> None:
    assert not used_in(context.command.get_help(context)), name


@pytest.mark.parametrize("file", [*sorted(WEB.glob("*.js")), WEB / "index.html"], ids=lambda file: file.name)
def test_the_page_has_none_of_them(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".js":
        code = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
        found = [one or other for one, other in re.findall(r"'((?:[^'\\\n]|\\.)*)'|`([^`]*)`", code)]
        shown = [each for each in found if not re.fullmatch(r"[a-z./#_-]*", each)]  # the rest are names in code
    else:
        shown = [*re.findall(r">([^<]+)<", text), *re.findall(r'(?:label|placeholder|title)="([^"]+)"', text)]
    assert not used_in("\n".join(shown))


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_no_page_of_the_docs_has_them(page: Path) -> None:
    if page.name != "glossary.md":
        assert not used_in(page.read_text(encoding="utf-8"))


def test_no_message_has_them() -> None:
    """What programs say is in their strings; docstrings of the code itself are not held to this."""
    for file in sorted((ROOT / "src").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if not used_in(text):
            continue
        tree = ast.parse(text)
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                old_option = node.value.startswith("--")
                assert old_option or not used_in(node.value), f"{file}:{node.lineno}"


def used_in(text: str) -> list[str]:
    return [found.group() for found in WORDS.finditer(" ".join(text.split()).casefold())]


def test_every_old_name_of_an_option_still_works() -> None:
    old = {
        f"{name} {flag}"
        for name, context in commands(cli, "tamis")
        for parameter in context.command.params
        for flag in getattr(parameter, "old", [])
    }
    assert {
        "tamis click --segmentor",
        "tamis click --refine",
        "tamis click --choices",
        "tamis segment --protocol",
        "tamis segment --levels",
        "tamis evaluate zero-shot --refine",
        "tamis semantic evaluate --several",
    } <= old
    for each in old:
        *path, flag = each.split()
        command: click.Command = cli
        for part in path[1:]:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), part)
            assert found is not None
            command = found
        parser = command.make_parser(click.Context(command))
        assert flag in parser._long_opt

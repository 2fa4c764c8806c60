import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import tamis as package
from tamis.cli import main as module

Tamis = Callable[..., tuple[int, str, str]]

HEAVY = {"torch", "cv2", "scipy", "skimage", "matplotlib", "fastapi", "numpy", "PIL", "rich"}


@pytest.mark.parametrize("statement", ["import tamis", "from tamis.cli.main import main; main(['--help'])"])
def test_nothing_heavy_is_loaded_before_it_is_needed(statement: str) -> None:
    code = f"""
import sys
try:
    {statement}
except SystemExit:
    pass
print("LOADED", *({HEAVY!r} & set(sys.modules)))
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1].strip() == "LOADED"


def test_help_names_every_command(tamis: Tamis) -> None:
    code, out, _ = tamis("--help")
    assert code == 0
    for name, summary in module.COMMANDS.items():
        assert name in out
        assert summary in out


@pytest.mark.parametrize("name", module.COMMANDS)
def test_every_command_exists_and_has_help(tamis: Tamis, name: str) -> None:
    code, out, _ = tamis(name, "--help")
    assert code == 0
    assert f"Usage: tamis {name}" in out


def test_every_command_takes_the_options_that_it_has() -> None:
    for name, command in every(module.cli, "tamis"):
        parameters = inspect.signature(inspect.unwrap(command.callback)).parameters if command.callback else {}
        if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            assert {each.name for each in command.params if each.expose_value} == {*parameters} - {"context"}, name


def every(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            assert found is not None
            yield from every(found, f"{name} {part}")


@pytest.mark.parametrize("name", ["写.jpg", "caf\udce9.jpg"])
@pytest.mark.slow
def test_names_that_cannot_be_shown_are_no_reason_to_fail(photograph: Path, name: str) -> None:
    image = photograph.rename(photograph.with_name(name))
    said = {}
    for options in (("--json",), ("--out", image.with_suffix(".png"))):
        said[len(options)] = subprocess.run(
            [sys.executable, "-m", "tamis", "click", image, "--at", "5,5", "--model", "hierarchy", *options],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        ).stdout
    assert json.loads(said[1])["image"] == str(image)
    assert said[2].startswith(b"wrote ")


def test_version(tamis: Tamis) -> None:
    assert tamis("--version")[1].strip() == f"tamis, version {package.__version__}"


def test_public_names_are_there_and_others_are_not() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["segmnt"], "Did you mean 'segment'|No such command 'segmnt'"),
        (["segment"], "Missing argument"),
        (["segment", "x.jpg"], "--out"),
        (["segment", "x.jpg", "--out", "o", "--grid", "0"], "--grid"),
        (["segment", "x.jpg", "--out", "o", "--format", "coco,xml"], "'xml' is none of the formats"),
        (["click", "x.jpg"], "--at"),
        (["click", "x.jpg", "--at", "10"], "'10' is no click: write X,Y"),
        (["click", "x.jpg", "--at", "1,2,?"], "no click"),
        (["click", "x.jpg", "--at", "1,2", "--frobnicate"], "--frobnicate"),
    ],
)
def test_unusable_arguments_get_one_sentence_and_exit_code_2(tamis: Tamis, arguments: list[str], sentence: str) -> None:
    code, out, err = tamis(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("tamis: ")
    assert err.count("\n") == 1
    assert any(part in err for part in sentence.split("|"))

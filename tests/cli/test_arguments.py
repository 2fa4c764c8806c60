"""Arguments at random: every command ends with a code that is documented, and says one line of what is wrong."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

TRIES = int(os.environ.get("TAMIS_FUZZ", "200"))
"""Command lines that are tried; `make fuzz` tries ten thousand."""

Tamis = Callable[..., tuple[int, str, str]]

VALUES = (
    "",
    "-1",
    "0",
    "1",
    "1.5",
    "nan",
    "inf",
    "1e999",
    "99999999999999999999",
    "x",
    "é",
    "\udcff",
    "..",
    "/",
    "*",
    "[",
)

OPTIONS = {
    "click": ("--at", "--out", "--segmentor", "--threshold", "--max-pixels", "--json"),
    "import": ("--format", "--overlap", "--user", "--db", "--add-labels", "--annotations"),
    "export": ("--format", "--out", "--states", "--tolerance", "--db", "--json"),
    "partition": ("--regions", "--out", "--segmentor", "--max-pixels"),
    "models": ("--json",),
    "compare": ("--out", "--json"),
}


@pytest.mark.parametrize("command", OPTIONS)
def test_no_command_line_gives_a_traceback(
    tamis: Tamis, save: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    save("photos/a.png", np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "in.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    chance = random.Random(f"arguments of {command}")
    sensible = (
        "photos/a.png",
        "photos",
        "in.json",
        "coco",
        "yolo",
        "hierarchy",
        "5,5",
        "10",
        "o",
        "all",
        "skip",
    )
    for _ in range(TRIES // len(OPTIONS)):
        arguments = [chance.choice(sensible + VALUES) for _ in range(chance.randrange(3))]
        for _ in range(chance.randrange(4)):
            option = chance.choice(OPTIONS[command] + ("--nonsense", "-x"))
            arguments += [option] if chance.random() < 0.2 else [option, chance.choice(sensible + VALUES)]
        code, _, err = tamis(command, *arguments)
        assert code in (0, 1, 2), (command, arguments)
        assert "Traceback" not in err, (command, arguments, err)

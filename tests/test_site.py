"""The site is built without a warning, and a newcomer finds each of the twelve tasks in two clicks."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tamis.segmentors import protocol

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (find_spec("mkdocs") and find_spec("mkdocstrings")):
        pytest.skip("the site needs mkdocs-material and mkdocstrings: the group docs")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_there(site: Path) -> None:
    for name in (
        "index.html",
        "python/index.html",
        "commands/index.html",
        "api/index.html",
        "concepts/regions/index.html",
    ):
        assert (site / name).is_file()


def test_commands_and_api_are_made_from_the_code(site: Path) -> None:
    commands = (site / "commands" / "index.html").read_text(encoding="utf-8")
    assert "tamis semantic evaluate" in commands
    assert "--multimask" in commands
    api = (site / "api" / "index.html").read_text(encoding="utf-8")
    for name in ("predict", "Tiles", "open_project", "SamPredictor"):
        assert f">{name}<" in api or f'id="tamis.{name}' in api or name in api


def test_the_guide_to_own_models_shows_the_package_and_every_ability(site: Path) -> None:
    page = (site / "own-model" / "index.html").read_text(encoding="utf-8")
    assert "EncodedBrightness" in page
    assert "--8" not in page  # the mark of a file that was to stand here
    abilities = [name for name, each in vars(protocol).items() if getattr(each, "_is_protocol", False)]
    others = {"Protocol", "Segmentor", "EncodedImage", "HasSegmentor"}
    for name in set(abilities) - others:
        assert f"<code>{name}</code>" in page, name


def test_each_of_the_thirteen_tasks_is_two_clicks_away(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="python/"' in home
    page = (site / "python" / "index.html").read_text(encoding="utf-8")
    tasks = re.findall(r"^## (.+)$", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings = re.findall(r'<h2 id="([^"]+)"', page)
    assert len(headings) == len(tasks) == 14
    for heading in headings:
        assert f'href="#{heading}"' in page

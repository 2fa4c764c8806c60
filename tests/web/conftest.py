"""Node, which runs the page's modules without a browser, and Chromium, which shows the page."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[str, Any], Any]


@pytest.fixture(scope="session")
def run() -> Run:
    """run(call, given): what a function of `run.js` makes of a value."""
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        pytest.skip("there is no node: `make test` installs one")

    def made(call: str, given: Any) -> Any:
        text = json.dumps({"call": call, "given": given})
        script = Path(__file__).with_name("run.js")
        done = subprocess.run([node, script], input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return made


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    from tests.web.browser import CHROMIUM

    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page in a window of its own."""
    from tests.web.browser import opened_page

    with opened_page(browser) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three images for one test."""
    from tests.web.browser import discs

    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    return discs(tmp_path / "photos")


@pytest.fixture
def server(folder: Path) -> Iterator[Any]:
    """A server of that folder for one test."""
    from tests.web.browser import served

    with served(folder, "--labels", "cat,dog") as running:
        yield running

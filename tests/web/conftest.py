"""Node, which runs the page's modules without a browser."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
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

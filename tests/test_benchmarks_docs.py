import subprocess
import sys
from pathlib import Path


def test_the_page_of_benchmarks_is_made_of_the_results_on_record() -> None:
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "benchmarks", "--check-docs"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

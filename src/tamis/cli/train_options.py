"""Options that the stages of `tamis train` share."""

from importlib.util import find_spec
from pathlib import Path

import click

from tamis.errors import UnavailableError


def require_torch() -> None:
    """Raise UnavailableError unless the extra `train` is installed."""
    for module in ("torch", "onnx", "onnxscript"):
        if find_spec(module) is None:
            raise UnavailableError(f"training needs {module}: run pip install 'tamis[train]'")


data = click.option(
    "--data", "data", multiple=True, metavar="NAME=ROOT[:SHARE]", help="A dataset to train on; may be repeated."
)
pack = click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file written by `tamis train pack`, instead; may be repeated.",
)
out = click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
resume = click.option("--resume", is_flag=True, help="Resume from the last checkpoint in --out.")
device = click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
minutes = click.option("--minutes", default=60.0, show_default=True, help="Training time; the schedule runs over it.")
seconds = click.option("--seconds", type=float, help="Training time in seconds, instead of --minutes.")
steps = click.option("--steps", default=0, help="Training steps, instead of a time.")
seed = click.option("--seed", default=0, show_default=True, help="Random seed.")
threads = click.option("--threads", default=0, show_default=True, help="CPU threads; 0 leaves it to torch.")

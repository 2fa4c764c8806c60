"""`tamis doctor`: what is here, and how fast it is."""

from pathlib import Path
from time import perf_counter
from typing import Any

import click
import platformdirs

from tamis.cli.options import json_option, model_option, print_json, print_table
from tamis.clicks import Click
from tamis.hub.folder import is_here, models_folder
from tamis.results import environment
from tamis.segmentors import load_segmentor
from tamis.segmentors.sam.catalogue import MODELS


@click.command(name="doctor")
@model_option
@json_option
def command(segmentor: str, as_json: bool) -> None:
    """Show what this computer has, and how fast tamis runs on it."""
    from skimage import data

    image = data.astronaut()  # type: ignore[no-untyped-call]
    model = load_segmentor(segmentor)
    model.encode(image)  # the first call also loads libraries
    start = perf_counter()
    encoded = model.encode(image)
    middle = perf_counter()
    encoded.probability([Click(256, 200)])
    end = perf_counter()
    report: dict[str, Any] = {
        **environment.facts(),
        "cache": str(Path(platformdirs.user_cache_dir("tamis"))),
        "extras": environment.extras(),
        "models": str(models_folder()),
        "models_here": [model.name for model in MODELS if is_here(model)],
        "segmentor": model.name,
        "encode_seconds": round(middle - start, 4),
        "click_seconds": round(end - middle, 4),
        "warnings": environment.unused_gpu(),
    }
    if as_json:
        print_json(report)
        return
    warnings = report.pop("warnings")
    print_table((name.replace("_", " "), _said(value)) for name, value in report.items())
    for warning in warnings:
        click.echo(f"tamis: {warning}", err=True)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(entry)}" for name, entry in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)

"""`tamis models`: what there is to choose from."""

from dataclasses import asdict

import click

from tamis.cli.options import json_option, print_json
from tamis.segmentors.registry import DEFAULT, Model, list_models


@click.command(name="models")
@json_option
def command(as_json: bool) -> None:
    """List the segmentors: what each can do, its licence and size, and how to get those that are not here."""
    models = list_models()
    if as_json:
        print_json([{**asdict(m), "available": m.available, "default": m.name == DEFAULT} for m in models])
        return
    for model in models:
        click.echo(_described(model))


def _described(model: Model) -> str:
    size = f"{model.megabytes:g} MB" if model.megabytes else "no weights"
    here = "available" if model.available else f"not installed: {model.install}"
    return (
        f"{model.name}{' (default)' if model.name == DEFAULT else ''}\n"
        f"    {model.summary}\n"
        f"    {', '.join(('clicks', *model.abilities))}; {model.licence}; {size}; {here}"
    )

"""`tamis models`: what there is to choose from."""

from dataclasses import asdict
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from tamis.cli.consent import fetch_with_consent
from tamis.cli.options import json_option, print_json
from tamis.errors import InputError, UnavailableError
from tamis.hub.folder import folder_of
from tamis.segmentors.click_tools import is_click_tool
from tamis.segmentors.registry import DEFAULT, ModelEntry, find_model, list_models
from tamis.segmentors.sam.catalogue import MODELS, find_hub_model


@click.group(name="models", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the models: what each can do, its licence and size, and how to get those that are not here."""
    if context.invoked_subcommand is not None:
        return
    models = list_models()
    if as_json:
        print_json([{**asdict(m), "available": m.available, "default": m.name == DEFAULT} for m in models])
        return
    for model in models:
        click.echo(_described(model))


@command.command()
@click.argument("name")
def show(name: str) -> None:
    """Print what is known of one model, with its model card; of FAMILY:FILE what the file holds."""
    if is_click_tool(name) and ":" in name:
        _show_click_tool(name)
        return
    model = find_model(name)
    if not model.card:
        click.echo(_described(model))
        for weights in MODELS:
            if weights.name == name:
                click.echo(f"    revision {weights.revision or 'not pinned: give --revision to tamis models pull'}")
                click.echo(f"    SHA-256 {weights.sha256 or 'not pinned: as the hub states it'}")
                click.echo(f"    folder {folder_of(name)}")
        return
    package, _, file = model.card.partition(":")
    click.echo(files(package).joinpath(file).read_text(encoding="utf-8").rstrip())


@command.command()
@click.argument("name")
@click.option(
    "--revision",
    metavar="COMMIT",
    help="Revision of its repository: a commit, branch or tag; the pinned one by default.",
)
@click.option("--yes", is_flag=True, help="Fetch without asking for confirmation.")
def pull(name: str, revision: str | None, yes: bool) -> None:
    """Fetch the weights of a model of the hub, after its licence was shown.

    Needs `pip install 'tamis[hub]'`. An interrupted transfer resumes where it stopped.

    \b
    tamis models pull sam2.1-tiny
    tamis models pull sam-hq-vit-base --revision main --yes
    """
    fetch_with_consent(find_hub_model(name), revision, yes)


@command.command()
@click.argument("name")
@click.option(
    "--precision",
    type=click.Choice(["auto", "full"]),
    default="auto",
    show_default=True,
    help="auto: 8-bit weights of the encoder where its masks stay the same.",
)
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="The folder for a click tool's files, FAMILY:FILE."
)
def export(name: str, precision: str, out: Path | None) -> None:
    """Write a model as ONNX, for computers without torch: it is then called NAME-onnx, or FAMILY:DIR.

    \b
    tamis models export sam2.1-tiny
    tamis models export ritm:h18s.pth --out h18s/
    """
    if is_click_tool(name):
        _export_click_tool(name, out)
        return
    from tamis.segmentors.sam.export import export_model

    done = export_model(find_hub_model(name), precision)
    click.echo(f"wrote {done.folder}")
    click.echo(f"the segmentor {done.name} is {done.said}")


def _show_click_tool(name: str) -> None:
    from tamis.segmentors.click_tools import load_click_tool
    from tamis.segmentors.clickseg.settings import LICENCES

    tool: Any = load_click_tool(name)
    unused = getattr(tool, "unused", ())
    click.echo(f"{name}: a network of {tool.name}")
    click.echo(f"    {LICENCES[tool.name]}")
    click.echo(f"    SHA-256 {tool.weights_sha256}")
    click.echo(f"    shown at {tool.runner.side if tool.name == 'segnext' else tool.showing.size} pixels")
    click.echo(f"    names that nothing reads: {', '.join(unused) if unused else 'none'}")


def _export_click_tool(name: str, out: Path | None) -> None:
    if out is None:
        raise InputError(f"--out: name the folder for the files of {name}")
    for module in ("torch", "onnx", "onnxscript"):
        if find_spec(module) is None:
            raise UnavailableError(f"exporting needs {module}: run pip install 'tamis[train]'")
    from tamis.segmentors.click_tool_export import export_click_tool

    parity = export_click_tool(name, out)
    click.echo(f"wrote {out}")
    click.echo(
        f"{parity.answers} answers on photographs: mean IoU {parity.iou:.4f} with the network by torch, "
        f"probabilities at most {parity.largest:.1g} apart"
    )


def _described(model: ModelEntry) -> str:
    size = f"{model.megabytes:g} MB" if model.megabytes else "weights of yours" if model.missing else "no weights"
    steps = [*([] if model.installed else [model.install]), *filter(None, [model.missing])]
    here = "available" if not steps else f"not {'here' if model.installed else 'installed'}: {', then '.join(steps)}"
    return (
        f"{model.name}{' (default)' if model.name == DEFAULT else ''}\n"
        f"    {model.summary}\n"
        f"    {', '.join(('clicks', *model.abilities))}; {model.licence}; {size}; {here}"
    )

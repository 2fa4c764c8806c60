"""`tamis retrieve list`."""

from pathlib import Path

import click

from tamis.cli.options import json_option, print_json


@click.command(name="list")
@click.argument("store", metavar="STORE", type=click.Path(path_type=Path))
@json_option
def command(store: Path, as_json: bool) -> None:
    """List the names in a store, and what it was made with."""
    from tamis.personal.retrieval.store import open_store

    opened = open_store(store)
    names = sorted(opened.number_of)
    if as_json:
        print_json({"encoder": opened.encoder, "weights_sha256": opened.weights, "names": names})
        return
    click.echo(f"{len(names)} vectors of {opened.dimension} numbers, by {opened.encoder}")
    for name in names:
        click.echo(name)

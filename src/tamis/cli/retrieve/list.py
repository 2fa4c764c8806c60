"""`tamis retrieve list`."""

import click

from tamis.cli.options import json_option, print_json


@click.command(name="list")
@click.argument("store", metavar="STORE")
@json_option
def command(store: str, as_json: bool) -> None:
    """List the names in a store, and what it was made with."""
    from tamis.personal.retrieval.vectors import open_vectors

    opened = open_vectors(store)
    names = sorted(opened.digests())
    if as_json:
        print_json({"encoder": opened.encoder, "weights_sha256": opened.weights, "names": names})
        return
    click.echo(f"{len(names)} vectors of {opened.dimension} numbers, by {opened.encoder}")
    for name in names:
        click.echo(name)

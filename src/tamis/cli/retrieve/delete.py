"""`tamis retrieve delete`."""

from pathlib import Path

import click


@click.command(name="delete")
@click.argument("store", metavar="STORE", type=click.Path(path_type=Path))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def command(store: Path, names: tuple[str, ...]) -> None:
    """Remove images from a store, by the names that `tamis retrieve list` prints; nothing is built anew."""
    from tamis.personal.retrieval.store import locked, open_store

    with locked(store):
        left = open_store(store).delete(names)
    click.echo(f"{len(names)} removed; {left.count()} left")

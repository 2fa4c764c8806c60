"""`tamis retrieve delete`."""

import click


@click.command(name="delete")
@click.argument("store", metavar="STORE")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def command(store: str, names: tuple[str, ...]) -> None:
    """Remove images from a store, by the names that `tamis retrieve list` prints; nothing is built anew."""
    from tamis.personal.retrieval.vectors import locked, open_vectors

    with locked(store):
        left = open_vectors(store).delete(names)
    click.echo(f"{len(names)} removed; {left.count()} left")

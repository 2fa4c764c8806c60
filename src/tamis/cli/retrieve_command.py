"""`tamis retrieve`: instance retrieval; finds the sub-command and loads only that."""

import click

from tamis.cli.lazy import LazyGroup

PARTS = {
    "precompute": "Compute the vectors of a collection into a store.",
    "search": "Find the nearest of query images in a store.",
    "list": "List the names in a store, and what it was made with.",
    "delete": "Remove images from a store.",
    "extract": "Fetch query images, database images, or the candidates of a ranking.",
    "rerank": "Rank the first of a ranking again, by whether the object is there.",
    "evaluate": "Measure a ranking: ILIAS, ROxford, RParis, PerMIR.",
    "run": "All of it for a dataset, each step resuming where it stopped.",
}
"""Each is `command` in the module tamis.cli.retrieve.NAME; its help stands here so that nothing need be loaded."""


@click.group(name="retrieve", cls=LazyGroup, parts=PARTS, module="tamis.cli.retrieve.{}")
def command() -> None:
    """Instance retrieval: rank a collection by an object, in two stages."""

"""`tamis retrieve extract`: images where the second stage needs them."""

from pathlib import Path

import click

from tamis.cli.retrieve.options import dataset_option, out_option, root_option, top_option


@click.group(name="extract")
def command() -> None:
    """Fetch query images, database images, or the candidates of a ranking."""


@command.command(name="images")
@dataset_option
@root_option
@out_option
def images(dataset: str, root: Path, out: Path) -> None:
    """Put the queries, cut to their boxes, and the database of a dataset into a folder, under their names."""
    from tamis.datasets.retrieval import open_collection
    from tamis.image import read_image, write_image
    from tamis.personal.retrieval.sources import crop

    collection = open_collection(dataset, root)
    new = 0
    for query in collection.queries:
        place = out / "queries" / f"{query.name.removesuffix(query.path.suffix)}.png"
        if not place.exists():
            write_image(place, crop(read_image(query.path), query.box))
            new += 1
    for name, path in collection.database.items():
        place = out / "database" / (name if Path(name).suffix == path.suffix else f"{name}{path.suffix}")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.resolve())
            new += 1
    total = len(collection.queries) + len(collection.database)
    click.echo(f"{total} images in {out}, {new} of them new")


@command.command(name="candidates")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True)
@click.option(
    "--ranking",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="A ranking: what is in it is fetched.",
)
@top_option
@out_option
def candidates(shards: tuple[str, ...], ranking: Path, top: int, out: Path) -> None:
    """Fetch of the SHARDs, tar files here or on a server, only the images that are among the first of a ranking.

    Of files on a server only the headers and these images are transferred. What is there is not fetched again.
    """
    from tamis.cli.progress import progress_bar
    from tamis.jobs.retrieve import read_rankings
    from tamis.personal.retrieval.candidates import extract_candidates

    names = {name for ranked, _ in read_rankings(ranking).values() for name in ranked[:top]}
    there = new = 0
    with progress_bar(False) as bar:
        task = bar.add_task("shards", total=len(shards))
        for _, has, fetched in extract_candidates(shards, names, out):
            there, new = there + has, new + fetched
            bar.update(task, advance=1)
    click.echo(f"{there} of {len(names)} candidates are in these shards, {new} fetched now; in {out}")

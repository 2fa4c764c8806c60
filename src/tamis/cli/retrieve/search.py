"""`tamis retrieve search`."""

from pathlib import Path

import click

from tamis.cli.options import json_option, print_json
from tamis.cli.retrieve.options import adaptation_option


@click.command(name="search")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--store", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder of the vectors."
)
@adaptation_option
@click.option("--k", metavar="K", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option("--name", metavar="PATTERN", help="Only names like this, such as 'holiday/*'.")
@click.option("--folder", metavar="DIR", help="Only names in this folder.")
@click.option("--since", metavar="DATE", help="Only images from this date on, such as 2026-05-01.")
@click.option("--until", metavar="DATE", help="Only images before this date.")
@click.option(
    "--approximate",
    is_flag=True,
    help="Search by IVF-PQ, which is built when it is not there; the recall is measured and printed.",
)
@click.option("--ranking", metavar="FILE", type=click.Path(path_type=Path), help="Also write a ranking as Parquet.")
@json_option
def command(
    images: tuple[str, ...],
    store: Path,
    adaptation: Path | None,
    k: int,
    name: str | None,
    folder: str | None,
    since: str | None,
    until: str | None,
    approximate: bool,
    ranking: Path | None,
    as_json: bool,
) -> None:
    """Find the nearest of query images in a store, by the encoder that made it.

    From a million vectors on the search is approximate, otherwise exact.

    \b
    tamis retrieve search cup.jpg --store vectors/ --k 20
    """
    from tamis.image import find_images, read_image
    from tamis.jobs.retrieve import write_rankings
    from tamis.personal.retrieval.approximate import LEAST, approximate_of, build
    from tamis.personal.retrieval.encoders import load_encoder
    from tamis.personal.retrieval.precompute import vectors_of
    from tamis.personal.retrieval.store import Filter, open_store

    opened = open_store(store)
    encoder = load_encoder(opened.encoder.partition("+")[0], adaptation)
    open_store(store, encoder.name)
    near = None
    if approximate or opened.count() >= LEAST:
        near = approximate_of(opened) or build(opened)
        click.echo(f"approximate search, recall@10 {near.recall:.3f} against the exact one", err=True)
    paths = find_images(images)
    wanted = Filter(name, folder, since, until)
    queries = vectors_of([read_image(path) for path in paths], encoder)
    found = (near or opened).search(queries, k, wanted if any(vars(wanted).values()) else None)
    rankings = {}
    for path, scores, rows in zip(paths, found.scores.tolist(), found.rows.tolist(), strict=True):
        hits = [(opened.rows.names[row], score) for score, row in zip(scores, rows, strict=True) if row >= 0]
        rankings[str(path)] = [hit for hit, _ in hits], [score for _, score in hits]
    if ranking is not None:
        write_rankings(ranking, rankings)
    if as_json:
        print_json({query: list(zip(*hits, strict=True)) for query, hits in rankings.items()})
        return
    for query, (names, scores) in rankings.items():
        click.echo(f"{query}:")
        for hit, score in zip(names, scores, strict=True):
            click.echo(f"  {score:.3f}  {hit}")

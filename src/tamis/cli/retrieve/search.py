"""`tamis retrieve search`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamis.cli.options import json_option, print_json
from tamis.cli.retrieve.options import adaptation_option, store_option

if TYPE_CHECKING:
    from tamis.personal.retrieval.vectors import VectorIndex


@click.command(name="search")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@store_option
@adaptation_option
@click.option("--k", metavar="K", type=click.IntRange(min=1), default=10, show_default=True, help="Number of results.")
@click.option("--name", metavar="PATTERN", help="Only names like this, such as 'holiday/*'.")
@click.option("--folder", metavar="DIR", help="Only names in this folder.")
@click.option("--since", metavar="DATE", help="Only images from this date on, such as 2026-05-01.")
@click.option("--until", metavar="DATE", help="Only images before this date.")
@click.option(
    "--approximate",
    is_flag=True,
    help="Search by an index, IVF-PQ or HNSW, built when it is not there; the recall is measured and printed.",
)
@click.option("--ranking", metavar="FILE", type=click.Path(path_type=Path), help="Also write a ranking as Parquet.")
@json_option
def command(
    images: tuple[str, ...],
    store: str,
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
    tamis retrieve search cup.jpg --index postgresql://me@server/vectors
    """
    from tamis.image import find_images, read_image
    from tamis.jobs.retrieve import write_rankings
    from tamis.personal.retrieval.encoders import load_encoder
    from tamis.personal.retrieval.precompute import vectors_of
    from tamis.personal.retrieval.store import Filter
    from tamis.personal.retrieval.vectors import LEAST, approximately, open_vectors

    opened = open_vectors(store)
    encoder = load_encoder(opened.encoder.partition("+")[0], adaptation)
    open_vectors(store, encoder.name)
    searched: VectorIndex = opened
    if approximate or opened.count() >= LEAST:
        searched, recall = approximately(opened)
        click.echo(f"approximate search, recall@10 {recall:.3f} against the exact one", err=True)
    paths = find_images(images)
    wanted = Filter(name, folder, since, until)
    queries = vectors_of([read_image(path) for path in paths], encoder)
    found = searched.search(queries, k, wanted if any(vars(wanted).values()) else None)
    rankings = {
        str(path): (names, scores[: len(names)])
        for path, names, scores in zip(paths, found.names, found.scores.tolist(), strict=True)
    }
    if ranking is not None:
        write_rankings(ranking, rankings)
    if as_json:
        print_json({query: list(zip(*hits, strict=True)) for query, hits in rankings.items()})
        return
    for query, (hits, scores) in rankings.items():
        click.echo(f"{query}:")
        for hit, score in zip(hits, scores, strict=True):
            click.echo(f"  {score:.3f}  {hit}")

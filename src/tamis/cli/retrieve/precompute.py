"""`tamis retrieve precompute`."""

from contextlib import closing
from pathlib import Path

import click

from tamis.cli.options import executor_for, json_option, print_json, ray_option, workers_option
from tamis.cli.progress import progress_bar
from tamis.cli.retrieve.options import adaptation_option, encoder_option, store_option


@click.command(name="precompute")
@click.argument("source", metavar="SOURCE")
@store_option
@encoder_option
@adaptation_option
@click.option("--prefix", metavar="TEXT", default="", help="Before every name, such as query/.")
@click.option("--half", is_flag=True, help="Keep vectors in 16 bits: half the space.")
@workers_option
@ray_option
@json_option
def command(
    source: str,
    store: str,
    encoder: str,
    adaptation: Path | None,
    prefix: str,
    half: bool,
    workers: int | None,
    ray: str | None,
    as_json: bool,
) -> int:
    """Compute the vectors of SOURCE: a folder, a .tar (webdataset) or a .parquet with columns name and image.

    SOURCE may also be the URL of one (s3://, gs://).

    What the store has already is left alone; an image that changed is computed again.

    \b
    tamis retrieve precompute photos/ --store vectors/
    tamis retrieve precompute photos/ --index postgresql://me@server/vectors
    tamis retrieve precompute mini_ilias-000000.tar --store vectors/ --encoder dinov2-small
    """
    from tamis.personal.retrieval.encoders import load_encoder
    from tamis.personal.retrieval.precompute import PrecomputeProgress, precompute
    from tamis.personal.retrieval.vectors import shown

    state, executor = PrecomputeProgress(), executor_for(workers, ray)
    steps = precompute(source, store, load_encoder(encoder, adaptation), prefix, half, executor=executor)
    with progress_bar(as_json) as bar, closing(steps):
        task = bar.add_task("encoding", total=None)
        for state in steps:
            bar.update(task, completed=state.new + state.known)
    for sentence in state.unreadable:
        click.echo(f"tamis: {sentence}", err=True)
    if as_json:
        print_json({name: list(value) if isinstance(value, tuple) else value for name, value in vars(state).items()})
    else:
        changed = f", {len(state.changed)} of them since their image changed" if state.changed else ""
        click.echo(f"{state.new} vectors computed{changed}; {state.known} were there; in {shown(store)}")
    return 1 if state.unreadable else 0

"""`tamis train corrections` and `pixel-corrections`: what further clicks make of a mask."""

from pathlib import Path

import click

from tamis.cli import train_options as options
from tamis.cli.options import executor_for
from tamis.cli.progress import progress_bar


@click.command()
@options.data
@options.pack
@options.out
@options.resume
@options.device
@options.minutes
@options.seconds
@options.steps
@options.seed
@options.threads
@click.option("--lr", default=1.5e-3, show_default=True, help="Peak learning rate.")
@click.option(
    "--model",
    "name",
    default="embedded",
    show_default=True,
    help="The model whose masks are corrected; it answers by region.",
)
@click.option(
    "--start", type=click.Path(path_type=Path), help="Weights of an earlier stage C to start from, or embedded."
)
def corrections(
    data: tuple[str, ...],
    packs: tuple[Path, ...],
    out: Path,
    resume: bool,
    device: str,
    minutes: float,
    seconds: float | None,
    steps: int,
    seed: int,
    threads: int,
    lr: float,
    name: str,
    start: Path | None,
) -> None:
    """Stage C: what a further click makes of the mask so far."""
    options.require_torch()
    from tamis.segmentors.registry import load_segmentor
    from tamis.training.loop import LoopOptions
    from tamis.training.recipe import RunConfig, train_corrections
    from tamis.training.sources import parse_source

    config = RunConfig(
        out=out,
        sources=tuple(parse_source(text) for text in data),
        packs=packs,
        device=device,
        resume=resume,
        loop=LoopOptions(
            seconds=seconds or 60 * minutes,
            steps=steps,
            lr=lr,
            seed=seed,
            threads=threads,
            warmup=50,
            clip=1.0,
            average=0.995,
            validate_minutes=5,
        ),
        correction_weights=start,
    )
    click.echo(f"weights: {train_corrections(config, load_segmentor(name))}")


@click.command("pixel-corrections")
@options.data
@options.pack
@options.out
@options.resume
@options.device
@options.minutes
@options.seconds
@options.steps
@options.seed
@options.threads
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes that click.")
@click.option("--lr", default=2e-3, show_default=True, help="Peak learning rate.")
@click.option(
    "--start", type=click.Path(path_type=Path), help="Weights of an earlier stage D to start from, or embedded."
)
def pixel_corrections(
    data: tuple[str, ...],
    packs: tuple[Path, ...],
    out: Path,
    resume: bool,
    device: str,
    minutes: float,
    seconds: float | None,
    steps: int,
    seed: int,
    threads: int,
    workers: int,
    lr: float,
    start: Path | None,
) -> None:
    """Stage D: where a corrected mask ends, pixel by pixel."""
    options.require_torch()
    from tamis.training.loop import LoopOptions
    from tamis.training.recipe import RunConfig, train_pixel_corrections
    from tamis.training.sources import parse_source

    config = RunConfig(
        out=out,
        sources=tuple(parse_source(text) for text in data),
        packs=packs,
        device=device,
        resume=resume,
        loop=LoopOptions(
            seconds=seconds or 60 * minutes,
            steps=steps,
            lr=lr,
            seed=seed,
            threads=threads,
            warmup=100,
            average=0.997,
            validate_minutes=8,
        ),
        correction_weights=start,
    )
    with progress_bar(quiet=False) as bar:
        clicking = bar.add_task("clicking", total=None)

        def clicked(done: int, photographs: int) -> None:
            bar.update(clicking, completed=done, total=photographs, visible=done < photographs)

        weights = train_pixel_corrections(config, executor_for(workers, None), clicked)
    click.echo(f"weights: {weights}")

"""`tamis compare`: which run is better, and how sure that is."""

from pathlib import Path

import click

from tamis.annotation.simulate.compare import comparison, is_simulation, load_simulations, write_simulations
from tamis.cli.options import json_option, print_json, print_table
from tamis.evaluation.compare import as_json as comparison_json
from tamis.evaluation.compare import compare, correlations, load_runs, said, write_comparison


@click.command(name="compare")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", metavar="HTML", type=click.Path(path_type=Path), help="Also write a page with charts.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed of the bootstrap.")
@json_option
def command(runs: tuple[Path, ...], out: Path | None, seed: int, as_json: bool) -> None:
    """Compare the folders of several evaluations; every later RUN with the first, by a paired bootstrap over images.

    Runs with clicks and runs without are set side by side image by image, with their correlation. Runs of
    `tamis simulate` are set side by side by what annotating takes.

    \b
    tamis compare runs/hierarchy runs/grabcut --out comparison.html
    """
    if any(map(is_simulation, runs)):
        _simulations(runs, out, as_json)
        return
    loaded = load_runs(runs)
    differences = compare(loaded, seed)
    if out is not None:
        write_comparison(out, loaded, differences, seed)
    if as_json:
        print_json(comparison_json(loaded, differences, seed))
        return
    print_table(
        (run.name, run.summary["segmentor"], run.summary["dataset"], f"{run.measure} {run.main[0]:.4f}")
        for run in loaded
    )
    for found in differences:
        click.echo(
            f"{found.second} - {found.first}: {found.difference:+.4f} (95 % interval {found.low:+.4f} to "
            f"{found.high:+.4f}, p {found.p:.4f}, {found.tries} repetitions on {found.images} images)"
        )
    for together in correlations(loaded, seed):
        click.echo(said(together))
    if out is not None:
        click.echo(f"look at {out.resolve()}")


def _simulations(folders: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    runs = load_simulations(folders)
    if out is not None:
        write_simulations(out, runs)
    if as_json:
        print_json(comparison(runs))
        return
    print_table(
        (
            run.name,
            run.concept[0],
            policy,
            f"{told['seconds'] / 60:.1f} minutes",
            f"{told['clicks']:.2f} clicks an image",
            f"IoU {told['iou']:.3f}",
        )
        for run in runs
        for policy, told in run.told["policies"].items()
    )
    if out is not None:
        click.echo(f"look at {out.resolve()}")

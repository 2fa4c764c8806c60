"""`tamis semantic subset`: a part of a dataset as links."""

from fractions import Fraction
from pathlib import Path

import click
import numpy as np

from tamis.cli.progress import progress_bar
from tamis.semantic.data.dataset import open_semantic
from tamis.semantic.data.layouts import LAYOUTS
from tamis.semantic.data.subset import balanced_part, class_presence, random_part, write_subset


def _share(context: click.Context, parameter: click.Parameter, value: str) -> Fraction:
    try:
        share = Fraction(value)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share <= 1:
        raise click.BadParameter(f"'{value}' is no share such as 1/4 or 0.1", context, parameter)
    return share


@click.command(name="subset")
@click.argument("root", metavar="ROOT", type=click.Path(path_type=Path))
@click.option("--keep", metavar="SHARE", required=True, callback=_share, help="Share to keep, such as 1/4 or 0.1.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The new folder; by default ROOT_ds_X beside ROOT, where 1/X is kept.",
)
@click.option("--split", metavar="NAME", default="train", show_default=True, help="The split that is reduced.")
@click.option(
    "--choose",
    type=click.Choice(["balanced", "random"]),
    default="balanced",
    show_default=True,
    help="Every class keeps its share of images, rare ones first; or images are drawn evenly.",
)
@click.option(
    "--layout", type=click.Choice(["auto", *LAYOUTS]), default="auto", show_default=True, help="How ROOT is laid out."
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed of the choice."
)
def command(root: Path, keep: Fraction, out: Path | None, split: str, choose: str, layout: str, seed: int) -> None:
    """Link a part of a dataset, for experiments that take less time.

    The other splits are whole. What was kept is listed in the new folder.

    \b
    tamis semantic subset ADEChallengeData2016 --keep 1/4
    tamis semantic subset camvid --keep 1/10 --choose random --seed 3 --out camvid_small
    """
    if out is None:
        if keep.numerator != 1:
            raise click.UsageError(f"of --keep {keep} no name follows; give the new folder with --out")
        out = root.resolve().parent / f"{root.resolve().name}_ds_{keep.denominator}"
    dataset = open_semantic(root, split, layout)
    rng = np.random.default_rng(seed)
    if choose == "random":
        chosen = random_part(len(dataset), keep, rng)
    else:
        with progress_bar(quiet=False) as bar:
            task = bar.add_task("reading label maps", total=len(dataset))
            presence = class_presence(dataset, lambda: bar.update(task, advance=1))
        chosen = balanced_part(presence, keep, rng)
    write_subset(root, dataset, split, chosen, out, {"keep": str(keep), "choose": choose, "seed": seed})
    click.echo(f"{len(chosen)} of {len(dataset)} images of {split}; in {out}")

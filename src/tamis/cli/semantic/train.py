"""`tamis semantic train`: a network for label maps, by a recipe."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click

from tamis.cli.progress import progress_bar
from tamis.errors import InputError, UnavailableError

NEEDED = ("torch", "transformers", "tensorboardX")
"""Modules that networks need; the extra `hub` brings them."""


def require_networks() -> None:
    """Make sure that networks can be run here.

    Raises:
        UnavailableError: a package is missing; the message says what to install.
    """
    for module in NEEDED:
        if find_spec(module) is None:
            raise UnavailableError(f"networks for label maps need {module}: run pip install 'tamis[hub]'")


def parsed_overrides(texts: tuple[str, ...]) -> Mapping[str, str]:
    """The fields of a recipe that `--override NAME=VALUE` changes.

    Raises:
        InputError: a text is of another form.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--override {text}: write NAME=VALUE, such as steps=1000")
        found[name.strip().replace("-", "_")] = value.strip()
    return found


@click.command(name="train")
@click.option("--recipe", "name", metavar="NAME", required=True, help="Recipe: a name from `tamis semantic recipes`.")
@click.option("--data", required=True, metavar="ROOT", type=click.Path(path_type=Path), help="Images and label maps.")
@click.option("--out", required=True, metavar="RUN", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--layout", default="auto", show_default=True, help="Layout of the data: auto, or a name from the docs.")
@click.option("--split", default="train", show_default=True, help="The split to train on.")
@click.option(
    "--validation",
    default="val",
    show_default=True,
    help="The split for validation, by which the best weights are chosen.",
)
@click.option(
    "--override", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a field of the recipe; repeatable."
)
@click.option("--steps", metavar="N", type=click.IntRange(min=1), help="Train for N steps instead of the recipe's.")
@click.option("--start", metavar="FILE", type=click.Path(path_type=Path), help="Weights to start from: a checkpoint.")
@click.option("--resume", is_flag=True, help="Resume from the last checkpoint in --out.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--workers", default=0, show_default=True, help="Threads that prepare batches; on a GPU all cores.")
@click.option("--threads", default=0, show_default=True, help="CPU threads; 0 leaves it to torch.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    name: str,
    data: Path,
    out: Path,
    layout: str,
    split: str,
    validation: str,
    overrides: tuple[str, ...],
    steps: int | None,
    start: Path | None,
    resume: bool,
    device: str,
    workers: int,
    threads: int,
    quiet: bool,
) -> None:
    """Train a network that gives every pixel a class.

    \b
    tamis semantic train --recipe small --data camvid --out runs/small --steps 2000
    tamis semantic train --recipe knet-swin-l --data ADEChallengeData2016 --out runs/knet
    torchrun --nproc-per-node 8 -m tamis semantic train --recipe upernet-swin-t --data ade --out runs/upernet
    """
    require_networks()
    from tamis.semantic.recipes import find_recipe
    from tamis.semantic.train import TrainJob, train

    counted = () if steps is None else (f"steps={steps}",)
    recipe = find_recipe(name, parsed_overrides((*overrides, *counted)))
    job = TrainJob(
        recipe, data, out, layout, split, validation, start, device, workers, threads, resume
    )  # fmt: skip
    with progress_bar(quiet) as bar:
        task = bar.add_task("training", total=recipe.steps)

        def shown(step: int, loss: float) -> None:
            bar.update(task, completed=step, description=f"loss {loss:.3f}")

        train(job, say=lambda sentence: bar.console.print(sentence, highlight=False, soft_wrap=True), on_step=shown)
    click.echo(f"weights: {out / 'best.pt'}; look at {(out / 'index.html').resolve()}")

"""`tamis train segnext`: SegNext and its variants by recipe; needs the extra `train`."""

from importlib.util import find_spec
from pathlib import Path

import click

from tamis.cli.progress import progress_bar
from tamis.errors import InputError, UnavailableError


@click.command(name="segnext")
@click.option("--recipe", default="small", show_default=True, help="A name from --list-recipes.")
@click.option("--list-recipes", is_flag=True, help="List the recipes and stop.")
@click.option("--data", multiple=True, metavar="NAME=ROOT[:SPLIT]", help="A dataset to train on; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--start", type=click.Path(path_type=Path), help="Weights to start from: MAE, timm or SegNext.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a field of the recipe; repeatable.")
@click.option(
    "--evaluate",
    multiple=True,
    metavar="NAME=ROOT[:SPLIT]",
    help="Measure mIoU@1 of every kept epoch on this dataset; may be repeated.",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the first N images of --evaluate.")
@click.option("--epochs-table", is_flag=True, help="Print mIoU@1 of the kept epochs of the run in --out, and stop.")
@click.option("--steps", metavar="N", default=0, type=click.IntRange(min=0), help="So many steps instead of epochs.")
@click.option("--resume", is_flag=True, help="Resume from the last checkpoint in --out.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--workers", default=0, show_default=True, help="Processes that read and augment images.")
@click.option("--threads", default=0, show_default=True, help="CPU threads; 0 leaves it to torch.")
def command(
    recipe: str,
    list_recipes: bool,
    data: tuple[str, ...],
    out: Path | None,
    start: Path | None,
    changes: tuple[str, ...],
    evaluate: tuple[str, ...],
    limit: int | None,
    epochs_table: bool,
    steps: int,
    resume: bool,
    device: str,
    workers: int,
    threads: int,
) -> None:
    """Train SegNext or a variant of it by a recipe; kept epochs are checkpoints for `--model segnext:FILE`.

    \b
    tamis train segnext --recipe small --data duts=DUTS --out runs/small
    torchrun --nproc-per-node 4 -m tamis train segnext --recipe one-click-positive-512 \\
        --data cocolvis=COCO_LVIS:train --start mae_pretrain_vit_base.pth --out runs/022
    """
    for module in ("torch", "tensorboardX"):
        if find_spec(module) is None:
            raise UnavailableError(f"training needs {module}: run pip install 'tamis[train]'")
    from tamis.training.click_tools.epochs import table_lines
    from tamis.training.click_tools.recipe import find_recipe, recipe_names

    if list_recipes:
        for name in recipe_names():
            click.echo(f"{name}: {find_recipe(name).summary}")
        return
    if out is None:
        raise InputError("--out: name the folder of the run")
    if epochs_table:
        click.echo("\n".join(table_lines(out)))
        return
    if not data:
        raise InputError("--data: name a dataset to train on, as NAME=ROOT or NAME=ROOT:SPLIT")
    from tamis.training.click_tools.trainer import ClickJob, train_segnext

    job = ClickJob(
        find_recipe(recipe, changes), data, out, start, evaluate, limit, device, workers, threads, resume, steps=steps
    )  # fmt: skip
    with progress_bar(quiet=False) as bar:
        task = bar.add_task("training", total=None)

        def on_step(step: int, steps: int, loss: float) -> None:
            bar.update(task, completed=step, total=steps, description=f"loss {loss:.4f}")

        folder = train_segnext(job, bar.console.print, on_step)
    click.echo(f"checkpoints: {folder}")

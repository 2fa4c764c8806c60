"""`tamis semantic predict`: the classes of any images."""

from dataclasses import replace
from pathlib import Path

import click

from tamis.cli.options import RenamedOption, executor_for, ray_option, workers_option
from tamis.cli.progress import progress_bar
from tamis.cli.semantic.train import parsed_overrides, require_networks
from tamis.errors import InputError


@click.command(name="predict")
@click.argument("checkpoint", metavar="CHECKPOINT", type=click.Path(path_type=Path))
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder of the results.")
@click.option("--classes", metavar="TABLE", help="Class table, if the checkpoint has none.")
@click.option("--recipe", metavar="NAME", help="Recipe of an official mmsegmentation checkpoint.")
@click.option(
    "--override", "overrides", multiple=True, metavar="NAME=VALUE", help="Override a field of the recipe; repeatable."
)
@click.option(
    "--tta",
    "several",
    cls=RenamedOption,
    old=["--several"],
    is_flag=True,
    help="Test-time augmentation: several scales and flips.",
)
@click.option(
    "--first", default=0, show_default=True, help="Label of the first class in the files; ADE20K's server: 1."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@workers_option
@ray_option
@click.option("--quiet", is_flag=True, help="No progress bar.")
def command(
    checkpoint: Path,
    images: tuple[Path, ...],
    out: Path,
    classes: str | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    several: bool,
    first: int,
    device: str,
    workers: int | None,
    ray: str | None,
    quiet: bool,
) -> None:
    """Write label maps, and pictures with a legend, of images and folders of them.

    \b
    tamis semantic predict runs/small/best.pt street.jpg --out predicted
    """
    require_networks()
    from tamis.image import find_images
    from tamis.semantic.networks.building import placed_on
    from tamis.semantic.networks.checkpoints import load_trained
    from tamis.semantic.predict import classes_of, predict_files
    from tamis.training.loop import pick_device

    trained = load_trained(checkpoint, recipe, parsed_overrides(overrides))
    table = classes_of(trained, classes)
    paths = find_images(images, leave_out=[out])
    if not paths:
        raise InputError(f"{images[0]}: holds no images; name files or folders of them")
    where = pick_device(device)
    placed_on(trained.network, where)
    settings = replace(trained.recipe.inference, several=several)
    executor = executor_for(workers, ray)
    with progress_bar(quiet) as bar:
        for _ in bar.track(
            predict_files(trained, paths, out, table, settings, where, first, executor),
            total=len(paths),
            description="images",
        ):
            pass
    click.echo(f"{len(paths)} label maps and pictures in {out}")

"""`tamis segment`: every mask of many images."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from tamis.cli.options import (
    ListType,
    RenamedOption,
    executor_for,
    json_option,
    max_pixels_option,
    model_option,
    print_json,
    ray_option,
    share,
    tiles_option,
    workers_option,
)
from tamis.cli.progress import progress_bar
from tamis.compat.strategy import GENERATORS, SamGenerator
from tamis.errors import InputError
from tamis.image import find_images, passed_over
from tamis.jobs.collection import segment_collection
from tamis.jobs.masks import FORMATS, SUFFIXES, Strategy
from tamis.jobs.segment import USUAL, Outcome, SegmentSettings, segment_images
from tamis.partition.strategy import Partition
from tamis.proposals import Adaptive, Clicks, Selection, Tiles
from tamis.proposals.grid import GRID
from tamis.proposals.scores import SCORES
from tamis.proposals.selection import LIKELY
from tamis.scale.dataset import SHARD, Progress
from tamis.scale.running import Executor
from tamis.scale.sources import is_collection
from tamis.scale.stores import is_url
from tamis.segmentors import Segmentor, load_segmentor

OPTIONS = {"levels": "--thresholds"}
"""Options that are called otherwise than what they set."""


def _formats(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if name not in (*FORMATS, "parquet"):
            raise click.BadParameter(
                f"'{name}' is none of the formats {', '.join(FORMATS)}, parquet", context, parameter
            )
    return value


@click.command(name="segment")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--out", metavar="DIR", required=True, help="The folder for the results; with --format parquet also a URL."
)
@model_option
@click.option(
    "--grid",
    metavar="N",
    type=click.IntRange(1, 512),
    help="Clicks per side of a regular grid; by default one per region, or 32 × 32.",
)
@click.option(
    "--adaptive", is_flag=True, help="Sample a coarse grid of clicks, and finer ones where no prediction was confident."
)
@click.option(
    "--generator",
    "protocol",
    cls=RenamedOption,
    old=["--protocol"],
    type=click.Choice(list(GENERATORS)),
    help="Generate masks as SAM's or SAM 2's automatic mask generator does, with its thresholds.",
)
@click.option(
    "--thresholds",
    "levels",
    cls=RenamedOption,
    old=["--levels"],
    metavar="LIST",
    type=ListType(share, "probabilities such as .3,.5,.7"),
    show_default="0.5",
    help="Probability thresholds; each gives a mask for every click.",
)
@click.option(
    "--score", type=click.Choice(list(SCORES)), help="Score that masks are ranked by; by default the predicted IoU."
)
@click.option(
    "--partition",
    metavar="K",
    type=click.IntRange(1, 4096),
    help="Partition each image into K segments without overlap.",
)
@tiles_option
@click.option("--max-proposals", metavar="K", type=click.IntRange(min=1), help="Keep the first K masks of each image.")
@click.option(
    "--min-area",
    metavar="PX",
    type=click.IntRange(min=1),
    show_default="256",
    help="Drop masks of fewer pixels.",
)
@click.option(
    "--min-score",
    metavar="S",
    type=click.FloatRange(0, 1),
    show_default=f"{LIKELY:g}",
    help="Drop masks with a lower score; 0 keeps all.",
)
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    type=ListType(str, "names such as coco,overlay"),
    callback=_formats,
    default=",".join(USUAL),
    show_default=True,
    help="What to write: coco (RLE in one JSON), labelmap (16-bit PNG), overlay (PNG), sam (SA-1B's JSON), svg; "
    "or parquet alone: a dataset for many images.",
)
@click.option(
    "--shard",
    metavar="N",
    type=click.IntRange(1, 100_000),
    default=SHARD,
    show_default=True,
    help="With --format parquet: images in a file.",
)
@workers_option
@ray_option
@max_pixels_option
@json_option
def command(
    images: tuple[str, ...],
    out: str,
    segmentor: str,
    grid: int | None,
    adaptive: bool,
    protocol: str | None,
    levels: tuple[float, ...] | None,
    score: str | None,
    partition: int | None,
    tiles: int | None,
    max_proposals: int | None,
    min_area: int | None,
    min_score: float | None,
    formats: tuple[str, ...],
    shard: int,
    workers: int | None,
    ray: str | None,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Generate the masks of whole images automatically.

    IMAGE is a file, a folder or a pattern such as 'photos/**/*.jpg'; with --format parquet also a URL (s3://, gs://),
    a .tar or a .parquet, and of folders all folders in them. Images that an earlier run finished with the same
    settings are skipped. One that cannot be read does not stop the rest: it is named at the end and the exit code is 1
    (2 if none could be read).

    \b
    tamis segment photos/ --out masks/
    tamis segment a.jpg b.png --out masks/ --format coco --max-proposals 50 --min-score .4
    tamis segment photos/ --out regions/ --partition 12
    tamis segment photos/ --out masks/ --generator sam --format sam
    tamis segment aerial.tif --out masks/ --tiles 1024
    tamis segment s3://photos --out s3://masks --format parquet --ray auto
    """
    collected = tuple(formats) == ("parquet",)
    if not collected:
        _require_folders(images, out, formats)
    folder = Path(out)
    # A pattern that reaches into --out must not find the pictures of an earlier run there.
    paths = [] if collected else find_images(images, [folder / form for form in SUFFIXES])
    filters = {"levels": levels, "score": score, "max_proposals": max_proposals, "min_score": min_score}
    given = [name for name, value in filters.items() if value is not None]
    selection = Selection(
        levels or (0.5,),
        min_area or Selection().min_area,
        LIKELY if min_score is None else min_score,
        max_proposals=max_proposals,
        score=SCORES[score] if score else None,
    )
    strategy = _strategy(
        grid, adaptive, tiles, partition, protocol, selection, [*given, *(["min_area"] * bool(min_area))]
    )
    try:
        settings = SegmentSettings(strategy, USUAL if collected else formats, max_pixels)
    except InputError as error:
        raise click.UsageError(str(error)) from None
    model, executor = load_segmentor(segmentor), executor_for(workers, ray)
    if collected:
        return _collect(images, out, model, settings, shard, executor, as_json)
    with closing(segment_images(paths, folder, model, settings, executor)) as outcomes:
        finished = list(_shown(outcomes, len(paths), quiet=as_json))
    failed = [outcome for outcome in finished if outcome.error]
    if as_json:
        print_json(
            {
                "out": str(out),
                "images": [
                    {
                        "image": str(outcome.path),
                        "masks": outcome.masks,
                        "seconds": round(outcome.seconds, 3),
                        "skipped": outcome.skipped,
                        "error": outcome.error,
                    }
                    for outcome in finished
                ],
            }
        )
    else:
        _summarise(finished, folder)
        if left_out := passed_over(images):
            click.echo(left_out)
    for outcome in failed:
        click.echo(f"tamis: {outcome.error}", err=True)
    if not failed:
        return 0
    return 1 if len(failed) < len(finished) else 2


def _require_folders(images: tuple[str, ...], out: str, formats: tuple[str, ...]) -> None:
    """Make sure that what is read and written are files here, which pictures and coco.json need."""
    if "parquet" in formats:
        raise click.UsageError("--format parquet is a dataset by itself: leave out the other formats")
    for place in (*images, out):
        if is_url(place) or (place != out and is_collection(place)):
            raise click.UsageError(f"{place}: URLs, .tar and .parquet go with --format parquet: add it")


def _collect(
    images: tuple[str, ...],
    out: str,
    model: Segmentor,
    settings: SegmentSettings,
    shard: int,
    executor: Executor,
    as_json: bool,
) -> int:
    """Segment a collection into a dataset of Parquet, and say what came of it."""
    state, failed = Progress(), list[tuple[str, str]]()
    with (
        progress_bar(as_json) as bar,
        closing(segment_collection(images, out, model, settings, executor, shard)) as steps,
    ):
        task = bar.add_task("segmenting", total=None)
        for state in steps:
            failed += state.failed
            bar.update(task, completed=state.done)
    if as_json:
        print_json({"out": out, "images": state.done, "skipped": state.skipped, "failed": dict(failed)})
    else:
        before = f", {state.skipped} finished before" if state.skipped else ""
        wrong = f", {len(failed)} failed" if failed else ""
        click.echo(f"{state.done - state.skipped - len(failed)} segmented{before}{wrong}; results in {out}")
    for _, sentence in failed:
        click.echo(f"tamis: {sentence}", err=True)
    if not failed:
        return 0
    return 1 if len(failed) < state.done else 2


def _strategy(
    grid: int | None,
    adaptive: bool,
    tiles: int | None,
    partition: int | None,
    generator: str | None,
    selection: Selection,
    given: list[str],
) -> Strategy:
    """The one way of finding masks that the options name; `given` are the options that choose among masks."""
    ways = {"--adaptive": adaptive, "--tiles": tiles, "--partition": partition, "--generator": generator}
    chosen = [name for name, value in ways.items() if value]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} are different ways to find masks: leave out all but one")
    refused = given if generator or partition else []
    refused += ["grid"] * (grid is not None and (adaptive or partition is not None))
    if refused:
        options = ", ".join(OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in refused)
        raise click.UsageError(f"{chosen[0]} has its own rules: leave out {options}")
    if generator is not None:
        return SamGenerator("sam" if generator == "sam" else "sam2", grid or GRID)
    if partition is not None:
        return Partition(partition)
    if tiles is not None:
        return Tiles(tiles, grid, selection)
    return Adaptive(selection) if adaptive else Clicks(grid, selection)


def _shown(outcomes: Iterator[Outcome], count: int, quiet: bool) -> Iterator[Outcome]:
    """Pass outcomes on while a progress bar moves; on a terminal only."""
    with progress_bar(quiet) as progress:
        task = progress.add_task("segmenting", total=count)
        for outcome in outcomes:
            progress.update(task, advance=1, description=outcome.path.name[-30:])
            yield outcome


def _summarise(finished: list[Outcome], out: Path) -> None:
    done = [outcome for outcome in finished if not outcome.error and not outcome.skipped]
    skipped = sum(outcome.skipped for outcome in finished)
    failed = sum(outcome.error is not None for outcome in finished)
    seconds = sum(outcome.seconds for outcome in done)
    parts = [f"{len(done)} segmented"]
    if done:
        parts[0] += f" ({sum(o.masks for o in done)} masks, {seconds / len(done):.2f} s an image)"
    if skipped:
        parts.append(f"{skipped} finished before")
    if failed:
        parts.append(f"{failed} failed")
    click.echo(f"{', '.join(parts)}; results in {out}")

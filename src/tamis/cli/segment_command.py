"""`tamis segment`: every mask of many images."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from tamis.batch import USUAL, Outcome, SegmentSettings, segment_images
from tamis.cli.options import json_option, max_pixels_option, print_json, segmentor_option, tiles_option
from tamis.cli.progress import progress_bar
from tamis.image import find_images, passed_over
from tamis.proposals.scores import SCORES
from tamis.proposals.selection import LIKELY
from tamis.segmented import FORMATS, GENERATORS, SUFFIXES
from tamis.segmentors import load_segmentor


def _formats(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        said = f"'{unknown[0]}' is none" if unknown else "none was given"
        raise click.BadParameter(f"{said} of the formats {', '.join(FORMATS)}", context, parameter)
    return chosen


def _levels(context: click.Context, parameter: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        levels = tuple(dict.fromkeys(float(part) for part in value.split(",")))
    except ValueError:
        levels = ()
    if not levels or not all(0 < level < 1 for level in levels):
        raise click.BadParameter(f"'{value}' is no list of probabilities such as .3,.5,.7", context, parameter)
    return levels


@click.command(name="segment")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for the results."
)
@segmentor_option
@click.option(
    "--grid",
    metavar="N",
    type=click.IntRange(1, 512),
    help="Clicks per side of a grid; by default every region is clicked, or 32 × 32 points.",
)
@click.option("--adaptive", is_flag=True, help="Click a coarse grid, and a finer one where no answer was certain.")
@click.option(
    "--protocol",
    type=click.Choice(list(GENERATORS)),
    help="Find what the mask generator of SAM or SAM 2 would, by its thresholds and its order.",
)
@click.option(
    "--levels",
    metavar="LIST",
    default="0.5",
    show_default=True,
    callback=_levels,
    help="Probabilities that the masks of a click are cut at; several give parts and wholes.",
)
@click.option("--score", type=click.Choice(list(SCORES)), help="What masks are ranked by.")
@click.option(
    "--partition", metavar="K", type=click.IntRange(1, 4096), help="Cut each image into K regions, without overlaps."
)
@tiles_option
@click.option("--max-proposals", metavar="K", type=click.IntRange(min=1), help="Keep the K best masks of each image.")
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
    help="Drop masks of a lower score; 0 keeps all that differ, doubtful ones too.",
)
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    default=",".join(USUAL),
    show_default=True,
    callback=_formats,
    help="What to write: coco (RLE in one JSON), labelmap (16-bit PNG), overlay (PNG), sam (SA-1B's JSON), svg.",
)
@click.option("--workers", metavar="N", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@max_pixels_option
@json_option
def command(
    images: tuple[str, ...],
    out: Path,
    segmentor: str,
    grid: int | None,
    adaptive: bool,
    protocol: str | None,
    levels: tuple[float, ...],
    score: str | None,
    partition: int | None,
    tiles: int | None,
    max_proposals: int | None,
    min_area: int | None,
    min_score: float | None,
    formats: tuple[str, ...],
    workers: int,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Find the masks of whole images, without a person.

    IMAGE is a file, a folder or a pattern such as 'photos/**/*.jpg'. Images that an earlier run finished with the same
    settings are skipped. One that cannot be read does not stop the rest: it is named at the end and the exit code is 1
    (2 if none could be read).

    \b
    tamis segment photos/ --out masks/
    tamis segment a.jpg b.png --out masks/ --format coco --max-proposals 50 --min-score .4
    tamis segment photos/ --out regions/ --partition 12
    tamis segment photos/ --out masks/ --protocol sam --format sam
    tamis segment aerial.tif --out masks/ --tiles 1024
    """
    # A pattern that reaches into --out must not find the pictures of an earlier run there.
    paths = find_images(images, [out / form for form in SUFFIXES])
    if partition is not None and "sam" in formats:
        raise click.UsageError("SAM's records tell of clicks, which a partition has not: leave out sam or --partition")
    if levels != (0.5,) and "sam" in formats:
        raise click.UsageError("SAM's records are of masks cut at one half: leave out sam or --levels")
    filters = (levels, score, max_proposals, min_area, min_score, adaptive, tiles)
    if protocol is not None and (partition is not None or filters != ((0.5,), None, None, None, None, False, None)):
        raise click.UsageError(
            f"--protocol {protocol} has its own rules: of --grid, --adaptive, --levels, --score, --partition, --tiles, "
            "--max-proposals, --min-area and --min-score it takes --grid alone"
        )
    if tiles is not None and (partition is not None or adaptive or "sam" in formats):
        raise click.UsageError(
            "--tiles is for clicks: leave out --partition, --adaptive and the format sam, or --tiles"
        )
    if partition is not None and (grid, max_proposals, score, min_score, adaptive) != (None, None, None, None, False):
        raise click.UsageError(
            "a partition needs no clicks: leave out --grid, --adaptive, --max-proposals, --score and --min-score, or "
            "--partition"
        )
    if adaptive and grid is not None:
        raise click.UsageError("--adaptive chooses its own grids: leave out --grid or --adaptive")
    settings = SegmentSettings(
        grid,
        max_proposals,
        min_area or 256,
        formats,
        max_pixels,
        partition,
        levels,
        score,
        adaptive,
        protocol,
        tiles,
        LIKELY if min_score is None else min_score,
    )
    model = load_segmentor(segmentor)
    with closing(segment_images(paths, out, model, settings, workers)) as outcomes:
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
        _summarise(finished, out)
        if left_out := passed_over(images):
            click.echo(left_out)
    for outcome in failed:
        click.echo(f"tamis: {outcome.error}", err=True)
    if not failed:
        return 0
    return 1 if len(failed) < len(finished) else 2


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

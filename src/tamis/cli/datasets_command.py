"""`tamis datasets`: what can be read, whether it is laid out as expected, and how it comes to be so."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from tamis.cli.options import json_option, print_json
from tamis.cli.progress import progress_bar
from tamis.datasets import Dataset, Entry, list_datasets, open_dataset
from tamis.datasets.hypersim import PREVIEWS
from tamis.datasets.hypersim_download import (
    BASE_URL,
    SCENE_LIST,
    SceneDownload,
    Source,
    download_hypersim,
    released_scenes,
)
from tamis.datasets.inspection import Inspection, inspect_dataset
from tamis.datasets.ndd20 import VIEWS
from tamis.datasets.ndd20_download import URL as NDD20_URL
from tamis.datasets.ndd20_download import download_ndd20
from tamis.datasets.prepare import Preparation, prepare_cocolvis
from tamis.errors import InputError

_SHOWN = 20
"""How many names of a kind are printed for people."""

root_argument = click.argument("root", metavar="ROOT", type=click.Path(path_type=Path))
split_option = click.option("--split", metavar="NAME", help="Split of the dataset, where it has several.")


@click.group(name="datasets")
def command() -> None:
    """Datasets of images and masks: list them, check a folder, or make one.

    \b
    tamis datasets list
    tamis datasets check davis345 DAVIS/
    """


@command.command(name="list")
@json_option
def list_command(as_json: bool) -> None:
    """List the datasets that can be read: splits, licence, citation, layout, and what makes it so."""
    entries = list_datasets()
    if as_json:
        print_json([{key: value for key, value in asdict(e).items() if key not in _INTERNAL} for e in entries])
        return
    for entry in entries:
        click.echo(_described(entry))


@command.command(name="check")
@click.argument("name", metavar="NAME")
@root_argument
@split_option
@json_option
def check_command(name: str, root: Path, split: str | None, as_json: bool) -> int:
    """Read every image's header and every mask of a dataset, and say what is there and what is wrong.

    The exit code is 1 if any file has a problem.
    """
    dataset = open_dataset(name, root, split)
    with _progress("checking", len(dataset.samples), quiet=as_json) as advance:
        found = inspect_dataset(dataset, advance)
    if as_json:
        print_json(
            {
                "dataset": dataset.name,
                "split": dataset.split,
                "root": str(root),
                "licence": dataset.licence,
                "citation": dataset.citation,
                **asdict(found),
                "unmatched": dataset.unmatched,
            }
        )
    else:
        _report(dataset, found)
    return 1 if found.problems else 0


@command.command(name="prepare")
@click.argument("name", metavar="NAME", type=click.Choice(["cocolvis", "sbd-per-class", "permirs"]))
@click.argument("raw", metavar="RAW", type=click.Path(path_type=Path))
@root_argument
@click.option(
    "--split", metavar="NAME", default="val", show_default=True, help="Split of SBD or BURST: train, val or test."
)
@json_option
def prepare_command(name: str, raw: Path, root: Path, split: str, as_json: bool) -> int:
    """Bring a dataset into the layout that is expected, with links; safe to repeat.

    \b
    cocolvis       RAW has COCO's train2017 and val2017, ROOT (or RAW) the annotations
    sbd-per-class  RAW is SBD; ROOT gets a binary set for each class
    permirs        RAW is BURST; ROOT gets three frames of an object for each video
    """
    if name == "permirs":
        return _prepare_permirs(raw, root, split, as_json)
    if name == "sbd-per-class":
        return _prepare_classes(raw, root, split, as_json)
    prepared = prepare_cocolvis(raw, root, lambda part: click.echo(f"linking {part} ...", err=True))
    if as_json:
        print_json([asdict(part) for part in prepared])
    else:
        for part in prepared:
            click.echo(_counted(part))
    return 1 if any(part.missing_images or part.missing_masks for part in prepared) else 0


@command.command(name="download")
@click.argument("name", metavar="NAME", type=click.Choice(["hypersim", "ndd20"]))
@root_argument
@click.option(
    "--scenes", metavar="LIST", help="Scenes such as ai_001_001,ai_001_002, or a file with their names; all by default."
)
@click.option(
    "--preview",
    type=click.Choice(PREVIEWS),
    default=PREVIEWS[0],
    show_default=True,
    help="Which preview image: the one of published results, or tone-mapped.",
)
@click.option("--base-url", metavar="URL", help="The folder of SCENE.zip, or the archive of NDD20.")
@click.option("--digest", metavar="HEX", help="SHA-256 that the archive of NDD20 must have.")
@click.option("--scene-list", metavar="URL", default=SCENE_LIST, show_default=True, help="The table of all frames.")
@click.option(
    "--retries",
    metavar="N",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Consecutive failures before a scene is given up.",
)
@click.option(
    "--timeout",
    metavar="S",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    help="Timeout of a request in seconds.",
)
@click.option(
    "--workers", metavar="N", type=click.IntRange(1, 32), default=4, show_default=True, help="Scenes at a time."
)
@json_option
def download_command(
    name: str,
    root: Path,
    scenes: str | None,
    preview: str,
    base_url: str | None,
    digest: str | None,
    scene_list: str,
    retries: int,
    timeout: float,
    workers: int,
    as_json: bool,
) -> int:
    """Fetch the first frame of each scene of HyperSim, two files out of an archive of gigabytes; or all of NDD20.

    What is there already is not fetched again. Scenes that fail are named at the end, and the exit code is 1 (2 if none
    could be fetched).

    \b
    tamis datasets download hypersim hypersim/ --scenes ai_001_001
    tamis datasets download ndd20 ndd20/
    """
    if name == "ndd20":
        return _download_ndd20(root, base_url or NDD20_URL, digest, retries, timeout, as_json)
    base_url = base_url or BASE_URL
    source = Source(base_url, retries, timeout)
    names = _scenes(scenes) if scenes else released_scenes(scene_list, source)
    finished = []
    with (
        _progress("fetching", len(names), quiet=as_json) as advance,
        closing(download_hypersim(root, names, preview, source, workers)) as fetched,
    ):
        for scene in fetched:
            finished.append(scene)
            advance(scene.scene)
    failed = [scene for scene in finished if scene.error]
    if as_json:
        print_json([asdict(scene) for scene in finished])
    else:
        _summarise(finished, root)
    for scene in failed:
        click.echo(f"tamis: {scene.scene}: {scene.error}", err=True)
    if not failed:
        return 0
    where = "" if base_url == BASE_URL else f" --base-url {base_url}"
    which = f"{root} --preview {preview}{where} --scenes {','.join(scene.scene for scene in failed)}"
    click.echo(f"again: tamis datasets download {name} {which}", err=True)
    return 1 if len(failed) < len(finished) else 2


@command.command(name="synthetic")
@click.argument("name", metavar="NAME")
@root_argument
@split_option
@click.option("--scenes", metavar="N", type=click.IntRange(min=1), default=6, show_default=True, help="How many.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed.")
def synthetic_command(name: str, root: Path, split: str | None, scenes: int, seed: int) -> None:
    """Write small scenes with exact masks in the layout of a dataset, to try things without a download."""
    from tamis.datasets.synthetic import write_synthetic

    written = write_synthetic(name, root, split, scenes, seed)
    click.echo(f"{len(written)} images with {sum(len(one.targets) for one in written)} masks in {root}")


def _download_ndd20(root: Path, url: str, sha256: str | None, retries: int, timeout: float, as_json: bool) -> int:
    with progress_bar(as_json) as progress:
        task = progress.add_task("fetching", total=1)
        for what, share in download_ndd20(root, url, sha256, retries, timeout):
            progress.update(task, completed=share, description=what)
    counts = {view: len(open_dataset("ndd20", root, view).samples) for view in VIEWS}
    if as_json:
        print_json(counts)
    else:
        click.echo(f"{', '.join(f'{count} images {view}' for view, count in counts.items())}; in {root}")
    return 0


_INTERNAL = ("reader", "finder", "file", "supervision")


def _described(entry: Entry) -> str:
    splits = ", ".join(name or "all" for name in entry.splits) or "as the files have them"
    parts = "" if entry.splits == ("",) else f"    splits: {splits}\n"
    tree = "\n".join(f"        {line}" for line in entry.tree.splitlines())
    return (
        f"{entry.name}\n    {entry.summary}\n{parts}    licence: {entry.licence}\n"
        f"    cite: {entry.citation}\n    from: {entry.obtain}\n{tree}"
    )


def _report(dataset: Dataset, found: Inspection) -> None:
    published = ""
    if found.published:
        images, masks = found.published
        published = f"; published: {images} images" + (f", {masks} masks" if masks else "")
    click.echo(f"{dataset.name} {dataset.split}".rstrip() + f": {found.images} images, {found.masks} masks{published}")
    if found.images:
        click.echo(f"sides of {found.smallest_side} to {found.largest_side} pixels")
    if found.ignoring:
        click.echo(f"{found.ignoring} masks have pixels that do not count")
    for kind, names in {"masks without a pixel": found.empty, **dataset.unmatched, "hints": found.hints}.items():
        if names:
            click.echo(f"{len(names)} {kind}: {_some(names)}")
    click.echo(f"licence: {dataset.licence}\ncite: {dataset.citation}")
    for problem in found.problems:
        click.echo(f"tamis: {problem}", err=True)
    click.echo("no problems" if not found.problems else f"{len(found.problems)} problems")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _prepare_classes(raw: Path, root: Path, split: str, as_json: bool) -> int:
    from tamis.datasets.sbd import write_per_class

    counts = write_per_class(raw, root, split)
    if as_json:
        print_json(counts)
    else:
        for label, count in sorted(counts.items()):
            click.echo(f"{label}: {count} images")
    return 0


def _prepare_permirs(raw: Path, root: Path, split: str, as_json: bool) -> int:
    from tamis.datasets.burst import prepare_permirs

    reasons: dict[str, int] = {}
    for _, reason in prepare_permirs(raw, root, split):
        reasons[reason or "made"] = reasons.get(reason or "made", 0) + 1
    if as_json:
        print_json(reasons)
    else:
        click.echo(f"{reasons.pop('made', 0)} videos in {root}")
        for reason, count in sorted(reasons.items()):
            click.echo(f"{count} left out: {reason}")
    return 1 if reasons.get("its frames are not here") else 0


def _counted(part: Preparation) -> str:
    lines = [f"{part.split}: {part.images} images, {part.linked} linked now"]
    for kind, names in (("images", part.missing_images), ("masks", part.missing_masks)):
        if names:
            lines.append(f"{part.split}: {len(names)} {kind} missing: {_some(names)}")
    return "\n".join(lines)


def _scenes(text: str) -> list[str]:
    path = Path(text)
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    elif "/" in text or text.endswith((".txt", ".csv")):
        raise InputError(f"{path}: no such file; check the name")
    return [name for name in re.split(r"[\s,]+", text) if name]


def _summarise(finished: list[SceneDownload], root: Path) -> None:
    failed = sum(scene.error is not None for scene in finished)
    there = sum(scene.error is None and not scene.files for scene in finished)
    parts = [f"{len(finished) - failed - there} scenes fetched"]
    if there:
        parts.append(f"{there} there before")
    if failed:
        parts.append(f"{failed} failed")
    click.echo(f"{', '.join(parts)}; in {root}")


@contextmanager
def _progress(what: str, count: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A progress bar, on a terminal only; gives what moves it by one."""
    with progress_bar(quiet) as progress:
        task = progress.add_task(what, total=count)
        yield lambda name: progress.update(task, advance=1, description=name[-30:])

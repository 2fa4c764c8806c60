"""`tamis personalize`: this thing, there."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import click

from tamis.cli.options import (
    executor_for,
    json_option,
    max_pixels_option,
    model_option,
    print_json,
    ray_option,
    workers_option,
)
from tamis.cli.progress import progress_bar
from tamis.errors import InputError
from tamis.image import find_images, read_image
from tamis.jobs.personalize import (
    THRESHOLD,
    Finding,
    PersonalizeSettings,
    personalize_images,
    references_digest,
)
from tamis.personal.methods import DEFAULT, METHODS, load_method
from tamis.personal.protocol import Memory, Method, Reference
from tamis.results.run import file_hash


@click.command(name="personalize")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--reference",
    "references",
    metavar="IMG",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An image that shows the object; with --mask. May be repeated.",
)
@click.option(
    "--mask",
    "masks",
    metavar="PNG",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The object's mask in the reference; one for each --reference, in the same order.",
)
@click.option(
    "--object",
    "names",
    metavar="NAME",
    multiple=True,
    help="What each reference shows, in the same order; those of one name are one object. By default all are.",
)
@click.option(
    "--project",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Take the masks of an annotated project as references: every label is an object.",
)
@click.option("--label", "labels", metavar="NAME", multiple=True, help="With --project: only this label.")
@click.option(
    "--objects",
    "saved",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The objects.npz of an earlier run, instead of references.",
)
@click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for the results."
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=DEFAULT,
    show_default=True,
    help="How objects are found: by their regions, or tracked as in a video.",
)
@model_option
@click.option(
    "--presence",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Presence head for the method, from `tamis train presence`.",
)
@click.option(
    "--threshold",
    metavar="P",
    type=click.FloatRange(0, 1),
    default=THRESHOLD,
    show_default=True,
    help="Lowest presence of an object that counts as found.",
)
@workers_option
@ray_option
@max_pixels_option
@json_option
def command(
    images: tuple[str, ...],
    references: tuple[Path, ...],
    masks: tuple[Path, ...],
    names: tuple[str, ...],
    project: Path | None,
    labels: tuple[str, ...],
    saved: Path | None,
    out: Path,
    method: str,
    segmentor: str,
    presence: Path | None,
    threshold: float,
    workers: int | None,
    ray: str | None,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Find the object of a reference in other images, segment it, and say whether it is there.

    Finished images are skipped when the same command is given again.

    \b
    tamis personalize album/ --reference cup.jpg --mask cup.png --out cup/
    tamis personalize album/ --project photos/ --label cup --out cup/
    tamis personalize more/ --objects cup/objects.npz --out more-cups/
    """
    if sum((bool(references or masks), project is not None, saved is not None)) != 1:
        raise InputError("say what to look for, in one way: --reference with --mask, --project, or --objects")
    chosen = load_method(method, presence, segmentor)
    paths = find_images(images)
    memories, origin = _memories(chosen, references, masks, names, project, labels, saved, max_pixels)
    settings = PersonalizeSettings(threshold, max_pixels)
    executor = executor_for(workers, ray)
    findings: list[Finding] = []
    with (
        progress_bar(as_json) as bar,
        closing(personalize_images(paths, out, chosen, memories, settings, origin, executor)) as found,
    ):
        task = bar.add_task("looking", total=len(paths))
        for finding in found:
            findings.append(finding)
            bar.update(task, advance=1)
            if finding.error:
                click.echo(f"tamis: {finding.error}", err=True)
    rows = sorted((row for finding in findings for row in finding.rows), key=lambda row: -row["presence"])
    if as_json:
        print_json(rows)
    else:
        _summarise(rows, list(memories), out)
    failed = sum(finding.error is not None for finding in findings)
    return 0 if not failed else 1 if rows else 2


def _summarise(rows: list[dict[str, object]], names: list[str], out: Path) -> None:
    for name in names:
        own = [row for row in rows if row["object"] == name]
        present = [row for row in own if row["present"]]
        best = ", ".join(f"{row['image']} {row['presence']:.2f}" for row in own[:3])
        most = f"; highest presence: {best}" if own else ""
        click.echo(f"{name}: in {len(present)} of {len(own)} images{most}")
    if rows:
        click.echo(f"look at {(out / 'index.html').resolve()}")


def _memories(
    method: Method,
    references: tuple[Path, ...],
    masks: tuple[Path, ...],
    names: tuple[str, ...],
    project: Path | None,
    labels: tuple[str, ...],
    saved: Path | None,
    max_pixels: int,
) -> tuple[dict[str, Memory], str]:
    """What is to be found, by name, and a fingerprint of what it was made of."""
    if saved is not None:
        from tamis.personal.memory_file import load_memories

        return load_memories(saved, method), file_hash(saved)
    if project is not None:
        from tamis.jobs.references import references_in

        found, origin = references_in(project, labels, max_pixels)
    else:
        found, origin = _given(references, masks, names, max_pixels)
    for name in found:
        if "/" in name or name.startswith("."):
            raise InputError(f"--object {name}: is no name for a folder; choose another")
    return {name: method.remember(each) for name, each in found.items()}, origin


def _given(
    references: tuple[Path, ...], masks: tuple[Path, ...], names: tuple[str, ...], max_pixels: int
) -> tuple[dict[str, list[Reference]], str]:
    from tamis.datasets.maskfile import read_half

    if len(references) != len(masks):
        raise InputError(f"{len(references)} --reference and {len(masks)} --mask were given: give a mask for each")
    if names and len(names) != len(references):
        raise InputError(f"{len(references)} --reference and {len(names)} --object were given: name each, or none")
    said = [
        {"image": file_hash(image), "mask": file_hash(mask), "object": name}
        for image, mask, name in zip(references, masks, names or ("object",) * len(masks), strict=True)
    ]
    for each, count in Counter((row["image"], row["mask"], row["object"]) for row in said).items():
        if count > 1:
            place = [(row["image"], row["mask"], row["object"]) for row in said].index(each)
            raise InputError(
                f"--reference {references[place]}: is given {count} times with the same mask; give it once"
            )
    found: dict[str, list[Reference]] = {}
    for image, mask, row in zip(references, masks, said, strict=True):
        reference = Reference(read_image(image, max_pixels), read_half(mask), f"{image} with --mask {mask}")
        found.setdefault(row["object"], []).append(reference)
    return found, references_digest(said)

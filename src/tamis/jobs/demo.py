"""The first thing a newcomer sees: real photographs, their masks, and what three clicks give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from time import perf_counter

import tamis
from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.image import read_image, resize_to_fit, write_image
from tamis.mask import Masks, containment_matrix
from tamis.proposals import Proposals, Selection, grid_proposals
from tamis.proposals.selection import CLEAR
from tamis.render.overlays import cut_out, overlay
from tamis.render.page import figure, write_page
from tamis.results.files import write_bytes
from tamis.segmentors import EncodedImage, Segmentor

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")
"""Photographs that come inside scikit-image."""

SHOWN_SIZE = 1200
"""Pixels on the long side of the pictures of the page."""

ASKED = 40
"""Clicks of the best masks, among which some are chosen to be shown."""


@dataclass(frozen=True)
class DemoImage:
    """One photograph on the page.

    Attributes:
        name: of the photograph.
        masks: how many were found.
        encode_seconds: for all the work that does not depend on clicks.
        masks_seconds: for all masks.
        click_seconds: for the mask of one click.
        html: its part of the page.
    """

    name: str
    masks: int
    encode_seconds: float
    masks_seconds: float
    click_seconds: float
    html: str


def sample(name: str) -> ImageArray:
    """(H, W, 3) uint8: one of SAMPLES."""
    from skimage import data

    image: ImageArray = getattr(data, name)()
    return image


def make_demo(out: Path, segmentor: Segmentor, images: Sequence[Path] = ()) -> Iterator[DemoImage]:
    """Segment the sample photographs and any given, and write `out/index.html` and its pictures.

    Args:
        out: the folder, made if needed.
        segmentor: the model.
        images: further photographs; they come first.

    Yields:
        Each photograph as soon as its pictures are written; the page is written after the last.

    Raises:
        InputError: an image cannot be read.
        OutputError: the folder cannot be written to.
    """
    segmentor.encode(sample(SAMPLES[0]))  # the first call loads libraries, and is not what a photograph takes
    parts = []
    for number, (name, image) in enumerate(_photographs(images), start=1):
        shown = _show(f"{number:02}-{name}", name, image, out, segmentor)
        parts.append(shown.html)
        yield shown
    intro = (
        f"<p class=quiet>tamis {tamis.__version__}, segmentor <code>{escape(segmentor.name)}</code>. "
        "A photograph is encoded once; after that every click is answered at once. The colours are the likely "
        "masks of clicks all over it, smaller ones on top; the dots are single clicks and what each of them gives.</p>"
    )
    write_page(out / "index.html", "What tamis sees", intro + "\n".join(parts))


def save_photographs(folder: Path, images: Sequence[Path] = ()) -> None:
    """Put the photographs of the page into a folder, as `tamis annotate` takes one.

    Args:
        folder: made if needed; what is there already stays as it is, so that masks drawn on it stay too.
        images: further photographs, copied as they are.

    Raises:
        InputError: an image cannot be read.
        OutputError: the folder cannot be written to.
    """
    for path in images:
        if not (folder / path.name).exists():
            try:
                content = path.read_bytes()
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror}); check its name") from error
            write_bytes(folder / path.name, content)
    for name in SAMPLES:
        if not (folder / f"{name}.png").exists():
            write_image(folder / f"{name}.png", sample(name))


def typical_clicks(encoded: EncodedImage, proposals: Proposals, count: int = 3) -> list[Click]:
    """Clicks worth showing, at most `count`: their answers are good, large, and of different things.

    Objects come before backgrounds, and what overlaps little before parts of each other; never the same thing twice.
    """
    best = (-proposals.scores).argsort(kind="stable")[:ASKED].tolist()
    if not best:
        return []
    answers = Masks.from_dense(encoded.probability([proposals.clicks[index]]) > 0.5 for index in best)
    height, width = answers.shape
    sides_touched = (answers.boxes == (0, 0, width, height)).sum(axis=1)
    worth = proposals.scores[best] * (answers.areas / (height * width)) ** 0.5 / (1 + sides_touched)
    shared = containment_matrix(answers)
    chosen: list[int] = []
    for most_shared in (0.2, 0.8):
        for place in (-worth).argsort(kind="stable").tolist():
            apart = all(max(shared[place, other], shared[other, place]) <= most_shared for other in chosen)
            if len(chosen) < count and apart:
                chosen.append(place)
    return [proposals.clicks[best[place]] for place in chosen]


def _photographs(paths: Sequence[Path]) -> Iterator[tuple[str, ImageArray]]:
    for path in paths:
        yield path.stem, read_image(path)
    for name in SAMPLES:
        yield name, sample(name)


def _show(stem: str, name: str, image: ImageArray, out: Path, segmentor: Segmentor) -> DemoImage:
    start = perf_counter()
    encoded = segmentor.encode(image)
    encode_end = perf_counter()
    proposals = grid_proposals(encoded, selection=Selection(min_score=CLEAR))
    masks_end = perf_counter()
    clicks = typical_clicks(encoded, proposals)
    click_start = perf_counter()
    answers = [encoded.probability([click]) > 0.5 for click in clicks]
    click_seconds = (perf_counter() - click_start) / max(len(clicks), 1)

    pictures = {"photograph": image, f"{len(proposals)} masks": overlay(image, proposals.masks)}
    for click, mask in zip(clicks, answers, strict=True):
        pictures[f"one click at ({click.x:.0f}, {click.y:.0f})"] = cut_out(image, mask, [click])
    figures = []
    for index, (caption, picture) in enumerate(pictures.items()):
        file_name = f"{stem}-{index}.jpg"
        write_image(out / file_name, resize_to_fit(picture, SHOWN_SIZE))
        figures.append(figure(file_name, caption))
    encode_seconds, masks_seconds = encode_end - start, masks_end - encode_end
    facts = (
        f"{image.shape[1]}×{image.shape[0]} · encoded in {encode_seconds:.2f} s · all masks {masks_seconds:.2f} s · "
        f"one click {click_seconds * 1000:.1f} ms"
    )
    html = f'<h2>{escape(name)} <small>{facts}</small></h2>\n<div class="row">{"".join(figures)}</div>'
    return DemoImage(name, len(proposals), encode_seconds, masks_seconds, click_seconds, html)

"""A page with every step of the training pipeline and of validation, as pictures."""

from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.image import write_image
from tamis.render.page import figure, write_page
from tamis.results.files import write_json
from tamis.results.folder import result_folder
from tamis.results.run import file_hash, fingerprint
from tamis.semantic.data import transforms
from tamis.semantic.data.dataset import IGNORE, Pixels, SemanticDataset, read_label, read_sample
from tamis.semantic.data.label_picture import coloured_labels
from tamis.semantic.data.pipeline import Draws, TrainTransform, draw, train_pipeline, validation_resize

SPREAD = 2.5
"""Normalised values of this many deviations are shown as black and white."""

Stage = tuple[str, ImageArray]
"""What was done, and what there is then, as (H, W, 3) uint8 RGB."""


def write_pipeline_page(
    out: Path, dataset: SemanticDataset, index: int, settings: TrainTransform, seed: int, passes: int
) -> int:
    """Draw what becomes of an image and its label map, step by step.

    Args:
        out: the page; the pictures go into a folder beside it, with `draws.json` and `run.json`.
        dataset: where the image is.
        index: which one.
        settings: of the pipeline.
        seed: of the random numbers.
        passes: how often the image goes through the pipeline.

    Returns:
        How many pictures were drawn.

    Raises:
        InputError: as `read_sample`.
        OutputError: something cannot be written.
    """
    image, label = read_sample(dataset, index)
    folder = out.parent / f"{out.stem}-steps"
    files = [dataset.images[index], dataset.labels[index]]
    said = {"image": str(files[0]), "label": str(files[1]), **asdict(settings), "seed": seed, "passes": passes}
    with result_folder(folder, said, dataset=fingerprint(map(file_hash, files))):
        rng = np.random.default_rng(seed)
        drawn = [draw(label, settings, rng) for _ in range(passes)]
        write_json(folder / "draws.json", [asdict(draws) for draws in drawn])
        parts = {"Loading": loading_stages(dataset, index, image, label)}
        for number, draws in enumerate(drawn, 1):
            parts[f"Pass {number} of {passes}"] = pass_stages(image, label, draws, dataset)
        parts["Validation"] = validation_stages(image, label, dataset)
        body, count = [], 0
        for heading, stages in parts.items():
            figures = []
            for name, picture in stages:
                write_image(folder / f"{count:03}.png", picture)
                figures.append(figure(f"{folder.name}/{count:03}.png", name))
                count += 1
            body.append(f'<h2>{escape(heading)}</h2><div class="row">{"".join(figures)}</div>')
        write_page(out, f"Training pipeline: {files[0].name}", "\n".join(body))
    return count


def loading_stages(dataset: SemanticDataset, index: int, image: Pixels, label: Pixels) -> Iterator[Stage]:
    """The files as they are read."""
    stored = read_label(dataset.labels[index])
    yield f"the image, {image.shape[1]}×{image.shape[0]}", _rgb(image)
    yield f"the label map as stored, values {stored.min()} to {stored.max()}", _grey(stored)
    yield f"its classes, {(label == IGNORE).mean():.1%} ignored", coloured_labels(label, dataset.palette)


def pass_stages(image: Pixels, label: Pixels, draws: Draws, dataset: SemanticDataset) -> Iterator[Stage]:
    """What an image and its labels look like after each step of one pass, up to the padded input of a network."""
    for step in train_pipeline(draws):
        image, label = step.apply(image, label)
        if step.image:
            yield step.name, _channels(image) if step.gives_hsv else _rgb(image)
        if step.label:
            yield f"{step.name} (labels)" if step.image else step.name, coloured_labels(label, dataset.palette)
    normalised = transforms.normalise(image)
    yield f"normalise, {normalised.min():.2f} to {normalised.max():.2f}", _spread(normalised)
    height, width = draws.crop
    padded = transforms.pad(normalised, draws.crop)
    yield f"pad to {width}×{height} with 0", _spread(padded)
    yield (
        f"pad to {width}×{height} with 255 (labels)",
        coloured_labels(transforms.pad_label(label, draws.crop), dataset.palette),
    )


def validation_stages(image: Pixels, label: Pixels, dataset: SemanticDataset) -> Iterator[Stage]:
    """What a network sees when it is measured, and the labels that its answer is compared with."""
    resized = validation_resize(image)
    yield f"resize the image to {resized.shape[1]}×{resized.shape[0]}, bilinear", _rgb(resized)
    normalised = transforms.normalise(resized)
    yield f"normalise, {normalised.min():.2f} to {normalised.max():.2f}", _spread(normalised)
    yield f"the labels stay {label.shape[1]}×{label.shape[0]}", coloured_labels(label, dataset.palette)


def _rgb(bgr: Pixels) -> ImageArray:
    return np.ascontiguousarray(bgr[..., ::-1])


def _grey(values: Pixels) -> ImageArray:
    """Values as grey, the largest white."""
    shown = values.astype(np.float32) * (255 / max(1, int(values.max())))
    return np.repeat(shown.astype(np.uint8)[..., None], 3, axis=2)


def _channels(hsv: Pixels) -> ImageArray:
    """The image itself, and beside and below it its hue as a pure colour, its saturation and its value as grey."""
    quarter = hsv[::2, ::2]
    hue = quarter.copy()
    hue[..., 1:] = 255
    saturation, value = (np.repeat(quarter[..., k, None], 3, axis=2) for k in (1, 2))
    upper = np.concatenate([_rgb(transforms.from_hsv(quarter)), _rgb(transforms.from_hsv(hue))], axis=1)
    return np.concatenate([upper, np.concatenate([saturation, value], axis=1)])


def _spread(normalised: NDArray[np.float32]) -> ImageArray:
    """(3, H, W) float32 RGB as a picture."""
    shown = np.clip(normalised / SPREAD * 127.5 + 127.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(shown, 0, 2))

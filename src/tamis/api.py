"""The front door: a model, an image ready for prompts, what follows from it. Everything here is in `tamis` itself.

Thin by intent: what a name does is done in the room that it comes from.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Box, Click, clicks_of
from tamis.compat.strategy import SamGenerator
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.evaluation.interactive import evaluate as evaluated
from tamis.evaluation.rules import PROTOCOLS, Rules
from tamis.evaluation.summary import Evaluation, evaluation_of
from tamis.formats.record import Loss
from tamis.formats.registry import export as export_dataset
from tamis.image import find_images, read_image
from tamis.jobs.masks import Strategy, find_masks
from tamis.jobs.segment import USUAL, Outcome, SegmentSettings, segment_images
from tamis.mask.expected import expected_iou_of
from tamis.partition.strategy import Partition
from tamis.pixels import image_of
from tamis.proposals import Clicks, Proposals
from tamis.scale.executors import executor_of
from tamis.segmentors import (
    AnswersByRegion,
    EncodedImage,
    GivesChoices,
    ScoresMasks,
    Segmentor,
    load_segmentor,
    weights_of,
)
from tamis.segmentors.prompts import answer_to
from tamis.segmentors.registry import DEFAULT

if TYPE_CHECKING:
    from tamis.annotation.project import Project
    from tamis.formats.record import Pixels

Source: TypeAlias = str | Path | Image | NDArray[Any]
"""An image: a path, a PIL picture, or an array (H, W), (H, W, 3) or (H, W, 4)."""

Prompt: TypeAlias = Click | tuple[float, float] | tuple[float, float, str | bool | int]
"""A click: (x, y) in pixels from the top-left corner, or (x, y, "-") for a negative one."""

_ALL_OVER = Clicks()


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """The answer to a prompt.

    Attributes:
        probability: (H, W) float32, P(pixel in mask | prompt).
        predicted_iou: in [0, 1], how good the mask probably is.
    """

    probability: ProbabilityArray
    predicted_iou: float

    @cached_property
    def mask(self) -> MaskArray:
        """(H, W) bool: where the probability is above one half."""
        return self.probability > 0.5

    def __repr__(self) -> str:
        return f"Prediction({np.count_nonzero(self.mask)} pixels, predicted_iou={self.predicted_iou:.2f})"


class Encoded:
    """An image ready for prompts; immutable, and safe to share between threads.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        plain: the segmentor's own encoded image.
    """

    def __init__(self, segmentor: Segmentor, image: ImageArray, plain: EncodedImage, file_name: str = "") -> None:
        self.image = image
        self.plain = plain
        self._segmentor = segmentor
        self._file_name = file_name

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the image in pixels."""
        return self.plain.shape

    def predict(
        self, clicks: Iterable[Prompt] = (), *, box: Box | None = None, mask: MaskArray | Prediction | None = None
    ) -> Prediction:
        """The mask that clicks ask for, all together.

        Args:
            clicks: (x, y), (x, y, "-") for a negative one, or `Click`; in pixels from the top-left corner.
            box: (left, top, right, bottom) around the object; clicks are then answered within it.
            mask: (H, W) bool, or an earlier answer, that the clicks correct.

        Raises:
            InputError: nothing is asked, or something lies outside the image.
        """
        made = clicks_of(clicks)
        begun = mask.mask if isinstance(mask, Prediction) else mask
        if begun is not None and isinstance(self.plain, AnswersByRegion):
            for number in range(1, len(made)):  # there each correction is of one click
                begun = answer_to(self.plain, made[:number], mask=begun) > 0.5
        probability = answer_to(self.plain, made, box, begun)
        if len(made) == 1 and box is None and begun is None and isinstance(self.plain, ScoresMasks):
            return Prediction(probability, float(self.plain.scores(made)[0]))
        return Prediction(probability, float(expected_iou_of(probability[None])[0]))

    def choices(self, clicks: Iterable[Prompt]) -> list[Prediction]:
        """Every answer that the model has for the same clicks, from part to whole, each with its predicted IoU.

        A model that has but one gives that.

        Raises:
            InputError: there is no click, or one lies outside the image.
        """
        made = clicks_of(clicks)
        if not isinstance(self.plain, GivesChoices):
            return [self.predict(made)]
        probabilities, ious = self.plain.choices(made)
        return [Prediction(each, iou) for each, iou in zip(probabilities, ious.tolist(), strict=True)]

    def masks(
        self,
        strategy: Strategy = _ALL_OVER,
        *,
        min_score: float | None = None,
        min_area: int | None = None,
        max_masks: int | None = None,
    ) -> Proposals:
        """The masks of the whole image, without a click.

        Args:
            strategy: `Clicks()`, `Adaptive()`, `Tiles(side)`, `Partition(regions)` or `SamGenerator(version)`.
            min_score: drop masks of a lower score; the rest is for `Clicks`, `Adaptive` and `Tiles` alone.
            min_area: drop masks of fewer pixels.
            max_masks: keep the first of them, those that tell most of the image.

        Raises:
            InputError: the strategy has its own rules, and one of the others was given.
        """
        given = {"min_score": min_score, "min_area": min_area, "max_proposals": max_masks}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if changes:
            if isinstance(strategy, Partition | SamGenerator):
                name = type(strategy).__name__
                raise InputError(f"{name} has its own rules: leave out min_score, min_area and max_masks")
            strategy = replace(strategy, selection=replace(strategy.selection, **changes))
        found = find_masks(self._segmentor, self.image, strategy, self.plain).proposals
        return replace(found, image=self.image, file_name=self._file_name)

    def __repr__(self) -> str:
        height, width = self.shape
        return f"Encoded({self._file_name or 'image'}, {width}x{height}, by {self._segmentor.name})"


class Model:
    """A segmentor that takes images of any kind.

    Attributes:
        plain: the segmentor.
    """

    def __init__(self, segmentor: Segmentor) -> None:
        self.plain = segmentor

    @property
    def name(self) -> str:
        """The name in the registry."""
        return self.plain.name

    def encode(self, image: Source) -> Encoded:
        """Do all the work that does not depend on prompts.

        Args:
            image: a path, a PIL picture, or an array: grey, RGB or RGBA; uint8, uint16, or floating point from 0 to 1.

        Raises:
            InputError: it is no image, or its file cannot be read.
        """
        named = isinstance(image, str | Path)
        pixels = read_image(image) if isinstance(image, str | Path) else image_of(image)
        return Encoded(self.plain, pixels, self.plain.encode(pixels), Path(str(image)).name if named else "")

    def __repr__(self) -> str:
        return f"Model({self.name!r})"


def load(name: str = DEFAULT) -> Model:
    """Load a model by the name that `tamis models` lists, or by "package.module:factory".

    Raises:
        InputError: there is no such model; the message suggests the nearest name.
        UnavailableError: it needs something that is not installed; the message holds the command.
    """
    return Model(load_segmentor(name))


def evaluate(
    model: Model | Segmentor | str,
    dataset: Dataset,
    rules: str | Rules = "tamis",
    *,
    limit: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Click on every mask of a dataset, and measure the answers; `tamis evaluate` also keeps records and makes a page.

    Args:
        model: a model, or its name.
        dataset: from `open_dataset`.
        rules: "tamis", "ritm", "segnext", or rules of your own.
        limit: only the first so many images.
        seed: of clicks and intervals.
        progress: called after every image with how many are done and how many there are.

    Raises:
        InputError: there are no such rules, or the dataset has no images.
    """
    segmentor = _segmentor(model)
    if isinstance(rules, str):
        if rules not in PROTOCOLS:
            raise InputError(f"there are no rules '{rules}': choose from {', '.join(PROTOCOLS)}")
        rules = PROTOCOLS[rules]
    dataset = dataset.first(limit)
    records = {}
    for name, record in evaluated(segmentor, dataset, rules, seed):
        records[name] = record
        if progress is not None:
            progress(len(records), len(dataset.samples))
    weights = weights_of(segmentor)
    return evaluation_of(records, dataset, segmentor.name, weights, rules, seed)


def segment(
    images: str | Path | Sequence[str | Path],
    out: str | Path,
    model: Model | Segmentor | str = DEFAULT,
    strategy: Strategy = _ALL_OVER,
    *,
    formats: Sequence[str] = USUAL,
    workers: int = 1,
    progress: Callable[[Outcome, int, int], None] | None = None,
) -> list[Outcome]:
    """Find the masks of many images and write them, as `tamis segment` does; finished images are skipped.

    Args:
        images: files, folders and patterns.
        out: the result folder, made if needed.
        model: a model, or its name.
        strategy: as of `Encoded.masks`.
        formats: any of "coco", "labelmap", "overlay", "sam", "svg".
        workers: processes of this machine.
        progress: called after every image with what became of it, how many are done and how many there are.

    Returns:
        What became of each image; one that cannot be read is among them, with the reason.

    Raises:
        InputError: there is no image, or another run is writing there.
        OutputError: a result cannot be written.
    """
    paths = find_images([images] if isinstance(images, str | Path) else images)
    settings = SegmentSettings(strategy, tuple(formats))
    outcomes: list[Outcome] = []
    with closing(segment_images(paths, Path(out), _segmentor(model), settings, executor_of(workers))) as found:
        for outcome in found:
            outcomes.append(outcome)
            if progress is not None:
                progress(outcome, len(outcomes), len(paths))
    return outcomes


def export(
    project: "Project | str | Path",
    format: str,
    out: str | Path,
    *,
    states: Collection[str] = (),
    tolerance: float = 0.0,
    split: str = "",
    seed: int = 0,
    images: "Pixels" = "none",
) -> Loss:
    """Write the masks of a project for other programs, and say what the format does not keep.

    Args:
        project: open, or its folder.
        format: a name from `tamis export --help`, such as "coco" or "yolo".
        out: a folder, new or empty.
        states: only images in one of these; all by default.
        tolerance: how far simplified outlines may lie from the masks, in pixels, in formats of polygons.
        split: shares of train, val and, if wanted, test, such as "0.8,0.1,0.1"; none by default.
        seed: which images go where.
        images: what becomes of the images themselves: "none", "copy" or "link".

    Raises:
        InputError: there is no project, no mask, no such format, or something in the folder.
        OutputError: it cannot be written.
    """
    from tamis.annotation.exchange import export_folder, to_dataset
    from tamis.annotation.fold import STATES
    from tamis.annotation.project import Project, open_project
    from tamis.formats.splits import shares_in, with_split

    if not isinstance(project, Project):
        with open_project(project, create=False) as opened:
            return export(
                opened, format, out, states=states, tolerance=tolerance, split=split, seed=seed, images=images
            )
    dataset = replace(to_dataset(project, states or STATES), pixels=images)
    if split:
        dataset = with_split(dataset, shares_in(split), seed)
    return export_dataset(dataset, format, export_folder(Path(out)), tolerance)


def _segmentor(model: Model | Segmentor | str) -> Segmentor:
    if isinstance(model, str):
        return load_segmentor(model)
    return model.plain if isinstance(model, Model) else model

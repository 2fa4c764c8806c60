"""One evaluation of an interactive segmentor: clicks, IoUs and times of every mask of a dataset."""

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click, corrective_click, random_click, with_clicked_pixels
from tamis.datasets.protocol import Dataset, Sample, Target
from tamis.errors import InputError
from tamis.evaluation.combining import RULES
from tamis.evaluation.real_clicks import RealClicks
from tamis.evaluation.rules import Rules
from tamis.mask.iou import iou_of
from tamis.scale.running import Executor, in_order, none_lost
from tamis.segmentors import AnswersAlone, AnswersInTurn, EncodedImage, Segmentor, load_segmentor
from tamis.segmentors.wrappers.augmented import augmented


@dataclass(frozen=True)
class ClickRecord:
    """One click and what came of it; a row of masks.parquet.

    Attributes:
        mask: the target's id.
        area: of the target in pixels, ignored ones left out.
        repeat: which try, from 0.
        click: its number, from 1.
        x, y: in pixels of the original image.
        positive: its sign.
        iou: of the mask after this click with the target, over the pixels that count.
        seconds: that the segmentor took to answer.
    """

    mask: str
    area: int
    repeat: int
    click: int
    x: float
    y: float
    positive: bool
    iou: float
    seconds: float


@dataclass
class ImageRecord:
    """What became of one image.

    Attributes:
        clicks: of all its masks, repeats and clicks, in that order.
        masks: how many masks were clicked.
        skipped_small: ids of masks under the least area.
        empty: ids of masks without a pixel that counts.
        mismatched: ids of masks whose size is not the image's.
        error: why the image or its masks could not be read; None where they could.
        encode_seconds: for everything that does not depend on clicks.
    """

    clicks: list[ClickRecord] = field(default_factory=list)
    masks: int = 0
    skipped_small: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    error: str | None = None
    encode_seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ImageRecord":
        """The record that `to_json` made the value of."""
        return cls(**{**value, "clicks": [ClickRecord(**click) for click in value["clicks"]]})


def evaluate(
    segmentor: Segmentor,
    dataset: Dataset,
    rules: Rules,
    seed: int = 0,
    skip: Callable[[str], bool] = lambda name: False,
    real: RealClicks | None = None,
) -> Generator[tuple[str, ImageRecord]]:
    """Evaluate every image of a dataset in this process, and yield its name and record.

    Args:
        segmentor: the model; each image is encoded once for all its masks, repeats and clicks.
        dataset: what to click on.
        rules: of the evaluation.
        seed: of random clicks, which depend on nothing else but the names of image and mask and the repeat: neither
            on the order of images nor on what is skipped.
        skip: says of an image's name that it is not wanted.
        real: clicks of people, which begin tries; without any a mask is left out.
    """
    segmentor = augmented(segmentor, rules.tta)
    for sample in dataset.samples:
        if not skip(sample.name):
            yield sample.name, evaluate_image(segmentor, sample, rules, seed, real)


def evaluate_with(
    segmentor: str | Segmentor,
    dataset: Dataset,
    rules: Rules,
    seed: int,
    executor: Executor,
    skip: Callable[[str], bool],
    real: RealClicks | None = None,
) -> Generator[tuple[str, ImageRecord]]:
    """The same by any workers; images come in order.

    Args:
        segmentor: a name, which every worker loads for itself, or a segmentor that can be pickled.
        dataset: what to click on.
        rules: of the evaluation.
        seed: as of `evaluate`.
        executor: who works.
        skip: as of `evaluate`.
        real: as of `evaluate`.

    Raises:
        UnavailableError: after all others, where an image ended its workers.
    """
    wanted = [sample for sample in dataset.samples if not skip(sample.name)]
    with closing(in_order(_Work(segmentor, rules, seed, real), wanted, executor)) as records:
        for sample, record in none_lost(records, lambda sample: sample.name):
            yield sample.name, record


def evaluate_image(
    segmentor: Segmentor, sample: Sample, rules: Rules, seed: int, real: RealClicks | None = None
) -> ImageRecord:
    """Evaluate one image; what cannot be used is counted in the record, never raised.

    With clicks of people every mask is tried once by the clicker alone, and then after each of them.
    """
    record = ImageRecord()
    found = usable_targets(sample, rules, record)
    if found is None:
        return record
    image, targets = found
    start = perf_counter()
    encoded = segmentor.encode(image)
    record.encode_seconds = perf_counter() - start
    record.masks = len(targets)
    if real is not None:
        record.clicks = list(_after_real_clicks(encoded, image, sample, targets, rules, seed, real))
        return record
    trials = [
        (target, repeat, np.random.default_rng(seed_of(seed, sample.name, target.id, repeat)))
        for target in targets
        for repeat in range(rules.repeats)
    ]
    if rules.clicks == 1 and rules.combine == "native" and isinstance(encoded, AnswersAlone):
        record.clicks = list(click_once(encoded, trials, rules))
    else:
        for target, repeat, rng in trials:
            record.clicks += click_through(_answering(encoded, rules.combine), target, rules, repeat, rng)
    return record


def usable_targets(sample: Sample, rules: Rules, record: ImageRecord) -> tuple[ImageArray, list[Target]] | None:
    """An image and those of its masks that can be clicked on; None if there are none.

    Args:
        sample: to read.
        rules: with the least area.
        record: where everything that cannot be used is noted.
    """
    try:
        image = sample.image()
        targets = list(sample.targets())
    except InputError as error:
        record.error = str(error)
        return None
    usable = [target for target in targets if _usable(target, image.shape[:2], rules.min_area, record)]
    return (image, usable) if usable else None


def _after_real_clicks(
    encoded: EncodedImage,
    image: ImageArray,
    sample: Sample,
    targets: Sequence[Target],
    rules: Rules,
    seed: int,
    real: RealClicks,
) -> Iterator[ClickRecord]:
    shape = image.shape[0], image.shape[1]
    for target in targets:
        first = real.on(sample.image_path.stem, target.id, shape)
        for repeat, begin in enumerate((None, *first) if first else ()):
            rng = np.random.default_rng(seed_of(seed, sample.name, target.id, repeat))
            yield from click_through(_answering(encoded, rules.combine), target, rules, repeat, rng, begin)


def click_once(
    encoded: AnswersAlone, trials: Sequence[tuple[Target, int, np.random.Generator]], rules: Rules
) -> Iterator[ClickRecord]:
    """The first click of every trial, all asked for together, as it is answered at once: no border is `drawn`."""
    clicks = []
    for target, _, rng in trials:
        nothing = np.zeros_like(target.mask)
        click = _next_click(_wanted(target), nothing, [], target.valid, rules, rng)
        assert click is not None, "targets have pixels that count"
        clicks.append(click)
    answers = encoded.alone(clicks)
    for (target, repeat, _), click in zip(trials, clicks, strict=True):
        start = perf_counter()
        probability = next(answers)
        seconds = perf_counter() - start
        wanted = _wanted(target)
        iou = iou_of(probability > rules.threshold, wanted, target.valid)
        yield _record(target, int(np.count_nonzero(wanted)), repeat, 1, click, iou, seconds)


def click_through(
    answer: Callable[[Sequence[Click]], ProbabilityArray],
    target: Target,
    rules: Rules,
    repeat: int,
    rng: np.random.Generator,
    begin: Click | None = None,
) -> list[ClickRecord]:
    """Click on one mask until the rules say stop.

    Args:
        answer: from all clicks so far to (H, W) float32 probabilities.
        target: the mask wanted.
        rules: clicker, number of clicks, threshold and when to stop.
        repeat: for the records.
        rng: of random clicks.
        begin: the first click, instead of the clicker's.
    """
    wanted = _wanted(target)
    area = int(np.count_nonzero(wanted))
    prediction: MaskArray = np.zeros_like(wanted)
    clicks: list[Click] = []
    records: list[ClickRecord] = []
    iou = 0.0
    while len(clicks) < rules.clicks and not (rules.stop_at is not None and clicks and iou >= rules.stop_at):
        click = None if clicks else begin
        click = click or _next_click(wanted, prediction, clicks, target.valid, rules, rng)
        if click is None:
            break
        clicks.append(click)
        start = perf_counter()
        probability = answer(clicks)
        seconds = perf_counter() - start
        prediction = probability > rules.threshold
        iou = iou_of(prediction, wanted, target.valid)
        records.append(_record(target, area, repeat, len(clicks), click, iou, seconds))
    return records


def _wanted(target: Target) -> MaskArray:
    return target.mask if target.valid is None else target.mask & target.valid


def _record(
    target: Target, area: int, repeat: int, number: int, click: Click, iou: float, seconds: float
) -> ClickRecord:
    # The peers stop by the double, and count clicks by the single precision number that they keep.
    kept = float(np.float32(iou))
    return ClickRecord(target.id, area, repeat, number, click.x, click.y, click.positive, kept, round(seconds, 6))


def _next_click(
    wanted: MaskArray,
    prediction: MaskArray,
    clicks: Sequence[Click],
    valid: MaskArray | None,
    rules: Rules,
    rng: np.random.Generator,
) -> Click | None:
    """The next click; None if nothing is left to correct."""
    if rules.clicker == "center":
        try:
            return corrective_click(wanted, prediction, clicks, valid)
        except InputError:
            return None
    if not clicks:
        return random_click(wanted, rng)
    wrong = wanted != prediction if valid is None else (wanted != prediction) & valid
    if not wrong.any():
        return None
    click = random_click(wrong, rng)
    return Click(click.x, click.y, bool(wanted[click.pixel]))


def _answering(encoded: EncodedImage, rule: str) -> Callable[[Sequence[Click]], ProbabilityArray]:
    """What answers the clicks of one try: the segmentor itself, or a rule over its answers to each click alone."""
    if rule == "native":
        return encoded.in_turn() if isinstance(encoded, AnswersInTurn) else encoded.probability
    alone: list[ProbabilityArray] = []

    def answer(clicks: Sequence[Click]) -> ProbabilityArray:
        alone.extend(encoded.probability([click]) for click in clicks[len(alone) :])
        return with_clicked_pixels(RULES[rule](np.stack(alone)), clicks)

    return answer


def _usable(target: Target, shape: tuple[int, int], min_area: int, record: ImageRecord) -> bool:
    if target.mask.shape != shape or (target.valid is not None and target.valid.shape != shape):
        record.mismatched.append(target.id)
        return False
    area = np.count_nonzero(target.mask if target.valid is None else target.mask & target.valid)
    if area == 0:
        record.empty.append(target.id)
    elif area < min_area:
        record.skipped_small.append(target.id)
    return bool(area > 0 and area >= min_area)


def seed_of(seed: int, image: str, mask: str, repeat: int) -> int:
    """A seed of its own for each try, the same in every process and on every machine."""
    text = "\0".join((str(seed), image, mask, str(repeat)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


@dataclass
class _Work:
    """What a worker process does; it loads the segmentor once, with its first image."""

    segmentor: str | Segmentor
    rules: Rules
    seed: int
    real: RealClicks | None = None
    ready: Segmentor | None = None

    def __call__(self, sample: Sample) -> ImageRecord:
        if self.ready is None:
            loaded = load_segmentor(self.segmentor) if isinstance(self.segmentor, str) else self.segmentor
            self.ready = augmented(loaded, self.rules.tta)
        return evaluate_image(self.ready, sample, self.rules, self.seed, self.real)

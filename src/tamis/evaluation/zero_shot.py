"""How well the masks of an image that nobody clicked on hold the true ones, against the number of masks allowed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.protocol import Sample, Target
from tamis.errors import InputError
from tamis.evaluation.interactive import ImageRecord, usable_targets
from tamis.evaluation.recall import coco_ranks
from tamis.evaluation.rules import Rules
from tamis.mask import Masks, intersections
from tamis.partition.nested import METHODS, Partitions, partition
from tamis.proposals import Selection
from tamis.proposals.grid import clicks_for, propose
from tamis.proposals.nms import SUPPRESSIONS
from tamis.proposals.order import ORDERS
from tamis.proposals.refine import SOURCES, best_union_iou, covers, pieces_of_the_segmentor, refined
from tamis.proposals.scores import SCORES
from tamis.segmentors import EncodedImage, Segmentor


@dataclass(frozen=True)
class ZeroShotRules:
    """What decides the masks and the numbers, besides segmentor and dataset.

    Attributes:
        budgets: numbers of masks allowed, ascending.
        grid: clicks per side; None clicks in every region of a segmentor that has regions.
        levels: probabilities that the masks of a click are cut at.
        score: of `SCORES`; "" for the predicted IoU where there is one, otherwise the expected IoU.
        nms: of `SUPPRESSIONS`.
        order: of `ORDERS`.
        refine: superpixels of `SOURCES` that masks are made of; "" leaves them.
        partition: of `METHODS`: for k masks, the k regions of a partition in place of proposals; "" for proposals.
        min_area: smaller targets and proposals, in pixels, are left out.
    """

    budgets: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    grid: int | None = None
    levels: tuple[float, ...] = (0.5,)
    score: str = ""
    nms: str = "mask"
    order: str = "gain"
    refine: str = ""
    partition: str = ""
    min_area: int = 256

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.score, SCORES, "score"),
            (self.nms or "?", SUPPRESSIONS, "nms"),
            (self.order or "?", ORDERS, "order"),
            (self.refine, SOURCES, "superpixels"),
            (self.partition, METHODS, "partition"),
        ):
            if value and value not in known:
                raise InputError(f"{what} '{value}' is unknown: choose from {', '.join(known)}")
        if not self.budgets or min(self.budgets) < 1:
            raise InputError("budgets are numbers of masks, each at least 1, such as 1,10,100")
        if not self.levels or not all(0 < level < 1 for level in self.levels):
            raise InputError("levels are probabilities between 0 and 1, such as .3,.5,.7")


@dataclass
class ZeroShotRecord:
    """What became of one image; T targets.

    Attributes:
        masks: ids of the targets.
        areas: their pixels that count.
        best: for each budget, the T largest IoUs.
        matched: for each budget and each of COCO's thresholds, how many targets are found.
        proposals: how many masks there were.
        bound: the T largest IoUs of any of them; of the partitions that were asked for, if it is those.
        union_bound: the T IoUs of the best unions of the segmentor's superpixels.
        superpixels: how many there are.
        skipped_small, empty, mismatched, error: as in `ImageRecord`.
        seconds: from image to masks.
    """

    masks: list[str] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)
    best: list[list[float]] = field(default_factory=list)
    matched: list[list[int]] = field(default_factory=list)
    proposals: int = 0
    bound: list[float] = field(default_factory=list)
    union_bound: list[float] = field(default_factory=list)
    superpixels: int = 0
    skipped_small: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    error: str | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)


class TargetMasks:
    """The targets of an image, ready to be compared with many masks; pixels that do not count are left out.

    Attributes:
        masks: T targets, their pixels that count.
        valid: V masks of the pixels that count, different ones only.
        of_target: (T,) which of them each target goes by; -1 where all pixels count.
        areas: (T,) pixels of the targets.
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        shape = targets[0].mask.shape
        size = (shape[0], shape[1])
        distinct: dict[bytes, int] = {}
        valid: list[MaskArray] = []
        places = []
        for target in targets:
            if target.valid is None:
                places.append(-1)
                continue
            key = np.packbits(target.valid).tobytes()
            if key not in distinct:
                distinct[key] = len(valid)
                valid.append(target.valid)
            places.append(distinct[key])
        self.of_target = np.array(places)
        self.valid = Masks.from_dense(valid, size)
        self.masks = Masks.from_dense((_counting(target) for target in targets), size)
        self.areas = self.masks.areas

    def ious(self, masks: Masks) -> NDArray[np.float64]:
        """(N, T) float64: the IoU of each mask with each target, over the pixels that count."""
        shared = intersections(masks, self.masks)
        areas = self.counted(intersections(masks, self.valid), masks.areas)
        return np.asarray(shared / np.maximum(areas + self.areas - shared, 1))

    def counted(self, in_valid: NDArray[np.int64], areas: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, T) pixels of each of N masks that count for each target, of (N, V) that are in each valid mask."""
        columns = np.concatenate([in_valid, areas[:, None]], axis=1)
        return columns[:, self.of_target]


def evaluate_image(segmentor: Segmentor, sample: Sample, rules: ZeroShotRules) -> ZeroShotRecord:
    """Find the masks of one image, and compare them with its targets.

    Args:
        segmentor: the model.
        sample: the image and its targets.
        rules: of the evaluation.
    """
    before = ImageRecord()
    found = usable_targets(sample, Rules(min_area=rules.min_area), before)
    record = ZeroShotRecord(
        skipped_small=before.skipped_small, empty=before.empty, mismatched=before.mismatched, error=before.error
    )
    if found is None:
        return record
    image, targets = found
    start = perf_counter()
    encoded = segmentor.encode(image)
    wanted = TargetMasks(targets)
    record.masks, record.areas = [target.id for target in targets], wanted.areas.tolist()
    if rules.partition:
        parts = partition(encoded, image, METHODS[rules.partition], rules.budgets[-1])
        record.seconds = perf_counter() - start
        record.proposals = len(parts.levels)
        overlaps = list(partition_overlaps(parts, wanted, rules.budgets))
        record.matched = [np.count_nonzero(coco_ranks(ious) < len(ious), axis=1).tolist() for ious in overlaps]
    else:
        masks = proposed(encoded, image, rules)
        record.seconds = perf_counter() - start
        record.proposals = len(masks)
        every = wanted.ious(masks)
        ranks = np.where((found_by := coco_ranks(every)) < len(every), found_by, np.iinfo(np.int64).max)
        overlaps = [every[:budget] for budget in rules.budgets]
        record.matched = [np.count_nonzero(ranks < budget, axis=1).tolist() for budget in rules.budgets]
        overlaps.append(every)
    best = [np.round(ious.max(axis=0, initial=0.0), 6).tolist() for ious in overlaps]
    record.best = best[: len(rules.budgets)]
    record.bound = np.max(best, axis=0).tolist()
    pieces = pieces_of_the_segmentor(encoded, image)
    record.superpixels = len(pieces)
    shared, areas = covers(pieces, wanted.masks), wanted.counted(covers(pieces, wanted.valid), pieces.areas)
    record.union_bound = [
        round(float(best_union_iou(shared[:, [t]], areas[:, t], wanted.areas[[t]])[0]), 6) for t in range(len(targets))
    ]
    return record


def proposed(encoded: EncodedImage, image: ImageArray, rules: ZeroShotRules) -> Masks:
    """The masks of an image by the rules, in their order."""
    score = SCORES[rules.score] if rules.score else None
    clicks = clicks_for(encoded, rules.grid)
    selection = Selection(
        rules.levels, rules.min_area, suppress=SUPPRESSIONS[rules.nms], score=score, order=ORDERS[rules.order]
    )
    found = propose(encoded, clicks, selection)
    if not rules.refine:
        return found.masks
    return refined(found.masks, SOURCES[rules.refine](encoded, image))


def partition_overlaps(
    partitions: Partitions, wanted: TargetMasks, budgets: Sequence[int]
) -> Iterator[NDArray[np.float64]]:
    """For each budget k the (k, T) IoUs of the k regions of the partition, the largest region first."""
    pieces = partitions.superpixels
    shared = covers(pieces, wanted.masks)
    counted = wanted.counted(covers(pieces, wanted.valid), pieces.areas)
    for budget in budgets:
        level = partitions.levels[min(budget, len(partitions.levels)) - 1]
        inside = _summed(shared, level)
        areas = _summed(counted, level)
        order = np.argsort(-np.bincount(level, pieces.areas), kind="stable")
        yield (inside / np.maximum(areas + wanted.areas - inside, 1))[order]


def _summed(values: NDArray[np.int64], level: NDArray[np.uint16]) -> NDArray[np.int64]:
    sums = np.zeros((int(level.max()) + 1, values.shape[1]), np.int64)
    np.add.at(sums, level, values)
    return sums


def _counting(target: Target) -> MaskArray:
    return target.mask if target.valid is None else target.mask & target.valid

"""Further clicks that nobody makes: ensembles of them, and the triangulation by the law of total probability."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, random_click
from tamis.evaluation.combination import StudySettings, study_image
from tamis.evaluation.combining import triangulate
from tamis.evaluation.interactive import ImageRecord, seed_of, usable_targets
from tamis.evaluation.rules import Rules
from tamis.image import write_image
from tamis.research.study import Finding, Setting, Way, paired

SIZES = (10, 100)


def ensembles(setting: Setting) -> Finding:
    """Ten and a hundred further clicks within the first answer, joined in every way that the notes tried."""
    settings = StudySettings(extra=SIZES, places=("inside",))
    images: list[str] = []
    columns: dict[str, list[float]] = {}
    for sample in setting.dataset.samples:
        ious = study_image(setting.segmentor, sample, settings, setting.seed)["ious"]
        images += [sample.name] * len(ious.get("alone", []))
        for column, values in ious.items():
            columns.setdefault(column, []).extend(values)
    ways = [Way("the click alone", images, columns.get("alone", []))]
    for column, values in columns.items():
        if column != "alone":
            _, rule, count = column.split("/")
            ways.append(Way(f"{rule} of {count} more", images, values))
    return Finding(paired(ways, setting.seed))


@dataclass(frozen=True)
class Smoothed:
    """What a further point y does to the answer to a click x.

    Attributes:
        before: mean certainty |2 p − 1| of P(z | x).
        after: of the triangulated answer.
        between: share of pixels where the latter lies between its two parts, up to rounding; all, by the formula.
        surer: share of pixels where it is more certain than both of its parts; none, by the formula.
    """

    before: float
    after: float
    between: float
    surer: float


def smoothed(first: ProbabilityArray, inside: ProbabilityArray, outside: ProbabilityArray, share: float) -> Smoothed:
    """Compare P(z | x) with P(y | x) P(z | y ∈ m) + (1 − P(y | x)) P(z | y ∉ m), of which z = y is no exception.

    Args:
        first: (H, W), P(z | x).
        inside: (H, W), P(z | y ∈ m).
        outside: (H, W), P(z | y ∉ m).
        share: P(y | x).
    """
    answer = triangulate(inside, outside, share)
    low, high = np.minimum(inside, outside), np.maximum(inside, outside)
    certainty, parts = np.abs(2 * answer - 1), np.maximum(np.abs(2 * inside - 1), np.abs(2 * outside - 1))
    return Smoothed(
        float(np.abs(2 * first - 1).mean()),
        float(certainty.mean()),
        float(((answer >= low - 1e-5) & (answer <= high + 1e-5)).mean()),
        float((certainty > parts + 1e-5).mean()),
    )


def triangulation(setting: Setting) -> Finding:
    """Whether a point that is uncertain makes the answer to a click more certain; with pictures."""
    found: list[Smoothed] = []
    pictures: list[Path] = []
    for sample in setting.dataset.samples:
        usable = usable_targets(sample, Rules(), ImageRecord())
        if usable is None:
            continue
        image, targets = usable
        encoded = setting.segmentor.encode(image)
        for target in targets[:3]:
            rng = np.random.default_rng(seed_of(setting.seed, sample.name, target.id, 0))
            first = encoded.probability([random_click(target.mask, rng)])
            row, column = divmod(int(np.abs(first - 0.5).argmin()), first.shape[1])
            inside = encoded.probability([Click.at_pixel(row, column)])
            outside = encoded.probability([Click.at_pixel(row, column, positive=False)])
            share = float(first[row, column])
            found.append(smoothed(first, inside, outside, share))
            if len(pictures) < 3 and target is targets[0]:
                file = setting.out / f"triangulation-{len(pictures) + 1}.png"
                write_image(file, side_by_side(image, [first, inside, outside, triangulate(inside, outside, share)]))
                pictures.append(file)
    rows = [
        {"way": "certainty of the click's answer", "mean": _mean(found, "before"), "masks": len(found)},
        {"way": "certainty after triangulation", "mean": _mean(found, "after"), "masks": len(found)},
        {"way": "pixels between the two parts", "mean": _mean(found, "between"), "masks": len(found)},
        {"way": "pixels surer than both parts", "mean": _mean(found, "surer"), "masks": len(found)},
    ]
    smoother = np.mean([each.after < each.before for each in found]) if found else float("nan")
    return Finding(rows, [f"the answer became less certain for {100 * smoother:.0f} % of the masks"], pictures)


def _mean(found: list[Smoothed], name: str) -> float:
    return round(float(np.mean([getattr(each, name) for each in found])), 6) if found else float("nan")


def side_by_side(image: ImageArray, answers: list[ProbabilityArray]) -> ImageArray:
    """Image and probabilities side by side, 200 pixels high."""
    import cv2

    width = max(1, round(image.shape[1] * 200 / image.shape[0]))
    tiles = [image, *(np.repeat((answer * 255).astype(np.uint8)[..., None], 3, axis=2) for answer in answers)]
    return np.asarray(np.concatenate([cv2.resize(tile, (width, 200)) for tile in tiles], axis=1), np.uint8)

"""Masks without a click: what they have to do with one click, and how they are chosen and made."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tamis.evaluation.zero_shot import ZeroShotRecord, ZeroShotRules, evaluate_image
from tamis.render.page import write_page
from tamis.research.one_click import ONE, tried
from tamis.research.study import Finding, Setting, Way, correlation, paired

BUDGET = 100
RULES = ZeroShotRules(budgets=(BUDGET,), order="nms")
THRESHOLDS = 1000


def found(setting: Setting, rules: ZeroShotRules = RULES) -> Iterator[tuple[str, ZeroShotRecord]]:
    """Every image with masks, and what was found on it without a click."""
    for sample in setting.dataset.samples:
        record = evaluate_image(setting.segmentor, sample, rules)
        if record.masks:
            yield sample.name, record


def _way(name: str, setting: Setting, rules: ZeroShotRules) -> Way:
    images, values = [], []
    for image, record in found(setting, rules):
        images += [image] * len(record.masks)
        values += record.best[0]
    return Way(name, images, values)


def recall(setting: Setting) -> Finding:
    """Mean recall over all thresholds is mIoU."""
    ious = np.array(_way("", setting, RULES).values)
    thresholds = (np.arange(THRESHOLDS) + 0.5) / THRESHOLDS
    recalls = np.array([(ious >= threshold).mean() for threshold in thresholds])
    coco = np.array([(ious >= threshold).mean() for threshold in np.arange(0.5, 1, 0.05)])
    rows = [
        {"way": "mIoU", "mean": round(float(ious.mean()), 6), "masks": len(ious)},
        {"way": f"mean recall, {THRESHOLDS} thresholds from 0 to 1", "mean": round(float(recalls.mean()), 6),
         "masks": len(ious)},
        {"way": "COCO's mean recall, .5 to .95", "mean": round(float(coco.mean()), 6), "masks": len(ious)},
    ]  # fmt: skip
    return Finding(rows, [f"mIoU and mean recall differ by {abs(ious.mean() - recalls.mean()):.6f}"])


def zero_against_one(setting: Setting) -> Finding:
    """MIoU without a click and with one, image by image."""
    zero = {image: float(np.mean(record.best[0])) for image, record in found(setting)}
    way = tried("one click", setting, replace(ONE, repeats=3))
    one: dict[str, list[float]] = {}
    for image, value in zip(way.images, way.values, strict=True):
        one.setdefault(image, []).append(value)
    shared = [image for image in zero if image in one]
    points = [(float(np.mean(one[image])), zero[image]) for image in shared]
    pearson, spearman = correlation(np.array([p[0] for p in points]), np.array([p[1] for p in points]))
    page = setting.out / "zero-against-one.html"
    write_page(page, "mIoU@0 against mIoU@1, a point for each image", scatter(points))
    rows = [
        {"way": "mIoU@1", "mean": round(float(np.mean([p[0] for p in points])), 6), "images": len(points)},
        {"way": f"mIoU@0, best {BUDGET} masks", "mean": round(float(np.mean([p[1] for p in points])), 6),
         "images": len(points)},
    ]  # fmt: skip
    return Finding(rows, [f"correlation over images: Pearson {pearson:.2f}, Spearman {spearman:.2f}"], (page,))


def scatter(points: list[tuple[float, float]]) -> str:
    """An SVG of points between 0 and 1."""
    dots = "".join(f'<circle cx="{60 + 400 * x:.1f}" cy="{440 - 400 * y:.1f}" r="4" />' for x, y in points)
    ticks = "".join(
        f'<text x="{60 + 400 * t}" y="460" text-anchor="middle">{t:g}</text>'
        f'<text x="50" y="{445 - 400 * t}" text-anchor="end">{t:g}</text>'
        for t in (0, 0.5, 1)
    )
    return (
        '<svg viewBox="0 0 500 500" width="500" height="500" font-size="14" font-family="sans-serif">'
        '<rect x="60" y="40" width="400" height="400" fill="none" stroke="#888" />'
        '<line x1="60" y1="440" x2="460" y2="40" stroke="#ccc" />'
        f'<g fill="#1f6feb" fill-opacity=".6">{dots}</g>{ticks}'
        '<text x="260" y="490" text-anchor="middle">mIoU@1</text>'
        '<text x="16" y="240" text-anchor="middle" transform="rotate(-90 16 240)">mIoU@0</text></svg>'
    )


def suppression(setting: Setting) -> Finding:
    """Masks suppressed by their own IoU against by that of their boxes."""
    ways = [_way(f"by {name}", setting, replace(RULES, nms=name)) for name in ("box", "mask")]
    return Finding(paired(ways, setting.seed))


def superpixels(setting: Setting) -> Finding:
    """Masks as they are against unions of superpixels."""
    ways = [_way("as they are", setting, RULES)]
    ways += [_way(f"unions of {name}", setting, replace(RULES, refine=name)) for name in ("certainty", "slic")]
    return Finding(paired(ways, setting.seed))

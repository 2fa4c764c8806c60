"""One click: where it falls, what is cut off, how often it is tried, and what is done to the image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click, require_inside
from tamis.evaluation.interactive import evaluate
from tamis.evaluation.rules import Rules
from tamis.research.study import Finding, Setting, Way, paired
from tamis.segmentors import EncodedImage, Segmentor
from tamis.segmentors.resampling import resized

ONE = Rules(repeats=1)


def tried(name: str, setting: Setting, rules: Rules, segmentor: Segmentor | None = None) -> Way:
    """IoUs of the first click by some rules."""
    images, values = [], []
    for image, record in evaluate(segmentor or setting.segmentor, setting.dataset, rules, setting.seed):
        for click in record.clicks:
            if click.click == 1:
                images.append(image)
                values.append(click.iou)
    return Way(name, images, values)


def random_or_centre(setting: Setting) -> Finding:
    """A click in the middle of a mask against one anywhere in it."""
    ways = [tried("random click", setting, ONE), tried("centre click", setting, replace(ONE, clicker="center"))]
    return Finding(paired(ways, setting.seed))


def threshold(setting: Setting) -> Finding:
    """SegNext's threshold of .49 against one half."""
    ways = [tried(f"threshold {cut}", setting, replace(ONE, threshold=cut)) for cut in (0.5, 0.49)]
    return Finding(paired(ways, setting.seed))


def repeats(setting: Setting) -> Finding:
    """How much a figure depends on the random clicks."""
    way = tried("ten tries", setting, replace(ONE, repeats=10))
    masks = np.asarray(way.values).reshape(-1, 10)
    each = masks.mean(axis=0)
    rows = [
        {"way": "one try", "mean": round(float(each[0]), 6), "masks": len(masks)},
        {"way": "ten tries", "mean": round(float(masks.mean()), 6), "masks": len(masks)},
        {"way": "smallest of ten", "mean": round(float(each.min()), 6), "masks": len(masks)},
        {"way": "largest of ten", "mean": round(float(each.max()), 6), "masks": len(masks)},
    ]
    said = [
        f"mIoU@1 of one try deviates by {100 * each.std(ddof=1):.2f} points, that of a mask from try to try by "
        f"{100 * masks.std(axis=1, ddof=1).mean():.1f}"
    ]
    return Finding(rows, said)


def geometry(setting: Setting) -> Finding:
    """Answers averaged over mirrored and turned copies of the image."""
    ways = [tried("the image alone", setting, ONE)]
    ways += [tried(f"with {name}", setting, replace(ONE, tta=(name,))) for name in ("flips", "rotations")]
    return Finding(paired(ways, setting.seed))


def resolution(setting: Setting) -> Finding:
    """The same model, shown images of 1024, 512 and 256 pixels on the longer side."""
    ways = [tried(f"{side} pixels", setting, ONE, AtSize(setting.segmentor, side)) for side in (1024, 512, 256)]
    return Finding(paired(ways, setting.seed))


@dataclass(frozen=True)
class AtSize:
    """A segmentor that is shown images of another size.

    Attributes:
        segmentor: the model.
        side: pixels of the longer side.
    """

    segmentor: Segmentor
    side: int

    @property
    def name(self) -> str:
        """The segmentor's own."""
        return self.segmentor.name

    def encode(self, image: ImageArray) -> "SizedImage":
        """Resize, then encode."""
        import cv2

        height, width = image.shape[:2]
        ratio = self.side / max(height, width)
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
        return SizedImage((height, width), self.segmentor.encode(small))


@dataclass(frozen=True)
class SizedImage:
    """An image of one size whose encoding is of another; satisfies `EncodedImage`."""

    shape: tuple[int, int]
    small: EncodedImage

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(H, W) float32, resized from the answer."""
        require_inside(clicks, self.shape)
        return resized(self.small.probability(self._moved(clicks)), self.shape)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """(N, h, w) float32 of the encoding's own resolution."""
        require_inside(clicks, self.shape)
        return self.small.probabilities(self._moved(clicks))

    def _moved(self, clicks: Sequence[Click]) -> list[Click]:
        down, across = self.small.shape[0] / self.shape[0], self.small.shape[1] / self.shape[1]
        last = np.nextafter(self.small.shape[1], 0), np.nextafter(self.small.shape[0], 0)
        return [
            Click(float(min(click.x * across, last[0])), float(min(click.y * down, last[1])), click.positive)
            for click in clicks
        ]

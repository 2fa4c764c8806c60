from collections.abc import Sequence

import numpy as np

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.proposals import Selection
from tamis.proposals.adaptive import adaptive_answers
from tamis.proposals.grid import propose_from
from tamis.segmentors import load_segmentor


class OneSureHalf:
    """A 64 × 64 image whose left half is one sure mask; on the right a click is sure of its own pixel alone."""

    shape = (64, 64)

    def __init__(self) -> None:
        self.asked: list[Click] = []

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.asarray(self.probabilities(clicks)[0], np.float32)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        self.asked += clicks
        answers = np.zeros((len(clicks), 64, 64), np.float32)
        for answer, click in zip(answers, clicks, strict=True):
            if click.x < 32:
                answer[:, :32] = 0.9
            else:
                answer[click.pixel] = 0.9
        return answers


def test_only_where_nothing_is_certain_is_clicked_again() -> None:
    encoded = OneSureHalf()
    batches = list(adaptive_answers(encoded, coarsest=4, rounds=2))
    clicks = [click for batch, _ in batches for click in batch]
    assert clicks == encoded.asked
    assert len(clicks) == 16 + 32
    assert sum(click.x < 32 for click in clicks[16:]) == 0
    found = propose_from(encoded, batches, Selection(min_area=2))
    assert found.masks.areas.tolist() == [64 * 32]


def test_fewer_clicks_find_the_object(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    encoded = load_segmentor("hierarchy").encode(image)
    batches = list(adaptive_answers(encoded))
    assert sum(len(batch) for batch, _ in batches) < 1024 / 2
    found = propose_from(encoded, batches)
    assert max((mask & disc).sum() / (mask | disc).sum() for mask in found.masks) > 0.9

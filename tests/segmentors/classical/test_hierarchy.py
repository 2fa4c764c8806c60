from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import random_click
from tamis.segmentors.classical.hierarchy import Hierarchy


def test_a_region_goes_with_itself_for_certain(scene: tuple[ImageArray, MaskArray]) -> None:
    answers = Hierarchy().encode(scene[0]).answers[0]
    assert (np.diagonal(answers) == 255).all()


def test_answers_are_nested() -> None:
    """The masks of one click at all thresholds are nodes of one tree: any two clicks' masks are nested or disjoint."""
    noise = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = np.kron(noise, np.ones((8, 8, 1), np.uint8))
    answers = Hierarchy().encode(image).answers[0]
    masks = [frozenset(np.flatnonzero(row >= level).tolist()) for row in answers[::3] for level in np.unique(row)[::5]]
    for a in masks:
        for b in masks:
            assert a <= b or b <= a or not a & b


@pytest.mark.data
@pytest.mark.slow
def test_one_random_click_on_real_segments(data: Path) -> None:
    rng = np.random.default_rng(0)
    ious = []
    for path in sorted((data / "bsds500" / "images" / "val").glob("*.jpg"))[:5]:
        encoded = Hierarchy().encode(tamis.read_image(path))
        segments = np.array(Image.open(data / "bsds500" / "segments" / "val" / f"{path.stem}_0.png"))
        for label in np.unique(segments):
            target = segments == label
            if target.sum() >= 256:
                mask = encoded.probability([random_click(target, rng)]) > 0.5
                ious.append((mask & target).sum() / (mask | target).sum())
    assert np.mean(ious) > 0.25

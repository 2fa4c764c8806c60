"""Structured masks for property tests: boxes put on and taken away, checkerboards, noise, empty and full ones."""

import numpy as np
from hypothesis import strategies as st

from tamis.arrays import MaskArray


@st.composite
def shapes(draw: st.DrawFn, largest: int = 40) -> tuple[int, int]:
    """(height, width), one of them often 1."""
    side = st.one_of(st.just(1), st.integers(1, largest))
    return draw(side), draw(side)


@st.composite
def masks_of(draw: st.DrawFn, shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool."""
    height, width = shape
    kind = draw(st.sampled_from(["boxes", "boxes", "boxes", "checkerboard", "noise", "empty", "full", "pixel"]))
    mask = np.zeros(shape, bool)
    if kind == "full":
        mask[:] = True
    elif kind == "pixel":
        mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    elif kind == "checkerboard":
        period = draw(st.integers(1, 5))
        mask = (np.add.outer(np.arange(height) // period, np.arange(width) // period) % 2).astype(bool)
    elif kind == "noise":
        mask = np.random.default_rng(draw(st.integers(0, 999))).random(shape) < draw(st.floats(0, 1))
    elif kind == "boxes":
        for _ in range(draw(st.integers(1, 6))):
            top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
            bottom, right = draw(st.integers(top + 1, height)), draw(st.integers(left + 1, width))
            mask[top:bottom, left:right] = draw(st.sampled_from([True, True, False]))
    return mask


@st.composite
def masks(draw: st.DrawFn, largest: int = 40) -> MaskArray:
    """(H, W) bool, with sides up to `largest`."""
    return draw(masks_of(draw(shapes(largest))))


@st.composite
def stacks(draw: st.DrawFn, largest: int = 40, most: int = 5) -> MaskArray:
    """(N, H, W) bool, N from 0 to `most`."""
    shape = draw(shapes(largest))
    drawn = draw(st.lists(masks_of(shape), max_size=most))
    return np.stack(drawn) if drawn else np.zeros((0, *shape), bool)

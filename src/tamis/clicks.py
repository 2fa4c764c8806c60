"""Clicks, and the clickers that make them.

The convention, said once for all of tamis: a click is a point (x, y) in pixels of the original image, floats, the
origin at the top-left corner of the top-left pixel, x to the right, y down. The pixel in row i and column j covers
[j, j + 1) × [i, i + 1) and has its centre at (j + .5, i + .5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.errors import InputError


@dataclass(frozen=True, slots=True)
class Click:
    """A point that a person says is inside (positive) or outside (negative) the mask.

    >>> Click(x=12.5, y=3.9).pixel
    (3, 12)
    >>> Click.at_pixel(3, 12)
    Click(x=12.5, y=3.5, positive=True)
    """

    x: float
    y: float
    positive: bool = True

    @property
    def pixel(self) -> tuple[int, int]:
        """(row, column) of the pixel that holds the click."""
        return int(np.floor(self.y)), int(np.floor(self.x))

    def moved(self, right: float, down: float) -> "Click":
        """The same click as an image sees it whose corner lies elsewhere."""
        return Click(self.x + right, self.y + down, self.positive)

    @classmethod
    def at_pixel(cls, row: int, column: int, positive: bool = True) -> "Click":
        """The click at the centre of a pixel."""
        return cls(column + 0.5, row + 0.5, positive)


def clicks_of(values: Iterable[Any]) -> list[Click]:
    """Clicks as people write them: `Click`, (x, y), or (x, y, sign) with a sign of "+", "-", True, False, 1 or 0.

    Raises:
        InputError: one is none of these.

    >>> clicks_of([(320, 240), (90, 80, "-")])
    [Click(x=320.0, y=240.0, positive=True), Click(x=90.0, y=80.0, positive=False)]
    """
    return [value if isinstance(value, Click) else _click_of(value) for value in values]


def _click_of(value: Any) -> Click:
    signs = {"+": True, "-": False, True: True, False: False}
    try:
        x, y, sign = value if len(value) == 3 else (*value, "+")
        return Click(float(x), float(y), signs[sign])
    except (TypeError, ValueError, KeyError):
        raise InputError(f"{value!r} is no click: write (x, y), or (x, y, '-') for a negative one") from None


Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the original image, counted as clicks are."""


def ordered_box(box: Box, shape: tuple[int, int]) -> Box:
    """A box with its corners in order, cut to an image of (height, width) `shape`.

    Raises:
        InputError: nothing of it is inside.

    >>> ordered_box((30, 5, -3, -5), (20, 20))
    (0.0, 0.0, 20.0, 5.0)
    """
    height, width = shape
    left, right = (float(min(max(value, 0), width)) for value in sorted((box[0], box[2])))
    top, bottom = (float(min(max(value, 0), height)) for value in sorted((box[1], box[3])))
    if not (left < right and top < bottom):
        raise InputError(f"the box {box} holds no pixel of the {width}x{height} image")
    return left, top, right, bottom


def outside_box(box: Box, shape: tuple[int, int]) -> MaskArray:
    """(H, W) bool: the pixels of an image of (height, width) `shape` that a box does not touch."""
    left, top, right, bottom = box
    outside = np.ones(shape, np.bool_)
    outside[int(np.floor(top)) : int(np.ceil(bottom)), int(np.floor(left)) : int(np.ceil(right))] = False
    return outside


def require_inside(clicks: Iterable[Click], shape: tuple[int, int]) -> None:
    """Raise InputError for the first click that lies outside an image of (height, width) `shape`."""
    height, width = shape
    for click in clicks:
        if not (0 <= click.x < width and 0 <= click.y < height):
            raise InputError(
                f"click ({click.x:g}, {click.y:g}) lies outside the {width}x{height} image: "
                f"x must be in [0, {width}) and y in [0, {height})"
            )


def pixels_at(
    clicks: Sequence[Click], shape: tuple[int, int], size: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where clicks on an image fall in a smaller or larger copy of it.

    Args:
        clicks: N clicks in pixels of the original image.
        shape: (height, width) of the original.
        size: (height, width) of the copy.

    Returns:
        rows, columns: (N,) intp each.

    Raises:
        InputError: a click lies outside the image.
    """
    require_inside(clicks, shape)
    points = np.array([(click.y, click.x) for click in clicks], dtype=np.float64).reshape(-1, 2)
    pixels = (points * (np.array(size) / np.array(shape))).astype(np.intp)
    # A click just inside the border can be rounded onto it.
    rows, columns = np.minimum(pixels, np.array(size) - 1).T
    return rows, columns


def with_clicked_pixels(probability: ProbabilityArray, clicks: Sequence[Click]) -> ProbabilityArray:
    """A copy in which every clicked pixel is what its click says, as `set_clicked_pixels` writes it."""
    kept = probability.copy()
    set_clicked_pixels(kept, clicks)
    return kept


def set_clicked_pixels(probability: ProbabilityArray, clicks: Sequence[Click]) -> None:
    """Set the pixel of every positive click to 1 and of every negative one to 0, in place; the last click wins a pixel.

    Args:
        probability: (H, W) float32 at the size that the clicks refer to.
        clicks: in the order in which they were made.
    """
    for click in clicks:
        probability[click.pixel] = np.float32(click.positive)


def center_click(mask: MaskArray) -> Click:
    """The positive click at the deepest interior point of a mask: RITM's first click.

    Args:
        mask: (H, W) bool.

    Raises:
        InputError: the mask is empty.
    """
    _require_nonempty(mask)
    return corrective_click(mask, np.zeros_like(mask, dtype=bool))


def random_click(mask: MaskArray, rng: np.random.Generator) -> Click:
    """A positive click at the centre of a pixel drawn uniformly from a mask.

    Args:
        mask: (H, W) bool.
        rng: source of randomness; one draw is taken.

    Raises:
        InputError: the mask is empty.
    """
    _require_nonempty(mask)
    inside = np.flatnonzero(mask)
    row, column = divmod(int(inside[rng.integers(inside.size)]), mask.shape[1])
    return Click.at_pixel(row, column)


def corrective_click(
    target: MaskArray,
    prediction: MaskArray,
    clicks: Sequence[Click] = (),
    valid: MaskArray | None = None,
) -> Click:
    """The click of RITM's evaluation: the middle of the larger error, by exact Euclidean distance.

    The image border counts as background, pixels already clicked are excluded, a tie between the two kinds of error
    gives a negative click, and among equally deep pixels the first in row-major order wins (Sofiiuk et al., "Reviving
    iterative training with mask guidance for interactive segmentation", arXiv 2102.06583, as the published evaluation
    programs of RITM, SimpleClick and SegNext do it).

    Args:
        target: (H, W) bool, the mask wanted.
        prediction: (H, W) bool, the mask so far.
        clicks: the clicks made so far.
        valid: (H, W) bool, False where pixels are ignored; all are valid by default.

    Raises:
        InputError: target and prediction agree on every pixel that counts and is not yet clicked.
    """
    errors = {True: target > prediction, False: prediction > target}
    if valid is not None:
        errors = {sign: error & valid for sign, error in errors.items()}
    areas = {sign: int(np.count_nonzero(error)) for sign, error in errors.items()}
    positive = areas[True] > areas[False]
    depth, pixel = _deepest(errors[positive], clicks)
    if _deepest_possible(areas[not positive]) >= depth:
        other_depth, other_pixel = _deepest(errors[not positive], clicks)
        if other_depth > depth or (other_depth == depth and positive):
            depth, pixel, positive = other_depth, other_pixel, not positive
    if depth == 0:
        raise InputError("nothing to correct: the prediction equals the target wherever no click was made")
    return Click.at_pixel(*pixel, positive=positive)


def uncertain_click(probability: ProbabilityArray, among: MaskArray | None = None) -> Click:
    """A positive click where a prediction is least certain: the pixel whose probability is nearest to one half.

    Args:
        probability: (H, W) float32 in [0, 1].
        among: (H, W) bool, the pixels to choose from; all by default. Ties go to the first in row-major order.

    Raises:
        InputError: `among` is empty.
    """
    doubt = np.abs(probability - np.float32(0.5))
    if among is not None:
        _require_nonempty(among)
        doubt = np.where(among, doubt, np.inf)
    row, column = divmod(int(np.argmin(doubt)), probability.shape[1])
    return Click.at_pixel(row, column)


def grid_clicks(n: int, shape: tuple[int, int]) -> list[Click]:
    """SAM's grid: n × n positive clicks at ((i + .5) / n · width, (j + .5) / n · height), x running fastest.

    Args:
        n: clicks per side, at least 1 (SAM's generator uses 32).
        shape: (height, width) of the image in pixels.

    Raises:
        InputError: n is less than 1.
    """
    if n < 1:
        raise InputError(f"a grid needs at least 1 click per side, not {n}")
    height, width = shape
    return [Click((i + 0.5) / n * width, (j + 0.5) / n * height) for j in range(n) for i in range(n)]


def _require_nonempty(mask: MaskArray) -> None:
    if not mask.any():
        raise InputError("the mask is empty, so there is no pixel to click on")


def _deepest_possible(area: int) -> float:
    """A bound on the squared depth of any region of `area` pixels.

    All pixels nearer to the deepest one than its depth d belong to the region, and their squares cover a disc of radius
    d - sqrt(1/2); so most often the smaller error need not be transformed to know that it is not the deeper one.
    """
    return float((np.sqrt(area / np.pi) + np.sqrt(0.5)) ** 2)


def _deepest(region: MaskArray, clicks: Sequence[Click]) -> tuple[int, tuple[int, int]]:
    """The squared depth (distance to the nearest pixel outside, in pixels) and (row, column) of the deepest pixel.

    Only the region's bounding box is transformed: pixels beyond it are outside, as is the frame of one pixel around it.
    """
    import cv2

    left, top, width, height = cv2.boundingRect(region.view(np.uint8))
    if not width:
        return 0, (0, 0)
    box = region[top : top + height, left : left + width].view(np.uint8)
    framed = cv2.copyMakeBorder(box, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    for click in clicks:
        row, column = click.pixel[0] - top, click.pixel[1] - left
        if 0 <= row < height and 0 <= column < width:
            depth[row, column] = 0
    # Squared distances are whole numbers. OpenCV's square roots are not always rounded alike, and would break ties.
    deepest = np.flatnonzero(depth >= depth.max() * np.float32(1 - 1e-5))
    squared = np.rint(depth.ravel()[deepest].astype(np.float64) ** 2)
    first = int(np.argmax(squared))
    row, column = divmod(int(deepest[first]), width)
    return int(squared[first]), (top + row, left + column)

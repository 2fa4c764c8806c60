"""Clicks, a box and a mask together, asked of a segmentor of any kind: the abilities of each are asked for here."""

from collections.abc import Sequence

import numpy as np

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Box, Click, ordered_box, outside_box, require_inside, set_clicked_pixels
from tamis.errors import InputError
from tamis.mask import Masks
from tamis.regions import boxes
from tamis.segmentors.protocol import AnswersByRegion, DrawsBorders, EncodedImage, LooksCloser, TakesBoxes, TakesMask

ACROSS = 5
"""Clicks per side of a box, where the segmentor takes clicks alone."""


def answer_to(
    encoded: EncodedImage, clicks: Sequence[Click] = (), box: Box | None = None, mask: MaskArray | None = None
) -> ProbabilityArray:
    """(H, W) float32: P(pixel in mask | all that is given).

    The border of the answer to a single click is drawn as finely as the segmentor can.

    A box is answered by a segmentor that takes boxes, or by its regions; any other is asked by clicks within it, of
    which the one whose mask fills the box best counts. Clicks besides a box are answered within it; only where a
    segmentor of pixels takes boxes and masks do they correct the mask of the box. A mask is corrected by a segmentor
    that can start from one, after a closer look if it has such; for any other the answer to each positive click is
    added to it, and that to each negative one removed.

    Args:
        encoded: the image.
        clicks: to be taken together.
        box: around the object.
        mask: (H, W) bool, to be corrected by the clicks.

    Raises:
        InputError: nothing is given, a click or the box lies outside the image, the mask has another size, or there are
            both a box and a mask.
    """
    if mask is not None:
        if box is not None:
            raise InputError("give a box or a mask to begin from, not both")
        if isinstance(encoded, LooksCloser) and clicks and mask.shape == encoded.shape:
            require_inside(clicks, encoded.shape)
            encoded.look_closer(mask, clicks)
        return corrected(encoded, mask, clicks)
    if box is None:
        answer = encoded.probability(clicks)
        return encoded.drawn(answer, clicks) if len(clicks) == 1 and isinstance(encoded, DrawsBorders) else answer
    box = ordered_box(box, encoded.shape)
    if not clicks:
        return in_box(encoded, box)
    if isinstance(encoded, TakesBoxes) and isinstance(encoded, TakesMask):
        answer = encoded.probability_from_mask(encoded.probability_in_box(box) > 0.5, clicks)
        if not isinstance(encoded, AnswersByRegion):
            return answer  # it has seen the box itself
    else:
        answer = encoded.probability(clicks).copy()
    answer[outside_box(box, encoded.shape)] = 0
    return answer


def in_box(encoded: EncodedImage, box: Box) -> ProbabilityArray:
    """(H, W) float32 for a box alone.

    Args:
        encoded: the image.
        box: within the image, its corners in order.
    """
    if isinstance(encoded, TakesBoxes):
        return encoded.probability_in_box(box)
    if isinstance(encoded, AnswersByRegion):
        return boxes.probability_in_box(encoded, box)
    return _by_clicks(encoded, box)


def corrected(encoded: EncodedImage, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
    """(H, W) float32: a mask (H, W) as clicks correct it, as far as the encoded image is ready for that.

    Raises:
        InputError: a click lies outside the image, or the mask has another size.
    """
    if mask.shape != encoded.shape:
        height, width = encoded.shape
        raise InputError(f"the mask must have the image's {height} rows and {width} columns, not {mask.shape}")
    if isinstance(encoded, TakesMask):
        return encoded.probability_from_mask(mask, clicks)
    require_inside(clicks, encoded.shape)
    answer = mask.astype(np.float32)
    for click in clicks:
        asked = encoded.probability([Click(click.x, click.y)])
        answer = np.maximum(answer, asked) if click.positive else np.minimum(answer, 1 - asked)
    set_clicked_pixels(answer, clicks)
    return answer


def _by_clicks(encoded: EncodedImage, box: Box) -> ProbabilityArray:
    """The answer to one of a few clicks in a box: that whose mask has the box most like it; nothing outside the box."""
    left, top, right, bottom = box
    steps = (np.arange(ACROSS) + 0.5) / ACROSS
    clicks = [Click(left + x * (right - left), top + y * (bottom - top)) for y in steps for x in steps]
    small = encoded.probabilities(clicks)
    scale = np.array([small.shape[2] / encoded.shape[1], small.shape[1] / encoded.shape[0]] * 2)
    around = Masks.from_dense(small > 0.5).boxes / scale
    overlap = np.minimum(around[:, 2:], (right, bottom)) - np.maximum(around[:, :2], (left, top))
    shared = np.prod(np.maximum(overlap, 0), axis=1)
    areas = np.prod(around[:, 2:] - around[:, :2], axis=1)
    iou = shared / (areas + (right - left) * (bottom - top) - shared)
    answer = encoded.probability([clicks[int(iou.argmax())]]).copy()
    answer[outside_box(box, encoded.shape)] = 0
    return answer

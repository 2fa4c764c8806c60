"""A box on a matrix of answers by region: the click in it whose mask fills it best.

As in `tamis.regions.clicks` everything is whole numbers or double precision, so that the page of the annotator, which
has the same table, gives the same mask, pixel for pixel.
"""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray
from tamis.clicks import Box, Click, ordered_box, outside_box, set_clicked_pixels
from tamis.regions.clicks import CERTAIN, answer_by_region, preferences
from tamis.regions.protocol import AnswersByRegion
from tamis.regions.spread import spread


def probability_in_box(encoded: AnswersByRegion, box: Box) -> ProbabilityArray:
    """(H, W) float32: the answer to `click_for_box`, and nothing outside the box.

    Raises:
        InputError: the box holds no pixel of the image.
    """
    box = ordered_box(box, encoded.shape)
    click, granularity = click_for_box(encoded, box)
    region = np.array([encoded.fine_map[click.pixel]], np.intp)
    full = spread(answer_by_region(encoded.answers[granularity, region], region, np.array([True])), encoded.fine_map)
    set_clicked_pixels(full, [click])
    full[outside_box(box, encoded.shape)] = 0
    return full


def click_for_box(encoded: AnswersByRegion, box: Box) -> tuple[Click, int]:
    """The click and the granularity, from 0, whose mask fills a box best.

    Of all regions in the middle of the box it is the one whose mask has the box most like it; of those that are alike
    in that, a better rated one.

    Args:
        encoded: the image.
        box: within the image, its corners in order.
    """
    extents = region_boxes(encoded.fine_map, encoded.answers.shape[1])
    present = extents[:, 2] > 0
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    centre_x, centre_y = (extents[:, 0] + extents[:, 2]) / 2, (extents[:, 1] + extents[:, 3]) / 2
    near = (np.abs(centre_x - x) * 3 <= right - left) & (np.abs(centre_y - y) * 3 <= bottom - top)
    candidates = np.flatnonzero(present & near)
    middle = Click(x, y)
    if not len(candidates):
        region, granularity = int(encoded.fine_map[middle.pixel]), 0
    else:
        fits = np.stack(
            [
                _overlaps(_around(answers[candidates], candidates, extents, present), box) * (CERTAIN + preferred)
                for answers, preferred in zip(encoded.answers, preferences(encoded.ratings)[:, candidates], strict=True)
            ],
            axis=1,
        )
        place, granularity = divmod(int(fits.argmax()), len(encoded.answers))
        region = int(candidates[place])
    return _pixel_of(encoded.fine_map, extents[region].tolist(), region, middle), granularity


def region_boxes(fine_map: NDArray[np.uint16], regions: int) -> NDArray[np.int64]:
    """(R, 4) int64: left, top, right, bottom of every region, both last exclusive; zeros where it has no pixel."""
    from scipy.ndimage import find_objects

    boxes = np.zeros((regions, 4), np.int64)
    for number, place in enumerate(find_objects(fine_map.astype(np.int32) + 1, regions)):
        if place is not None:
            rows, columns = place
            boxes[number] = columns.start, rows.start, columns.stop, rows.stop
    return boxes


def _around(
    rows: NDArray[np.uint8], clicked: NDArray[np.intp], extents: NDArray[np.int64], present: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(K, 4): the boxes around the masks of clicks in regions (K,), whose answers are (K, R)."""
    inside = (rows > CERTAIN / 2) & present
    inside[np.arange(len(clicked)), clicked] = True
    far = np.iinfo(np.int64).max
    first = [np.where(inside, extents[:, side], far).min(axis=1) for side in (0, 1)]
    last = [np.where(inside, extents[:, side], 0).max(axis=1) for side in (2, 3)]
    return np.stack([*first, *last], axis=1)


def _overlaps(boxes: NDArray[np.int64], box: Box) -> NDArray[np.float64]:
    """(K,) intersection over union of boxes (K, 4) and a box."""
    left, top, right, bottom = box
    width = np.minimum(boxes[:, 2], right) - np.maximum(boxes[:, 0], left)
    height = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top)
    both = np.maximum(0.0, width) * np.maximum(0.0, height)
    sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.asarray(both / (sizes + (right - left) * (bottom - top) - both))


def _pixel_of(fine_map: NDArray[np.uint16], extent: list[int], region: int, point: Click) -> Click:
    """The click on the pixel of a region nearest to a point; of equally near ones the first from left and top."""
    left, top, right, bottom = extent
    inside = np.asarray(region == fine_map[top:bottom, left:right].T)
    columns, rows = np.nonzero(inside)
    distances = np.square(columns + left + 0.5 - point.x) + np.square(rows + top + 0.5 - point.y)
    nearest = int(distances.argmin())
    return Click.at_pixel(int(rows[nearest]) + top, int(columns[nearest]) + left)

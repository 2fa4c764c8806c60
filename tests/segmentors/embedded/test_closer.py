"""The neighbourhood of a mask is looked at again, at its own scale."""

import numpy as np
import pytest

from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.segmentors.embedded.closer import CloserLook, alike, holds, look_at, part_around, within
from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.protocol import LooksCloser

pytest.importorskip("onnxruntime")


def square(top: int, left: int, side: int, shape: tuple[int, int] = (300, 400)) -> MaskArray:
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_part_holds_mask_and_clicks_with_some_room() -> None:
    part = part_around(square(100, 150, 100), [Click(200, 150)])
    assert part == (slice(80, 220), slice(130, 270))  # 1.4 times the mask
    wider = part_around(square(100, 150, 100), [Click(200, 150), Click(300, 150, positive=False)])
    assert wider is not None
    assert wider[1] == slice(119, 332)
    assert wider[0].stop - wider[0].start >= 0.75 * 1.4 * 151  # never much narrower than long


def test_no_part_is_less_than_a_quarter_or_most_of_the_image() -> None:
    small = part_around(square(100, 150, 4), [])
    assert small is not None
    assert small[0].stop - small[0].start >= 0.75 * 100
    assert part_around(square(0, 0, 280), []) is None
    assert part_around(square(0, 0, 0), [Click(3, 3)]) is None
    corner = part_around(square(0, 0, 40), [])
    assert corner is not None
    assert corner[0].start == corner[1].start == 0


def test_clicks_move_with_the_part() -> None:
    part = slice(80, 220), slice(130, 270)
    clicks = [Click(131.5, 80.5), Click(10, 100), Click(200, 219.5, positive=False)]
    assert within(part, clicks) == [Click(1.5, 0.5), Click(70, 139.5, positive=False)]
    assert not holds(part, clicks)


def test_parts_are_alike_if_they_share_half() -> None:
    part = slice(0, 100), slice(0, 100)
    assert alike(part, (slice(0, 100), slice(30, 130)))
    assert not alike(part, (slice(0, 100), slice(40, 140)))


class Adds:
    """Adds what is clicked: the row of the click."""

    def probability_from_mask(self, mask: MaskArray, clicks: list[Click]) -> ProbabilityArray:
        answer = mask.astype(np.float32)
        answer[clicks[-1].pixel[0]] = clicks[-1].positive
        return answer


def test_only_the_part_changes() -> None:
    mask, clicks = square(100, 150, 100), [Click(200, 150), Click(260, 210)]
    part = part_around(mask, clicks[:1])
    assert part is not None
    look = CloserLook(part, Adds())  # type: ignore[arg-type]
    assert look_at(part, [look], clicks[-1]) is look
    assert look_at(part, [look], Click(5, 5)) is None
    told = look.corrected(mask, clicks) > 0.5
    expected = mask.copy()
    expected[210, 130:270] = True
    np.testing.assert_array_equal(told, expected)


def test_a_small_thing_is_corrected_at_its_own_scale() -> None:
    """Two discs of thirty pixels that touch, in an image of two thousand: the second one is taken away whole."""
    y, x = np.mgrid[:1500, :2000]
    first = (y - 700) ** 2 + (x - 900) ** 2 < 60**2
    second = (y - 700) ** 2 + (x - 1030) ** 2 < 60**2
    image = np.full((1500, 2000, 3), (30, 60, 50), np.uint8)
    image[first], image[second] = (220, 90, 40), (60, 90, 220)
    encoded = Embedded().encode(image)
    assert isinstance(encoded, LooksCloser)
    begun, clicks = first | second, [Click(900, 700), Click(1030, 700, positive=False)]
    assert not encoded.looks
    encoded.look_closer(begun, clicks)
    encoded.look_closer(begun, clicks)
    assert len(encoded.looks) == 1  # one does for the same mask
    less = encoded.probability_from_mask(begun, clicks) > 0.5
    assert (less & first).sum() / (less | first).sum() > 0.95

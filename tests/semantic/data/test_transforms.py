from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.semantic.data import transforms
from tests.semantic.label_maps import picture, stripes


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [
        ((320, 480), (2048, 512), (512, 768)),  # the short side decides
        ((320, 2000), (2048, 512), (328, 2048)),  # the long one
        ((320, 480), (512, 2048), (512, 768)),  # the bounds have no order
        ((333, 500), (1000, 250), (250, 375)),  # 375.375 goes down
        ((3, 7), (100, 5), (5, 12)),  # 11.67 goes up
    ],
)
def test_the_size_is_the_largest_that_stays_within_both_bounds(
    size: tuple[int, int], scale: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert transforms.fitted_size(size, scale) == expected


def test_a_short_side_is_kept_unless_the_long_one_gets_too_long() -> None:
    assert transforms.short_side_size((320, 480), 256, 2048) == (256, 384)
    assert transforms.short_side_size((480, 320), 256, 2048) == (384, 256)
    assert transforms.short_side_size((100, 1000), 300, 2048) == (205, 2048)
    assert transforms.short_side_size((100, 100), 300, 2048) == (300, 300)
    # What mmsegmentation 1.2.2 gives: it fits the image into the rounded size, which costs the long side some pixels.
    assert transforms.short_side_size((115, 798), 768, 2048) == (295, 2047)
    assert transforms.short_side_size((34, 593), 768, 2048) == (117, 2041)


@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    resized=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    window=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@example(size=(1, 8), resized=(1, 7), window=(1, 1), place=(0.0, 0.0))
@example(size=(80, 90), resized=(80, 89), window=(60, 20), place=(0.0, 0.0))
def test_a_resized_window_is_a_window_of_the_resized(
    size: tuple[int, int], resized: tuple[int, int], window: tuple[int, int], place: tuple[float, float]
) -> None:
    corner = (
        int(place[0] * max(resized[0] - window[0], 0)),
        int(place[1] * max(resized[1] - window[1], 0)),
    )
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    whole = transforms.resize_image(image, resized)
    assert np.array_equal(
        transforms.resize_window(image, resized, corner, window), transforms.crop(whole, corner, window)
    )
    label = image[..., 0].copy()
    whole = transforms.resize_label(label, resized)
    assert np.array_equal(
        transforms.resize_label_window(label, resized, corner, window), transforms.crop(whole, corner, window)
    )


@pytest.mark.parametrize(
    ("values", "varied"),
    [
        ([1, 2], True),
        ([1], False),  # one class
        ([1, 255, 255, 255], False),  # one class, the rest is ignored
        ([255], False),  # nothing counts
        ([1, 1, 1, 2], False),  # exactly the share
        ([1, 1, 1, 2, 2], True),
        ([1, 1, 1, 2, 255, 255], False),  # the share is of what counts
    ],
)
def test_a_crop_is_varied_if_no_class_has_three_quarters_of_what_counts(values: list[int], varied: bool) -> None:
    assert transforms.is_varied(stripes(values, (4, 60)), 0.75) is varied


def test_the_first_varied_crop_is_taken_and_no_further_one_is_made() -> None:
    dull, varied = stripes([1]), stripes([1, 2])
    made = []

    def crops(*kinds: NDArray[np.uint8]) -> Iterator[tuple[tuple[int, int], NDArray[np.uint8]]]:
        for number, kind in enumerate(kinds):
            made.append(number)
            yield (number, 0), kind

    assert transforms.first_varied(crops(dull, varied, varied), 0.75)[0] == (1, 0)
    assert made == [0, 1]
    assert transforms.first_varied(crops(dull, dull, dull), 0.75)[0] == (2, 0)


def test_values_are_cut_and_truncated() -> None:
    table = transforms.linear_table(1.5, 0)
    assert table[[0, 1, 3, 170, 171, 255]].tolist() == [0, 1, 4, 255, 255, 255]
    table = transforms.linear_table(1, -10.5)
    assert table[[0, 10, 11, 12, 255]].tolist() == [0, 0, 0, 1, 244]


def test_hues_go_round() -> None:
    assert transforms.hue_table(5)[[0, 174, 175, 179]].tolist() == [5, 179, 0, 4]
    assert transforms.hue_table(-5)[[0, 4, 5, 179]].tolist() == [175, 179, 0, 174]


def test_one_channel_changes_and_the_image_given_stays() -> None:
    image = picture(0)
    before = image.copy()
    changed = transforms.look_up_channel(image, 1, np.zeros(256, np.uint8))
    assert np.array_equal(image, before)
    assert (changed[..., 1] == 0).all()
    assert np.array_equal(changed[..., [0, 2]], image[..., [0, 2]])


def test_normalised_values_are_red_first() -> None:
    image = np.zeros((1, 1, 3), np.uint8)
    image[0, 0] = (103, 116, 124)  # blue, green, red
    expected = [(124 - 123.675) / 58.395, (116 - 116.28) / 57.12, (103 - 103.53) / 57.375]
    assert transforms.normalise(image)[:, 0, 0] == pytest.approx(expected, rel=1e-5)


def test_padding_lies_right_and_below() -> None:
    padded = transforms.pad(np.ones((3, 2, 3), np.float32), (4, 5))
    assert padded[0].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0] * 5, [0] * 5]
    assert transforms.pad_label(np.ones((1, 2), np.uint8), (2, 3)).tolist() == [[1, 1, 255], [255] * 3]


def test_a_divisible_size_holds_all_images() -> None:
    assert transforms.divisible_size([(512, 700), (600, 100)], 14) == (602, 700)
    assert transforms.divisible_size([(512, 700), (600, 100)]) == (600, 700)

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as reference

from tamis.arrays import MaskArray
from tamis.errors import InputError
from tamis.mask import Masks
from tests.mask.scenes import stacks

LETTER_C = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1]], bool)


def coco(dense: MaskArray) -> list[dict[str, object]]:
    return [reference.encode(np.asfortranarray(mask, np.uint8)) for mask in dense]


def test_run_lengths_count_down_the_columns_from_the_background() -> None:
    masks = Masks.from_dense(LETTER_C[None])
    assert masks.edges.tolist() == [0, 4, 5, 7, 8]
    assert masks.coco(compressed=False) == [{"size": [3, 3], "counts": [0, 4, 1, 2, 1, 1]}]
    assert masks.coco() == [{"size": [3, 3], "counts": b"041N0O"}] == coco(LETTER_C[None])


def test_areas_and_boxes() -> None:
    masks = Masks.from_dense(np.stack([LETTER_C, np.zeros((3, 3), bool), np.eye(3, k=1, dtype=bool)]))
    assert masks.areas.tolist() == [7, 0, 2]
    assert masks.boxes.tolist() == [[0, 0, 3, 3], [0, 0, 0, 0], [1, 0, 3, 2]]
    assert masks.coco_boxes.tolist() == [[0, 0, 3, 3], [0, 0, 0, 0], [1, 0, 2, 2]]


@given(stacks(largest=80))
def test_dense_and_back(dense: MaskArray) -> None:
    masks = Masks.from_dense(dense)
    assert np.array_equal(masks.dense(), dense)
    assert np.array_equal(np.array(list(masks)).reshape(dense.shape), dense)
    assert all(np.array_equal(masks[i], dense[i]) for i in range(len(dense)))


@given(stacks())
@pytest.mark.slow
def test_coco_run_lengths_are_those_of_pycocotools_and_back(dense: MaskArray) -> None:
    masks, shape = Masks.from_dense(dense), (dense.shape[1], dense.shape[2])
    assert masks.coco() == coco(dense)
    plain = masks.coco(compressed=False)
    assert [reference.frPyObjects(rle, *shape) for rle in plain] == coco(dense)
    assert Masks.from_coco(masks.coco(), shape) == Masks.from_coco(plain, shape) == masks


@given(stacks())
def test_areas_and_boxes_are_those_of_pycocotools(dense: MaskArray) -> None:
    masks = Masks.from_dense(dense)
    if len(dense):
        assert masks.areas.tolist() == reference.area(coco(dense)).tolist()
        assert masks.coco_boxes.tolist() == reference.toBbox(coco(dense)).tolist()


@settings(max_examples=50)
@given(stacks(), st.data())
def test_indexing_is_that_of_a_numpy_array(dense: MaskArray, data: st.DataObject) -> None:
    masks, n = Masks.from_dense(dense), len(dense)
    assert np.array_equal(masks[::-1].dense(), dense[::-1])
    assert np.array_equal(masks[1:3].dense(), dense[1:3])
    assert np.array_equal(masks[np.arange(n) % 2 == 0].dense(), dense[np.arange(n) % 2 == 0])
    assert len(masks[[]]) == 0
    if n:
        indices = data.draw(st.lists(st.integers(-n, n - 1), max_size=8))
        assert np.array_equal(masks[np.array(indices, np.int64)].dense(), dense[np.array(indices, np.int64)])
        assert np.array_equal(masks[-1], dense[-1])


def test_an_index_beyond_the_end_is_refused() -> None:
    with pytest.raises(IndexError, match="mask 1 of 1"):
        Masks.from_dense(LETTER_C[None])[1]


def test_an_iterable_is_packed_mask_by_mask() -> None:
    alive = 0
    most = 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def stream() -> Iterator[MaskArray]:
        nonlocal alive, most
        for i in range(40):
            alive += 1
            most = max(most, alive)
            mask = np.zeros((1024, 1024), bool).view(Counted)
            mask[i] = True
            yield mask

    masks = Masks.from_dense(stream())
    assert masks.boxes[:, 1].tolist() == list(range(40))
    assert most < 30


@pytest.mark.slow
def test_large_images_are_cut_into_single_masks() -> None:
    dense = np.zeros((2, 3000, 3100), bool)
    dense[0, 5:2990, 7:3000] = True
    dense[1, ::7] = True
    masks = Masks.from_dense(dense)
    assert masks.coco() == coco(dense)
    assert np.array_equal(masks.dense(), dense)


@pytest.mark.slow
def test_a_thousand_masks_of_twelve_megapixels_stay_under_200_megabytes() -> None:
    rows, columns = np.ogrid[:3000, :4000]
    ragged = ((rows - 1500) ** 2 + (columns - 2000) ** 2 < 1400**2 * (1 + 0.02 * np.sin(rows / 3))) & (columns % 97 > 3)
    one = Masks.from_dense(ragged[None])
    masks = Masks.concatenate([one] * 1000)
    assert len(masks) == 1000
    assert masks.areas[999] == np.count_nonzero(ragged)
    assert masks.nbytes < 200e6


def test_concatenation() -> None:
    a, b = Masks.from_dense(LETTER_C[None]), Masks.from_dense(~np.stack([LETTER_C, LETTER_C]))
    assert np.array_equal(Masks.concatenate([a, Masks.none((3, 3)), b]).dense(), [LETTER_C, ~LETTER_C, ~LETTER_C])
    with pytest.raises(InputError, match="2x2 pixels among masks of 3x3"):
        Masks.concatenate([a, Masks.none((2, 2))])
    with pytest.raises(InputError, match="nothing to concatenate"):
        Masks.concatenate([])


def test_no_masks() -> None:
    for masks in (Masks.none((4, 5)), Masks.from_dense([], (4, 5)), Masks.from_coco([], (4, 5))):
        assert masks == Masks.from_dense(np.zeros((0, 4, 5), bool))
        assert (len(masks), masks.dense().shape, masks.coco(), list(masks)) == (0, (0, 4, 5), [], [])
        assert (masks.areas.shape, masks.boxes.shape) == ((0,), (0, 4))
    with pytest.raises(InputError, match="no masks and no shape"):
        Masks.from_dense([])
    with pytest.raises(InputError, match="no masks and no shape"):
        Masks.from_coco([])


def test_run_lengths_of_zero_are_tidied_away() -> None:
    untidy = Masks.from_coco([{"size": [2, 3], "counts": [0, 0, 1, 0, 0, 2, 3, 0]}, {"size": [2, 3], "counts": [6]}])
    assert untidy.coco(compressed=False)[0]["counts"] == [1, 2, 3]
    assert untidy.areas.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ([4, 4], r"RLE 0 add up to 8 pixels, but an image of 3x3 has 9"),
        ([-1, 10], "negative or impossibly large"),
        ([1 << 40], "negative or impossibly large"),
        ([2.5, 6.5], "a string or a list of integers"),
        ([], "a string or a list of integers"),
        ("", r"add up to 0 pixels"),
        ("9\n", "character outside"),
        (b"9P", "cut short"),
        (b"PPPPPPPPPP1", "more than 40 bits"),
    ],
)
def test_damaged_run_lengths_are_refused(counts: object, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Masks.from_coco([{"size": [3, 3], "counts": counts}])


def test_a_mapping_that_is_no_rle_is_refused() -> None:
    with pytest.raises(InputError, match=r"this one has \['counts'\]"):
        Masks.from_coco([{"counts": [9]}])


def test_masks_of_several_images_are_refused() -> None:
    with pytest.raises(InputError, match="4x3 pixels among masks of 3x3"):
        Masks.from_dense([LETTER_C, np.zeros((3, 4), bool)])
    with pytest.raises(InputError, match="2x2 pixels among masks of 3x3"):
        Masks.from_coco([{"size": [3, 3], "counts": [9]}, {"size": [2, 2], "counts": [4]}])
    with pytest.raises(InputError, match=r"an array \(N, H, W\)"):
        Masks.from_dense(LETTER_C)
    with pytest.raises(InputError, match="two dimensions"):
        Masks.from_dense([np.zeros((3, 3, 3), bool)])
    with pytest.raises(InputError, match="0x5 pixels cannot be packed"):
        Masks.none((5, 0))


def test_integers_count_as_masks_wherever_they_are_not_zero() -> None:
    assert Masks.from_dense(LETTER_C[None] * np.uint8(200)) == Masks.from_dense(LETTER_C[None])


def test_masks_are_values() -> None:
    masks = Masks.from_dense(LETTER_C[None])
    assert masks == Masks.from_dense(LETTER_C[None])
    assert masks != Masks.from_dense(~LETTER_C[None])
    assert masks != "masks"
    assert repr(masks) == "<Masks: 1 of 3x3, 0.0 MB>"
    with pytest.raises(ValueError, match="read-only"):
        masks.edges[0] = 3


def test_importing_the_mask_room_loads_neither_opencv_nor_scipy() -> None:
    program = "import sys, tamis.mask; print([m for m in ('cv2', 'scipy', 'pycocotools') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_masks_are_placed_in_a_larger_image() -> None:
    dense = np.random.default_rng(5).random((4, 6, 5)) < np.array([0.5, 0.1, 0, 1])[:, None, None]
    for (height, width), top, left in (((6, 5), 0, 0), ((9, 8), 2, 3), ((6, 11), 0, 6), ((13, 5), 7, 0)):
        expected = np.zeros((4, height, width), bool)
        expected[:, top : top + 6, left : left + 5] = dense
        placed = Masks.from_dense(dense).placed((height, width), top, left)
        assert placed == Masks.from_dense(expected)
        np.testing.assert_array_equal(placed.dense(), expected)
    assert len(Masks.none((6, 5)).placed((9, 9), 1, 1)) == 0
    with pytest.raises(InputError, match="reach beyond"):
        Masks.from_dense(dense).placed((9, 8), 4, 0)

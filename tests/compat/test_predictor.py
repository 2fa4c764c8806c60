import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.compat import SamPredictor
from tamis.errors import InputError
from tamis.segmentors import load_segmentor

Scene = tuple[ImageArray, MaskArray]


@pytest.fixture(scope="module", params=["embedded", "hierarchy"])
def predictor(request: pytest.FixtureRequest, scene: Scene) -> SamPredictor:
    predictor = SamPredictor(load_segmentor(request.param))
    predictor.set_image(scene[0])
    return predictor


def test_one_point_gives_masks_scores_and_logits(predictor: SamPredictor, scene: Scene) -> None:
    masks, scores, logits = predictor.predict(np.array([[40, 50]]), np.array([1]))
    choices = 3 if predictor.model.name == "embedded" else 1
    assert masks.shape == (choices, 96, 128)
    assert masks.dtype == bool
    assert scores.shape == (choices,)
    assert logits.shape == (choices, 256, 256)
    (best,), _, _ = predictor.predict(np.array([[40, 50]]), np.array([1]), multimask_output=False)
    assert (best & scene[1]).sum() / (best | scene[1]).sum() > 0.9


def test_logits_are_those_of_the_masks(predictor: SamPredictor) -> None:
    points = np.array([[40, 50], [100, 20]]), np.array([1, 0])
    masks = predictor.predict(*points)[0]
    logits = predictor.predict(*points, return_logits=True)[0]
    assert ((logits > 0) == masks).all()


def test_a_point_is_counted_from_the_first_pixels_centre(predictor: SamPredictor) -> None:
    masks = predictor.predict(np.array([[12, 34]]), np.array([0]))[0]
    assert not masks[0][34, 12]
    masks = predictor.predict(np.array([[12, 34]]), np.array([1]))[0]
    assert masks[0][34, 12]


def test_points_at_the_very_edge_are_taken(predictor: SamPredictor) -> None:
    assert predictor.predict(np.array([[127.9, 95.9]]), np.array([1]))[0][0][95, 127]


def test_colours_may_be_the_other_way_round(scene: Scene) -> None:
    both = []
    for image, order in ((scene[0], "RGB"), (scene[0][..., ::-1], "BGR")):
        predictor = SamPredictor(load_segmentor("hierarchy"))
        predictor.set_image(image, order)  # type: ignore[arg-type]
        both.append(predictor.predict(np.array([[40, 50]]), np.array([1]))[0])
    assert (both[0] == both[1]).all()


def test_a_box_is_answered_within_it(predictor: SamPredictor, scene: Scene) -> None:
    rows, columns = np.nonzero(scene[1])
    box = np.array([columns.min(), rows.min(), columns.max(), rows.max()])
    masks, ious, _ = predictor.predict(box=box, multimask_output=False)
    assert masks.shape == (1, 96, 128)
    assert 0 <= ious[0] <= 1
    assert (masks[0] & scene[1]).sum() / (masks[0] | scene[1]).sum() > 0.9
    with_point = predictor.predict(np.array([[40, 50]]), np.array([1]), box=np.array([30, 40, 50, 60]))[0]
    assert with_point[0].any()
    assert not with_point[0][:39].any()


def test_misuse_is_a_sentence(predictor: SamPredictor, scene: Scene) -> None:
    empty = SamPredictor(load_segmentor("hierarchy"))
    assert not empty.is_image_set
    with pytest.raises(InputError, match="call set_image first"):
        empty.predict(np.array([[1, 2]]), np.array([1]))
    with pytest.raises(InputError, match="RGB or BGR, not 'HSV'"):
        empty.set_image(scene[0], "HSV")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="2 point_coords and 1 point_labels"):
        predictor.predict(np.array([[1, 2], [3, 4]]), np.array([1]))
    with pytest.raises(InputError, match=r"needs points or a box|at least one click"):
        predictor.predict(mask_input=np.zeros((1, 256, 256), np.float32))


def test_points_that_only_pad_an_array_are_ignored(predictor: SamPredictor) -> None:
    alone = predictor.predict(np.array([[40, 50]]), np.array([1]))
    padded = predictor.predict(np.array([[40, 50], [0, 0], [np.nan, 3]]), np.array([1, -1, -1.0]))
    for one, other in zip(alone, padded, strict=True):
        assert (one == other).all()
    with pytest.raises(InputError, match="needs points"):
        predictor.predict(np.array([[0, 0]]), np.array([-1]))


@pytest.mark.parametrize("label", [2, 3, -2, 0.5])
def test_labels_that_are_none_are_refused(predictor: SamPredictor, label: float) -> None:
    with pytest.raises(InputError, match=rf"1 \(inside\), 0 \(outside\) or -1 \(padding\), not {label}"):
        predictor.predict(np.array([[40, 50]]), np.array([label]))


def test_numbers_that_are_none_are_refused(predictor: SamPredictor) -> None:
    with pytest.raises(InputError, match="must be finite"):
        predictor.predict(np.array([[np.nan, 50]]), np.array([1]))
    with pytest.raises(InputError, match="four finite numbers"):
        predictor.predict(box=np.array([1, 2, np.inf, 4]))
    with pytest.raises(InputError, match=r"x and y of N points, \(N, 2\), not \(2, 3\)"):
        predictor.predict(np.array([[40, 50, 1], [30, 20, 1]]), np.array([1, 1, 1]))
    with pytest.raises(InputError, match="point_coords must be an array of numbers"):
        predictor.predict(np.array([["a", 50]]), np.array([1]))
    with pytest.raises(InputError, match="the logits of one mask"):
        predictor.predict(np.array([[40, 50]]), np.array([1]), mask_input=np.zeros((3, 256, 256), np.float32))

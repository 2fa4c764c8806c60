"""The same weights in the original programs: the same logits, whatever the prompt and the image's shape."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.hub.model import HubModel
from tamis.segmentors.sam.loading import load_weights
from tamis.segmentors.sam.promptable import EncodedPrompts
from tests.segmentors.sam import originals, tiny

SHAPES = [(96, 128), (200, 90), (256, 256), (300, 411)]
"""Smaller and larger than the square, both ways round."""

CLICKS = [Click.at_pixel(40, 50), Click.at_pixel(70, 30, positive=False), Click.at_pixel(11, 82)]


@pytest.fixture(scope="module", params=["sam", "sam2.1"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A segmentor of ours, and the original predictor with the same weights."""
    package = {"sam": "segment_anything", "sam2.1": "sam2"}[request.param]
    if find_spec(package) is None:
        pytest.skip(f"the original program {package} is not installed (see originals.py)")
    network = {"sam": tiny.sam, "sam2.1": tiny.sam2}[request.param]()
    folder = tiny.write(network, tmp_path_factory.mktemp("model"))
    predictor = {"sam": originals.sam_predictor, "sam2.1": originals.sam2_predictor}[request.param](network)
    return load_weights(HubModel("small", request.param, "nobody/small", 1), folder, "cpu"), predictor


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[1]}x{shape[0]}")
def encoded(request: pytest.FixtureRequest, both: tuple[Any, Any]) -> tuple[EncodedPrompts, Any]:
    image = photograph(request.param)
    both[1].set_image(image)
    return both[0].encode(image), both[1]


def photograph(shape: tuple[int, int]) -> ImageArray:
    from skimage import data

    height, width = shape
    return np.ascontiguousarray(data.astronaut()[:height, 60 : 60 + width])  # type: ignore[no-untyped-call]


def as_theirs(clicks: list[Click]) -> dict[str, Any]:
    """Points as the original programs take them: the column and row of the pixel."""
    return {
        "point_coords": np.array([(click.pixel[1], click.pixel[0]) for click in clicks], np.float32),
        "point_labels": np.array([int(click.positive) for click in clicks]),
    }


def same(ours: Any, theirs: Any) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.03, "the answers must say something"
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def full(encoded: EncodedPrompts, logits: Any) -> Any:
    return np.stack([encoded.geometry.full(one, encoded.shape) for one in logits])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("several", [True, False], ids=["several masks", "one mask"])
def test_clicks(encoded: tuple[EncodedPrompts, Any], count: int, several: bool) -> None:
    ours, predictor = encoded
    theirs, ious, low = predictor.predict(**as_theirs(CLICKS[:count]), multimask_output=several, return_logits=True)
    answers = (ours.decoder.several if several else ours.decoder.one)(ours.together(CLICKS[:count]))
    same(np.clip(answers.logits[0], -32, 32), np.clip(low, -32, 32))  # SAM 2 gives no others back
    same(full(ours, answers.logits[0]), theirs)
    np.testing.assert_allclose(answers.ious[0], ious, atol=1e-3)


def test_a_box_alone_and_with_a_click(encoded: tuple[EncodedPrompts, Any]) -> None:
    ours, predictor = encoded
    theirs = predictor.predict(box=np.array([20, 10, 60, 80]), multimask_output=False, return_logits=True)[0]
    answers = ours.decoder.one(ours.together((), (20.5, 10.5, 60.5, 80.5)))
    same(full(ours, answers.logits[0]), theirs)
    theirs = predictor.predict(
        **as_theirs(CLICKS[:1]), box=np.array([20, 10, 60, 80]), multimask_output=False, return_logits=True
    )[0]
    answers = ours.decoder.one(ours.together(CLICKS[:1], (20.5, 10.5, 60.5, 80.5)))
    same(full(ours, answers.logits[0]), theirs)


def test_the_logits_of_one_answer_go_into_the_next(encoded: tuple[EncodedPrompts, Any]) -> None:
    ours, predictor = encoded
    answer = ours.in_turn()
    mask = None
    for count in (1, 2, 3):
        theirs, ious, low = predictor.predict(
            **as_theirs(CLICKS[:count]), mask_input=mask, multimask_output=True, return_logits=True
        )
        best = int(np.argmax(ious))
        mask = low[best][None]
        same(answer(CLICKS[:count]), 1 / (1 + np.exp(-theirs[best])))

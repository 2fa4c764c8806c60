"""Every family, small and with random weights, loaded as the real ones are."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click, grid_clicks
from tamis.errors import InputError
from tamis.proposals import Selection, grid_proposals
from tamis.segmentors import (
    AnswersAlone,
    AnswersInTurn,
    EncodedImage,
    GivesChoices,
    HasWeights,
    ScoresMasks,
    ScoresPresence,
    Segmentor,
    TakesBoxes,
    TakesMask,
    load_segmentor,
)
from tamis.segmentors.cache import EncodingCache, FromArrays, HasArrays
from tamis.segmentors.sam.promptable import EncodedPrompts, Promptable
from tests.segmentors.sam.conftest import MAKERS, place

Scene = tuple[ImageArray, MaskArray]


@pytest.fixture(scope="module", params=MAKERS)
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "edgetam" and (find_spec("timm") is None or find_spec("torchvision") is None):
        pytest.skip("EdgeTAM's backbone needs timm and torchvision")
    return name


@pytest.fixture(scope="module")
def segmentor(name: str, tmp_path_factory: pytest.TempPathFactory) -> Promptable:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        place(name, patch)
        loaded = load_segmentor(name)
    assert isinstance(loaded, Promptable)
    return loaded


@pytest.fixture(scope="module")
def encoded(segmentor: Promptable, scene: Scene) -> EncodedPrompts:
    return segmentor.encode(scene[0])


def test_protocols(segmentor: Promptable, encoded: EncodedPrompts, name: str) -> None:
    assert isinstance(segmentor, Segmentor)
    assert isinstance(segmentor, HasWeights)
    assert isinstance(segmentor, FromArrays)
    assert len(segmentor.weights_sha256) == 64
    for ability in (EncodedImage, AnswersAlone, AnswersInTurn, GivesChoices, ScoresMasks, TakesBoxes, TakesMask):
        assert isinstance(encoded, ability)
    assert isinstance(encoded, ScoresPresence) == (not name.startswith("sam-"))


def test_answers_are_the_networks_own(encoded: EncodedPrompts, segmentor: Promptable, name: str, scene: Scene) -> None:
    """The same as transformers' own forward pass from pixels and points to logits, which shares none of ours."""
    network: Any = segmentor.model.network  # type: ignore[attr-defined]
    pixels = torch.from_numpy(segmentor.geometry.square(scene[0]))[None]
    side = segmentor.geometry.side
    point = [40 * side / 128, 50 * side / (128 if name.startswith("sam-") else 96)]
    with torch.inference_mode():
        theirs = network(
            pixel_values=pixels,
            input_points=torch.tensor([[[point]]]),
            input_labels=torch.tensor([[[1]]]),
            multimask_output=True,
        )
    ours = encoded.decoder.several(encoded.together([Click.at_pixel(50, 40)]))
    assert theirs.pred_masks.std() > 0.1
    np.testing.assert_allclose(ours.logits, theirs.pred_masks[0], atol=1e-3)
    np.testing.assert_allclose(ours.ious, theirs.iou_scores[0], atol=1e-4)
    if ours.presence is not None:
        np.testing.assert_allclose(ours.presence, torch.sigmoid(theirs.object_score_logits[0, :, 0]), atol=1e-5)


def test_one_click_has_the_best_of_its_choices(encoded: EncodedPrompts) -> None:
    clicks = [Click(40, 50)]
    masks, scores = encoded.choices(clicks)
    assert masks.shape == (3, 96, 128)
    best = masks[int(np.argmax(encoded.decoder.several(encoded.together(clicks)).ious[0]))]
    probability = encoded.probability(clicks)
    assert probability[50, 40] == 1
    assert np.count_nonzero(probability != best) <= 1
    assert scores.min() >= 0
    assert scores.max() <= 1
    np.testing.assert_allclose(encoded.scores(clicks)[0], scores.max())


def test_many_clicks_are_answered_as_each_alone(encoded: EncodedPrompts) -> None:
    clicks = [*grid_clicks(8, (96, 128)), Click(3, 4, positive=False), Click(90, 80)]  # more than a batch
    alone = list(encoded.alone(clicks))
    assert len(alone) == len(clicks)
    own = encoded.probabilities(clicks)
    assert own.shape[0] == len(clicks)
    for index in (0, 13, 64, 65):
        np.testing.assert_allclose(alone[index], encoded.probability([clicks[index]]), atol=1e-5)
        np.testing.assert_allclose(own[index], encoded.probabilities([clicks[index]])[0], atol=1e-5)
    assert len(encoded.probabilities([])) == len(encoded.scores([])) == 0


def test_boxes_masks_and_negative_clicks_change_the_answer(encoded: EncodedPrompts, scene: Scene) -> None:
    answers = [
        encoded.probability([Click(40, 50)]),
        encoded.probability([Click(40, 50), Click(100, 20, positive=False)]),
        encoded.probability_in_box((15, 25, 66, 76)),
        encoded.probability_from_mask(scene[1], []),
        encoded.probability_from_mask(scene[1], [Click(40, 50)]),
    ]
    for i, answer in enumerate(answers):
        assert answer.shape == (96, 128)
        assert answer.dtype == np.float32
        for other in answers[:i]:
            assert np.abs(answer - other).max() > 1e-3


def test_bad_prompts_are_refused_in_a_sentence(encoded: EncodedPrompts) -> None:
    with pytest.raises(InputError, match="at least one click"):
        encoded.probability([])
    with pytest.raises(InputError, match="outside the 128x96 image"):
        encoded.probabilities([Click(128, 3)])
    with pytest.raises(InputError, match=r"the box \(50, 10, 20, 60\) must be left, top, right, bottom"):
        encoded.probability_in_box((50, 10, 20, 60))
    with pytest.raises(InputError, match=r"the mask is \(96, 96\) pixels, the image \(128, 96\)"):
        encoded.probability_from_mask(np.zeros((96, 96), bool), [])


def test_an_encoded_image_comes_back_from_the_disk(
    segmentor: Promptable, encoded: EncodedPrompts, scene: Scene, tmp_path: Path
) -> None:
    assert isinstance(encoded, HasArrays)
    cache = EncodingCache(segmentor, tmp_path)
    assert cache.save("0" * 64, encoded)
    again = cache.load("0" * 64, scene[0])
    assert again is not None
    clicks = [Click(40, 50), Click(90, 20, positive=False)]
    assert (again.probability(clicks) == encoded.probability(clicks)).all()


def test_proposals_of_a_whole_image_are_scored_by_the_model(encoded: EncodedPrompts) -> None:
    proposals = grid_proposals(encoded, grid=4, selection=Selection(min_area=1))
    assert len(proposals) >= 1
    np.testing.assert_allclose(proposals.scores, encoded.scores(proposals.clicks), atol=1e-5)


def test_images_of_any_shape(segmentor: Promptable) -> None:
    for shape in [(1, 1), (1, 40), (40, 1), (3, 700)]:
        image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        encoded = segmentor.encode(image)
        assert encoded.probability([Click(0.5, 0.5)]).shape == shape
        assert encoded.probability([Click(0.5, 0.5, positive=False)])[0, 0] == 0
        assert len(encoded.probabilities([Click(0.5, 0.5)] * 2)) == 2

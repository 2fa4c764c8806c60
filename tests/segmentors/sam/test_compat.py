"""The drop-in over a small SAM, against segment-anything itself with the same weights."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from tamis.compat import SamAutomaticMaskGenerator, SamPredictor
from tamis.hub.model import HubModel
from tamis.segmentors.sam.loading import load_weights
from tamis.segmentors.sam.promptable import Promptable
from tests.segmentors.sam import originals, tiny
from tests.segmentors.sam.test_against_originals import photograph

pytestmark = pytest.mark.skipif(find_spec("segment_anything") is None, reason="segment-anything is not installed")

SHAPE = (150, 200)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Promptable, Any]:
    network = tiny.sam()
    folder = tiny.write(network, tmp_path_factory.mktemp("sam"))
    return load_weights(HubModel("small", "sam", "nobody/small", 1), folder, "cpu"), originals.sam_predictor(network)


@pytest.mark.parametrize(
    "prompt",
    [
        {"point_coords": np.array([[30, 40]]), "point_labels": np.array([1])},
        {
            "point_coords": np.array([[30.25, 40.5], [120, 9]]),
            "point_labels": np.array([1, 0]),
            "multimask_output": False,
        },
        {"box": np.array([10, 20, 90, 140]), "multimask_output": False},
        {"box": np.array([10, 20, 90, 140]), "point_coords": np.array([[50, 50]]), "point_labels": np.array([0])},
    ],
    ids=["a point", "two points, one mask", "a box", "a box and a point"],
)
def test_the_predictor_gives_what_theirs_gives(both: tuple[Promptable, Any], prompt: dict[str, Any]) -> None:
    ours, theirs = SamPredictor(both[0]), both[1]
    for predictor in (ours, theirs):
        predictor.set_image(photograph(SHAPE))
    for one, other in zip(
        ours.predict(**prompt, return_logits=True), theirs.predict(**prompt, return_logits=True), strict=True
    ):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-3)
    given = theirs.predict(**prompt)[2][:1]
    again, expected = (predictor.predict(**prompt, mask_input=given)[2] for predictor in (ours, theirs))
    np.testing.assert_allclose(again, expected, atol=1e-3)


@pytest.mark.parametrize("crops", [0, 1])
def test_the_generator_gives_the_records_that_theirs_gives(both: tuple[Promptable, Any], crops: int) -> None:
    from segment_anything import SamAutomaticMaskGenerator as Theirs

    arguments: dict[str, Any] = {
        "points_per_side": 5,
        "pred_iou_thresh": -1.0,
        "stability_score_thresh": 0.3,
        "crop_n_layers": crops,
        "output_mode": "uncompressed_rle",
        # The masks of random weights all have the same box: with these none goes but those below.
        "box_nms_thresh": 1.1,
        "crop_nms_thresh": 1.1,
    }
    image = photograph(SHAPE)
    ours = SamAutomaticMaskGenerator(both[0], **arguments).generate(image)
    theirs = Theirs(both[1].model, **arguments).generate(image)
    assert len(ours) == len(theirs) > 10
    for one, other in zip(ours, theirs, strict=True):
        assert set(one) == set(other)
        assert one["point_coords"] == pytest.approx(np.array(other["point_coords"]))
        assert one["crop_box"] == other["crop_box"]
        assert one["predicted_iou"] == pytest.approx(other["predicted_iou"], abs=1e-3)
        assert one["stability_score"] == pytest.approx(other["stability_score"], abs=2e-3)
        masks = [_dense(record["segmentation"]) for record in (one, other)]
        assert (masks[0] != masks[1]).mean() < 1e-3
        assert abs(one["area"] - other["area"]) <= 5


def test_overlapping_boxes_are_thinned_out_alike(both: tuple[Promptable, Any]) -> None:
    from segment_anything import SamAutomaticMaskGenerator as Theirs

    arguments: dict[str, Any] = {"points_per_side": 5, "pred_iou_thresh": -1.0, "stability_score_thresh": 0.3}
    counts = {
        threshold: [
            len(made(model, **arguments, box_nms_thresh=threshold).generate(photograph(SHAPE)))
            for made, model in ((SamAutomaticMaskGenerator, both[0]), (Theirs, both[1].model))
        ]
        for threshold in (0.7, 0.97, 0.999)
    }
    for ours, theirs in counts.values():
        assert ours == theirs


def _dense(rle: dict[str, Any]) -> Any:
    height, width = rle["size"]
    signs = np.arange(len(rle["counts"])) % 2 == 1
    return np.repeat(signs, rle["counts"]).reshape(width, height).T

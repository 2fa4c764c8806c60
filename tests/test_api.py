"""The front door: images of every kind in, prompts of every kind, answers of every kind out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tamis
from tamis.arrays import ImageArray, MaskArray
from tamis.compat import SamPredictor
from tamis.datasets.protocol import Dataset, Sample, Target

Scene = tuple[ImageArray, MaskArray]


@pytest.fixture(scope="module")
def model() -> tamis.Model:
    return tamis.load("hierarchy")


@pytest.fixture
def encoded(model: tamis.Model, photograph: Path) -> tamis.Encoded:
    return model.encode(photograph)


def iou(one: MaskArray, other: MaskArray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_reprs_are_short(model: tamis.Model, encoded: tamis.Encoded, photograph: Path) -> None:
    assert repr(model) == "Model('hierarchy')"
    assert repr(encoded) == "Encoded(photo.jpg, 128x96, by hierarchy)"
    found = encoded.masks()
    assert repr(found) == f"Proposals({len(found)} masks of photo.jpg, 128x96)"
    for thing in (encoded.predict([(40, 50)]), found[0], tamis.open_project(photograph.parent)):
        assert len(repr(thing)) < 120


def test_images_of_every_kind_give_the_same(model: tamis.Model, scene: Scene) -> None:
    image, disc = scene
    opaque = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    for same in (image, opaque, Image.fromarray(image), image / 255, image.astype(np.uint16) << 8):
        answer = model.encode(same)
        assert answer.shape == (96, 128)
        assert (answer.image == image).all()
    grey = model.encode(image[..., 0]).image
    assert (grey == image[..., :1]).all()
    assert iou(model.encode(image).predict([(40, 50)]).mask, disc) > 0.9


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros((4, 5, 2), np.uint8), r"an image is \(H, W\), \(H, W, 3\) or \(H, W, 4\), not \(4, 5, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), "has no pixels"),
        (np.full((4, 5), 255.0), "must be from 0 to 1, and this one is from 255 to 255"),
        (np.full((4, 5), np.nan), "must be from 0 to 1"),
        (np.zeros((4, 5), np.int64), "an image of int64 is not understood"),
        ([[1, 2]], "not a list"),
        ("nowhere.jpg", "no such file"),
    ],
)
def test_what_is_no_image_is_refused(model: tamis.Model, wrong: object, said: str) -> None:
    with pytest.raises(tamis.InputError, match=said):
        model.encode(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["embedded", "hierarchy", "grabcut", "random-walker"])
def test_every_segmentor_refuses_what_is_no_image(name: str) -> None:
    plain = tamis.load(name).plain
    for wrong in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3), np.float32)):
        with pytest.raises(tamis.InputError, match=r"an image must be \(H, W, 3\) uint8 RGB"):
            plain.encode(wrong)  # type: ignore[arg-type]


def test_clicks_boxes_and_masks_are_prompts(encoded: tamis.Encoded, scene: Scene) -> None:
    _, disc = scene
    rows, columns = np.nonzero(disc)
    one = encoded.predict([(40, 50)])
    assert (one.mask == encoded.predict([tamis.Click(40, 50)]).mask).all()
    assert 0 <= one.predicted_iou <= 1
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert iou(encoded.predict(box=box).mask, disc) > 0.9
    less = encoded.predict([(100, 20, "-")], mask=np.ones(disc.shape, bool))
    assert not less.mask[20, 100]
    more = encoded.predict([(40, 50)], mask=less)
    assert more.mask[50, 40]
    assert more.mask.sum() >= less.mask.sum()
    for wrong in ([(1, 2, 3, 4)], ["ab"], [(1, 2, "?")], [5]):
        with pytest.raises(tamis.InputError, match="is no click"):
            encoded.predict(wrong)  # type: ignore[arg-type]
    with pytest.raises(tamis.InputError, match="at least one click"):
        encoded.predict()
    with pytest.raises(tamis.InputError, match="96 rows and 128 columns"):
        encoded.predict([(1, 2)], mask=np.ones((3, 4), bool))


def test_choices_go_from_part_to_whole(photograph: Path) -> None:
    found = tamis.load().encode(photograph).choices([(40, 50)])
    assert len(found) == 3
    assert found[0].mask.sum() <= found[2].mask.sum()
    assert len(tamis.load("grabcut").encode(photograph).choices([(40, 50)])) == 1


def test_masks_are_a_sequence(encoded: tamis.Encoded, scene: Scene, tmp_path: Path) -> None:
    found = encoded.masks(min_score=0, min_area=50)
    assert len(found) == len(list(found)) > 1
    assert found[0].score >= found[-1].score
    with pytest.raises(IndexError):
        found[len(found)]
    assert [each.area for each in found[:2]] == found.masks.areas[:2].tolist()
    large = found.filter(lambda each: each.area > 300)
    assert 0 < len(large) < len(found)
    assert large[0].click is not None
    assert max(iou(each.mask, scene[1]) for each in found) > 0.9
    assert found.label_map().dtype == np.uint16
    assert found.overlay().shape == (96, 128, 3)
    assert found.to_coco()["images"][0]["file_name"] == "photo.jpg"
    for name in ("a.json", "a.png", "a.svg"):
        found.save(tmp_path / name)
        assert (tmp_path / name).stat().st_size
    with pytest.raises(tamis.InputError, match=r"write masks to \.json"):
        found.save(tmp_path / "a.txt")


def test_strategies_have_their_own_rules(encoded: tamis.Encoded) -> None:
    regions = encoded.masks(tamis.Partition(5))
    assert (regions.masks.dense().sum(axis=0) == 1).all()
    assert len(regions) == 5
    assert regions[0].click is None
    assert len(encoded.masks(tamis.Tiles(64), max_masks=3)) == 3
    assert len(encoded.masks(tamis.Adaptive())) > 0
    assert all(each.score >= 0.88 for each in encoded.masks(tamis.SamGenerator("sam", 4)))
    with pytest.raises(tamis.InputError, match="Partition has its own rules"):
        encoded.masks(tamis.Partition(5), min_score=0.4)
    for wrong in (lambda: tamis.Tiles(3), lambda: tamis.Clicks(0), lambda: tamis.Partition(0)):
        with pytest.raises(tamis.InputError):
            wrong()


def test_a_model_is_measured(model: tamis.Model, photograph: Path, scene: Scene, tmp_path: Path) -> None:
    sample = Sample("photo", photograph, lambda: iter([Target("disc", scene[1])]))
    dataset = Dataset("mine", "", tmp_path, (sample,), "", "")
    seen: list[tuple[int, int]] = []
    result = tamis.evaluate(model, dataset, progress=lambda done, of: seen.append((done, of)))
    assert 0 < result.miou[0] <= 1
    assert result.miou_ci95[0][0] <= result.miou[0]
    assert seen == [(1, 1)]
    assert repr(result).startswith("Evaluation(hierarchy on mine: mIoU@1 0.")
    assert tamis.evaluate("hierarchy", dataset).miou == result.miou
    assert tamis.evaluate(model, dataset, "ritm").noc(0.85) >= 1
    with pytest.raises(tamis.InputError, match="were not counted"):
        result.noc(0.5)
    with pytest.raises(tamis.InputError, match="there are no rules 'mine'"):
        tamis.evaluate(model, dataset, "mine")


def test_folders_are_segmented_with_a_callback(model: tamis.Model, photograph: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    outcomes = tamis.segment(photograph.parent, tmp_path / "out", model, progress=lambda _, done, of: seen.append(done))
    assert [outcome.path for outcome in outcomes] == [photograph]
    assert seen == [1]
    again = tamis.segment(photograph.parent, tmp_path / "out", "hierarchy")
    assert again[0].skipped
    with pytest.raises(tamis.InputError, match="SAM's records"):
        tamis.segment(photograph.parent, tmp_path / "out", model, tamis.Partition(3), formats=["sam"])


def test_compat_takes_a_model_and_says_what_it_has_not(model: tamis.Model, scene: Scene) -> None:
    predictor = SamPredictor(model)
    predictor.set_image(scene[0])
    assert predictor.predict(np.array([[40, 50]]), np.array([1]))[0].any()
    with pytest.raises(tamis.InputError, match="'hierarchy' has no image embedding"):
        predictor.get_image_embedding()

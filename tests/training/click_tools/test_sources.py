"""Scenes from COCO+LVIS and from any dataset."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from tamis.errors import InputError
from tamis.image import write_image
from tamis.training.click_tools.augment import Augmentation
from tamis.training.click_tools.batches import Counts, Drawing, NumberedSamples
from tamis.training.click_tools.points import Clicking
from tamis.training.click_tools.sources import CocoLvis, open_source


@pytest.fixture
def cocolvis(tmp_path: Path) -> Path:
    """Two images: one with a thing, its part and stuff, one of stuff alone."""
    base = tmp_path / "coco" / "train"
    (base / "images").mkdir(parents=True)
    (base / "masks").mkdir()
    layer, parts = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    layer[5:45, 5:45], layer[50:] = 1, 2
    parts[5:20, 5:20] = 1
    encoded = [cv2.imencode(".png", each)[1] for each in (layer, parts)]
    for name in ("000000000001", "000000000002"):
        write_image(base / "images" / f"{name}.jpg", np.full((60, 80, 3), 90, np.uint8))
    (base / "masks" / "000000000001.pickle").write_bytes(pickle.dumps((encoded, [(0, 1), (1, 1), (0, 2)])))
    (base / "masks" / "000000000002.pickle").write_bytes(pickle.dumps((encoded[:1], [(0, 2)])))
    child = {"children": [], "parent": 0, "node_level": 1}
    hierarchy = {
        "000000000001": {"num_instance_masks": 2, "hierarchy": {0: {"children": [1], "parent": None, "node_level": 0},
                                                                1: child}},
        "000000000002": {"num_instance_masks": 0, "hierarchy": {}},
    }  # fmt: skip
    (base / "hannotation.pickle").write_bytes(pickle.dumps(hierarchy))
    return tmp_path / "coco"


def test_coco_lvis_has_parts_and_stuff_in_some_of_the_draws(cocolvis: Path) -> None:
    source = open_source(f"cocolvis={cocolvis}:train", 0.3)
    assert isinstance(source, CocoLvis)
    assert list(source.names) == ["000000000001", "000000000002"]
    scenes = [source.scene(0, np.random.default_rng(seed)) for seed in range(100)]
    assert {tuple(scene.roots) for scene in scenes} == {(0,), (0, 2)}
    assert np.mean([len(scene.roots) == 2 for scene in scenes]) == pytest.approx(0.3, abs=0.12)
    assert all(scene.objects[1].parent == 0 for scene in scenes)


def test_a_dataset_half_unpacked_is_refused(cocolvis: Path) -> None:
    (cocolvis / "train" / "images" / "000000000002.jpg").unlink()
    with pytest.raises(InputError, match=r"1 of 2 files are missing, such as 000000000002\.jpg.*half unpacked"):
        open_source(f"cocolvis={cocolvis}", 0.3)


def test_images_without_an_object_are_counted_and_rarely_kept(cocolvis: Path) -> None:
    source = open_source(f"cocolvis={cocolvis}", 0.0)
    drawing = Drawing((source,), 64, 50, 0.05, Clicking(), Augmentation(), nested=True, seed=0)
    counts = Counts()
    samples = [drawing.sample(number) for number in range(60)]
    for sample in samples:
        counts.add(sample)
        assert sample.image.shape == (3, 64, 64)
        first = next((click for click in sample.clicks if click[2]), None)
        if first is not None:
            assert all(mask[first[0], first[1]] for mask in sample.nested)
    assert counts.without > 20  # half of all draws
    kept = [sample for sample in samples if not sample.target.any()]
    assert 0 <= len(kept) < 12


def test_the_same_number_gives_the_same_sample(cocolvis: Path) -> None:
    source = open_source(f"cocolvis={cocolvis}", 0.3)
    drawing = Drawing((source,), 48, 20, 0.05, Clicking(), Augmentation(), nested=False, seed=3)
    one, other = drawing.sample(7), drawing.sample(7)
    assert np.array_equal(one.image, other.image)
    assert one.clicks == other.clicks
    shares = [NumberedSamples(drawing, range(2, 4), 4, 2, rank) for rank in (0, 1)]
    assert [len(share) for share in shares] == [4, 4]
    # Steps 2 and 3 of a batch of 4 are samples 8 to 15; each of two processes has two of every four.
    assert np.array_equal(shares[1][3].image, drawing.sample(15).image)
    assert np.array_equal(shares[0][0].image, drawing.sample(8).image)


def test_any_dataset_of_the_package_can_be_trained_on(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    labels = np.zeros((40, 50), np.uint8)
    labels[5:20, 5:20], labels[25:35, 5:45] = 1, 2
    for name in ("a", "b"):
        write_image(tmp_path / "images" / f"{name}.png", np.zeros((40, 50, 3), np.uint8))
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), labels)
    write_image(tmp_path / "images" / "c.png", np.zeros((40, 50, 3), np.uint8))
    source = open_source(f"folder={tmp_path}:", 0.3)
    assert (len(source.names), source.unmatched) == (2, 1)
    assert source.scene(0, np.random.default_rng(0)).roots == [0, 1]


def test_data_whose_objects_are_all_too_small_is_told(cocolvis: Path) -> None:
    source = open_source(f"cocolvis={cocolvis}", 0.0)
    drawing = Drawing((source,), 16, 5000, 0.0, Clicking(), Augmentation(), nested=False, seed=0)
    with pytest.raises(InputError, match="had no object of 5000 pixels"):
        drawing.sample(0)
    with pytest.raises(InputError, match="no images to train on"):
        Drawing((), 16, 1, 0.0, Clicking(), Augmentation(), nested=False, seed=0)

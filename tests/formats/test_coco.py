import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as reference
from pycocotools.coco import COCO

from tamis.formats.coco import CocoImage, annotations_of, dataset_of, masks_of
from tamis.mask import Masks


@pytest.fixture
def masks() -> Masks:
    ring = np.zeros((6, 8), bool)
    ring[1:5, 1:6] = True
    ring[2:4, 2:5] = False
    parts = np.zeros((6, 8), bool)
    parts[0, 0] = parts[5, 7] = True
    return Masks.from_dense(np.stack([ring, parts]))


def test_holes_and_parts_survive_json(masks: Masks) -> None:
    image = CocoImage("a/b.jpg", masks.shape, annotations_of(masks))
    again = json.loads(json.dumps(image.annotations))
    assert masks_of(CocoImage("a/b.jpg", masks.shape, again)) == masks


def test_pycocotools_reads_the_file(masks: Masks, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = [
        CocoImage("one.jpg", (6, 8), annotations_of(masks, [{"score": 0.9}, {"score": 0.4}])),
        CocoImage("two.jpg", (3, 3)),
    ]
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(dataset_of(images, {"description": "a test"})))
    dataset = COCO(str(path))
    assert sorted(dataset.getImgIds()) == [1, 2]
    assert dataset.getAnnIds(imgIds=2) == []
    for annotation, mask in zip(dataset.loadAnns(dataset.getAnnIds(imgIds=1)), masks, strict=True):
        assert (dataset.annToMask(annotation).astype(bool) == mask).all()
        rle = annotation["segmentation"]
        assert annotation["area"] == reference.area(rle)
        assert annotation["bbox"] == reference.toBbox(rle).tolist()
    assert [annotation["score"] for annotation in dataset.dataset["annotations"]] == [0.9, 0.4]


def test_a_dataset_without_masks_is_valid() -> None:
    assert dataset_of([], {})["annotations"] == []
    assert len(masks_of(CocoImage("empty.jpg", (4, 4)))) == 0

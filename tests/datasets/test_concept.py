"""One class of a dataset as a concept of its own."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.datasets import open_dataset
from tamis.datasets.concept import class_of, of_concept
from tamis.errors import InputError


def test_a_class_of_a_label_map_by_its_name_or_number(tmp_path: Path) -> None:
    """Plants of two classes: 1 is a crop, 2 a weed."""
    for name, labels in (("a", [[0, 1], [2, 0]]), ("b", [[1, 1], [0, 0]])):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Image.new("RGB", (2, 2)).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(np.array(labels, np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    plants = open_dataset("cwfid", tmp_path)
    assert [class_of(target) for target in plants.samples[0].targets()] == ["crop", "weed"]
    weeds = of_concept(plants, "weed")
    assert [sample.name for sample in weeds.samples] == ["a"]
    (weed,) = weeds.samples[0].targets()
    assert weed.mask.tolist() == [[False, False], [True, False]]
    assert len(of_concept(plants, "crop").samples) == 2
    assert len(of_concept(plants, "crop", limit=1).samples) == 1
    assert [sample.name for sample in of_concept(open_dataset("folder", tmp_path), "2").samples] == ["a"]
    with pytest.raises(InputError, match="has the concept 'tree'; there is crop, weed"):
        of_concept(plants, "tree")


def test_a_class_of_a_coco_file(tmp_path: Path) -> None:
    square = [[0.0, 0.0, 2.0, 0.0, 2.0, 2.0, 0.0, 2.0]]
    (tmp_path / "set.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.png", "width": 4, "height": 4}],
                "categories": [{"id": 7, "name": "horse"}, {"id": 8, "name": "dog"}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": 7, "segmentation": square},
                    {"id": 2, "image_id": 1, "category_id": 8, "segmentation": square},
                ],
            }
        )
    )
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    horses = of_concept(open_dataset("coco", tmp_path / "set.json"), "horse")
    (horse,) = horses.samples[0].targets()
    assert (horse.id, horse.label) == ("1", "horse")

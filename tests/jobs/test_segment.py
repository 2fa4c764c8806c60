"""The job over many images, as a library sees it; what the command makes of it is tested with the command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import ImageArray, MaskArray
from tamis.compat.strategy import SamGenerator
from tamis.errors import InputError
from tamis.jobs import segment
from tamis.partition.strategy import Partition
from tamis.proposals import Adaptive, Clicks, Selection, Tiles
from tamis.proposals.scores import SCORES
from tamis.segmentors import load_segmentor


@pytest.fixture
def folder(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> Path:
    """Three images."""
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.fromarray(np.roll(scene[0], 7 * number, axis=1)).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def test_images_of_the_same_name_do_not_overwrite_each_other() -> None:
    places = segment.places_of([Path("a/1.jpg"), Path("b/1.jpg"), Path("b/1.png"), Path("b/2.jpg")])
    assert [place.name for place in places.values()] == ["a/1", "b/1.jpg", "b/1.png", "b/2"]
    assert [place.file_name for place in places.values()] == ["a/1.jpg", "b/1.jpg", "b/1.png", "b/2.jpg"]


def test_no_two_images_have_results_of_one_name() -> None:
    paths = [Path(name) for name in ("a.jpg", "a.png", "a.jpg.png", "A.bmp", "b", "b.gif", "c.d.jpg")]
    names = [place.name for place in segment.places_of(paths).values()]
    assert names == ["a.jpg", "a.png", "a.jpg.png", "A.bmp", "b", "b.gif", "c.d"]


def test_a_run_cut_short_keeps_what_earlier_ones_finished(folder: Path, tmp_path: Path) -> None:
    paths, out, model = sorted(folder.iterdir()), tmp_path / "out", load_segmentor("hierarchy")
    settings = segment.SegmentSettings(Clicks(4))
    list(segment.segment_images(paths, out, model, settings))
    whole = json.loads((out / "coco.json").read_text())
    again = segment.segment_images(paths, out, model, settings)
    next(again)
    again.close()
    assert json.loads((out / "coco.json").read_text()) == whole
    assert json.loads((out / "run.json").read_text())["ended"] is None


def test_settings_are_recorded_as_what_decides_the_result() -> None:
    usual = segment.SegmentSettings().record()
    assert usual == {
        "grid": None,
        "max_proposals": None,
        "min_area": 256,
        "formats": ["coco", "labelmap", "overlay"],
        "partition": None,
        "levels": [0.5],
        "score": None,
        "adaptive": False,
        "protocol": None,
        "tiles": None,
        "min_score": 0.3,
    }
    chosen = Selection((0.3, 0.7), 9, 0.1, max_proposals=4, score=SCORES["stability"])
    of_tiles = segment.SegmentSettings(Tiles(128, 6, chosen)).record()
    assert of_tiles == {
        **usual, "tiles": 128, "grid": 6, "levels": [0.3, 0.7], "min_area": 9, "min_score": 0.1, "max_proposals": 4,
        "score": "stability",
    }  # fmt: skip
    assert segment.SegmentSettings(Partition(7)).record() == {**usual, "partition": 7}
    assert segment.SegmentSettings(Adaptive()).record() == {**usual, "adaptive": True}
    assert segment.SegmentSettings(SamGenerator("sam2", 8)).record() == {**usual, "protocol": "sam2", "grid": 8}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (lambda: segment.SegmentSettings(formats=("xml",)), "'xml' is none of the formats"),
        (lambda: segment.SegmentSettings(formats=()), "none was given"),
        (lambda: segment.SegmentSettings(Partition(3), ("sam",)), "leave out the format sam"),
        (lambda: segment.SegmentSettings(Tiles(64), ("sam",)), "leave out the format sam"),
        (lambda: segment.SegmentSettings(Clicks(4, Selection((0.3,))), ("sam",)), "at a threshold of one half"),
    ],
)
def test_what_cannot_go_together(settings: object, said: str) -> None:
    assert callable(settings)
    with pytest.raises(InputError, match=said):
        settings()

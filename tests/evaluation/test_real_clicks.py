import json
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.evaluation.real_clicks import groups_of, read_real_clicks, real_clicks_summary
from tamis.evaluation.rules import Rules
from tamis.evaluation.run import run_evaluation
from tests.evaluation.scenes import sample_of

FILE = """\
dataset,image_stem,object_stem,full_stem,click_type,model_type,x,y,device
Berkeley,one,,one,first,,40.5,30.2,pc
Berkeley,one,,one,first,,-3,400,mobile
Berkeley,one,,one_fp,fp,ritm,9,9,pc
Berkeley,two,1,two_______1,first,,7,8,pc
Berkeley,two,2,two_______2,first,,70,80,pc
DAVIS,one,,one,first,,1,1,pc
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clicks.csv"
    path.write_text(FILE)
    return path


def test_first_clicks_of_a_data_set_are_read(file: Path) -> None:
    real = read_real_clicks(file, "berkeley")
    assert real.on("one", "mask 1", (100, 120)) == (Click(40.5, 30.2), Click(0, 99))  # moved inside
    assert real.on("two", "2", (100, 120)) == (Click(70, 80),)
    assert real.on("two", "two#002", (100, 120)) == (Click(70, 80),)
    assert real.on("three", "1", (100, 120)) == ()
    assert len(read_real_clicks(file, "DAVIS").by_object) == 1


def test_a_file_without_clicks_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no first clicks on 'GrabCut'; it has such on Berkeley, DAVIS"):
        read_real_clicks(file, "grabcut")
    file.write_text(FILE.replace("object_stem", "object"))
    with pytest.raises(InputError, match="no column object_stem"):
        read_real_clicks(file, "berkeley")
    file.write_text(FILE.replace("40.5", "left"))
    with pytest.raises(InputError, match="line 2: x and y"):
        read_real_clicks(file, "berkeley")
    with pytest.raises(InputError, match="cannot be read"):
        read_real_clicks(tmp_path / "none.csv", "berkeley")


def test_clicks_are_grouped_by_how_many_people_click_there() -> None:
    crowd = np.random.default_rng(0).normal(50, 2, (18, 2))
    groups = groups_of(np.concatenate([[[5, 5], [95, 20]], crowd]))
    assert sorted(groups.tolist()) == sorted(list(range(10)) * 2)
    assert groups[:2].tolist() == [0, 0]


def test_what_clicks_of_people_cost() -> None:
    def tried(mask: str, noc: int, iou: float, click: tuple[float, float] | None) -> dict[str, object]:
        return {"image": "a", "mask": mask, "noc": noc, "iou": iou, "click": click}

    people = [tried("1", 4 if x == 90 else 2, 0.6 + 0.2 * (x == 90), (x, 0.0)) for x in (10, 11, 12, 13, 90)]
    told = real_clicks_summary([tried("1", 2, 0.9, None), *people, tried("2", 9, 0.1, None)])
    assert told["objects"] == 1
    assert told["clicks"] == 5
    assert told["noc90"] == pytest.approx(2.4)
    assert told["noc90_center"] == 2
    assert told["loss"] == pytest.approx(20)
    assert told["noc90_by_group"]["0"] == 4  # the one that is alone
    assert told["gap"] == pytest.approx(100)
    assert told["iou"] == pytest.approx(0.64)
    assert told["iou_std"] == pytest.approx(0.08)
    assert real_clicks_summary([tried("2", 9, 0.1, None)]) == {"objects": 0}


def test_every_click_of_a_person_begins_a_try(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    sample = sample_of(tmp_path, "one", image, {"1": disc})
    inside, outside = np.argwhere(disc)[0], np.argwhere(~disc)[0]
    rows = [f"Berkeley,one,,first,{x},{y}" for y, x in (inside, outside)]
    (tmp_path / "clicks.csv").write_text("\n".join(["dataset,image_stem,object_stem,click_type,x,y", *rows]))
    dataset = Dataset("berkeley", "", tmp_path, (sample,), "", "", {})
    rules = Rules("center", clicks=3, repeats=1)
    real = read_real_clicks(tmp_path / "clicks.csv", "berkeley")
    list(run_evaluation("hierarchy", dataset, rules, tmp_path / "out", real=real))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["tries"] == 2  # the try of the middle is only compared with
    assert summary["real_clicks"]["clicks"] == 2
    assert summary["real_clicks"]["noc90_center"] <= summary["real_clicks"]["noc90"]
    journal = json.loads((tmp_path / "out" / "journal.jsonl").read_text().splitlines()[-1])
    begun = [(c["x"], c["y"]) for c in journal[1]["clicks"] if c["click"] == 1]
    assert begun[1:] == [(float(x), float(y)) for y, x in (inside, outside)]

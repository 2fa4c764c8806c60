import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.image import read_image
from tamis.mask import Masks

Tamis = Callable[..., tuple[int, str, str]]


def test_it_prints_area_box_and_share(tamis: Tamis, photograph: Path) -> None:
    code, out, err = tamis("click", photograph, "--at", "40,50")
    assert (code, err) == (0, "")
    assert "of 12,288 pixels" in out
    assert "% of the image" in out
    assert "box    x 1" in out


def test_it_writes_mask_and_probability(
    tamis: Tamis, photograph: Path, tmp_path: Path, scene: tuple[ImageArray, MaskArray]
) -> None:
    mask_path, probability_path = tmp_path / "mask.png", tmp_path / "p.png"
    code, out, _ = tamis("click", photograph, "--at", "40,50", "--out", mask_path, "--probability", probability_path)
    assert code == 0
    assert out == f"wrote {mask_path}\nwrote {probability_path}\n"
    mask = read_image(mask_path)[..., 0]
    assert set(np.unique(mask)) == {0, 255}
    assert ((mask > 0) == scene[1]).mean() > 0.98
    assert ((read_image(probability_path)[..., 0] > 127.5) == (mask > 0)).all()


def test_json_holds_the_mask(tamis: Tamis, photograph: Path) -> None:
    code, out, _ = tamis("click", photograph, "--at", "40,50", "--at", "100.5,20,-", "--json")
    result = json.loads(out)
    assert code == 0
    assert result["clicks"][1] == {"x": 100.5, "y": 20.0, "positive": False}
    mask = Masks.from_coco([result["segmentation"]])
    assert mask.areas.tolist() == [result["area"]]
    assert mask.coco_boxes[0].tolist() == result["bbox"]


def test_choices_are_numbered_and_rated(tamis: Tamis, photograph: Path, tmp_path: Path) -> None:
    asked = ("click", photograph, "--at", "40,50", "--choices")
    code, out, _ = tamis(*asked, "--out", tmp_path / "mask.png")
    assert code == 0
    assert [line.split()[1].strip(",") for line in out.splitlines()] == [
        str(tmp_path / f"mask-{i}.png") for i in (1, 2, 3)
    ]
    assert "predicted IoU 0." in out
    told = json.loads(tamis(*asked, "--json")[1])["choices"]
    masks = Masks.from_coco([each["segmentation"] for each in told])
    for number, each in enumerate(told):
        assert (
            (read_image(tmp_path / f"mask-{number + 1}.png")[..., 0] > 0).sum() == each["area"] == masks.areas[number]
        )
        assert 0 < each["score"] < 1
    assert tamis(*asked)[1].count("box ") == 3
    code, _, err = tamis(*asked, "--segmentor", "grabcut")
    assert code == 2
    assert "leave out --multimask" in err
    photograph = photograph.rename(tmp_path / "mask-2.png")
    code, _, err = tamis("click", photograph, "--at", "40,50", "--choices", "--out", tmp_path / "mask.png")
    assert (code, "is the same file as IMAGE" in err) == (2, True)


def test_tiles_and_a_second_look_are_two_ways(tamis: Tamis, photograph: Path) -> None:
    assert tamis("click", photograph, "--at", "40,50", "--tiles", "64")[0] == 0
    code, _, err = tamis("click", photograph, "--at", "40,50", "--tiles", "64", "--refine")
    assert code == 2
    assert "leave out one" in err


@pytest.mark.parametrize("segmentor", ["grabcut", "tamis.segmentors.classical.seeded:RandomWalker"])
def test_another_segmentor(tamis: Tamis, photograph: Path, segmentor: str) -> None:
    assert tamis("click", photograph, "--at", "40,50", "--segmentor", segmentor)[0] == 0


def test_a_negative_first_coordinate_is_a_click_outside(tamis: Tamis, photograph: Path) -> None:
    code, _, err = tamis("click", photograph, "--at=-3,5")
    assert code == 2
    assert "(-3, 5) lies outside the 128x96 image" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--at", "128,5"], "click (128, 5) lies outside the 128x96 image"),
        (["--at", "5,5", "--segmentor", "hirarchy"], "did you mean 'hierarchy'?"),
        (["--at", "5,5", "--max-pixels", "100"], "raise it with --max-pixels 12288"),
        (["--at", "5,5", "--out", "mask.jpg"], "mask.jpg: .jpg would blur the mask; use .png"),
        (["--at", "5,5", "--out", "./photo.jpg"], "--out photo.jpg: is the same file as IMAGE; choose another name"),
        (["--at", "5,5", "--out", "m.png", "--probability", "m.png"], "m.png: is the same file as --out"),
        (["--at", "5,5", "--out", "mask.docx"], "mask.docx: cannot write .docx; use .png"),
    ],
)
def test_bad_input_is_named(
    tamis: Tamis, photograph: Path, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photograph.parent)
    code, _, err = tamis("click", photograph, *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert sentence in err


def test_an_output_folder_that_cannot_be_written_keeps_the_old_mask(
    tamis: Tamis, photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mask.png"
    assert tamis("click", photograph, "--at", "40,50", "--out", out)[0] == 0
    before = out.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = tamis("click", photograph, "--at", "100,20", "--out", out)
    assert code == 2
    assert "the disk is full" in err
    assert out.read_bytes() == before


def test_a_box_is_segmented_and_nothing_outside(
    tamis: Tamis, photograph: Path, tmp_path: Path, scene: tuple[ImageArray, MaskArray]
) -> None:
    rows, columns = np.nonzero(scene[1])
    box = f"{columns.min()},{rows.min()},{columns.max() + 1},{rows.max() + 1}"
    assert tamis("click", photograph, "--box", box, "--out", tmp_path / "mask.png")[0] == 0
    mask = read_image(tmp_path / "mask.png")[..., 0] > 0
    assert (mask & scene[1]).sum() / (mask | scene[1]).sum() > 0.9
    told = json.loads(tamis("click", photograph, "--box", "40,50,20,30", "--at", "30,40", "--json")[1])
    assert told["box"] == [40, 50, 20, 30]
    x, y, width, height = told["bbox"]
    assert x >= 20 and y >= 30 and x + width <= 40 and y + height <= 50  # noqa: PT018


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give --at X,Y or --box L,T,R,B"),
        (("--box", "1,2,3"), "is no box: write left,top,right,bottom"),
        (("--box", "300,2,400,5"), "holds no pixel of the 128x96 image"),
        (("--box", "1,2,30,40", "--choices"), "leave out --multimask"),
    ],
)
def test_boxes_that_cannot_be_answered(tamis: Tamis, photograph: Path, options: tuple[str, ...], said: str) -> None:
    code, _, err = tamis("click", photograph, *options)
    assert code == 2
    assert said in err

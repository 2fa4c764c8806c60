import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.semantic.data.dataset import open_semantic, read_sample
from tests.semantic.label_maps import write_folders, write_pair

Tamis = Callable[..., tuple[int, str, str]]


def test_a_subset_has_the_layout_of_its_dataset(tamis: Tamis, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "own", {"train": [[0], [0], [0], [0, 1], [0], [0], [2], [0]], "val": [[0], [1]]})
    code, out, err = tamis("semantic", "subset", root, "--keep", "1/4", "--seed", 3)
    assert (code, err) == (0, "")
    place = tmp_path / "own_ds_4"
    assert out == f"2 of 8 images of train; in {place}\n"
    train = open_semantic(place, "train")
    assert [path.name for path in train.images] == ["train03.png", "train06.png"]  # of the rare classes
    assert train.images[0].is_symlink()
    assert read_sample(train, 1)[1][0, 0] == 2
    assert len(open_semantic(place, "val")) == 2
    assert (place / "subset-train.txt").read_text() == "images/train/train03.png\nimages/train/train06.png\n"
    record = json.loads((place / "subset.json").read_text())
    assert (record["keep"], record["choose"], record["seed"]) == ("1/4", "balanced", 3)
    assert (record["kept"], record["from"], record["of"]) == (2, 8, str(root))


def test_the_list_of_a_split_gets_shorter_where_there_is_one(tamis: Tamis, tmp_path: Path) -> None:
    root = tmp_path / "voc"
    for name in "abcd":
        write_pair(root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png", [0, 1])
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\nc\n")
    (lists / "val.txt").write_text("d\n")
    out = tmp_path / "small"
    assert tamis("semantic", "subset", root, "--keep", "1/3", "--choose", "random", "--out", out)[0] == 0
    assert len(open_semantic(out, "train")) == 1
    assert len(open_semantic(out, "val")) == 1


def test_a_subset_of_a_subset(tamis: Tamis, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "own", {"train": [[0]] * 8})
    assert tamis("semantic", "subset", root, "--keep", "1/2")[0] == 0
    assert tamis("semantic", "subset", tmp_path / "own_ds_2", "--keep", ".5", "--out", tmp_path / "again")[0] == 0
    assert len(open_semantic(tmp_path / "again", "train")) == 2
    assert json.loads((tmp_path / "again" / "subset.json").read_text())["from"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep", "0"], "'0' is no share such as 1/4"),
        (["--keep", "5/4"], "no share"),
        (["--keep", "1/0"], "no share"),
        (["--keep", "2/3"], "of --keep 2/3 no name follows; give the new folder with --out"),
        (["--keep", "1/2", "--split", "test"], "labels/test/*.png"),
    ],
)
def test_what_cannot_be_kept(tamis: Tamis, tmp_path: Path, options: list[str], message: str) -> None:
    root = write_folders(tmp_path / "own", {"train": [[0]]})
    code, _, err = tamis("semantic", "subset", root, *options)
    assert code == 2
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_a_subset_is_not_written_into_its_dataset(tamis: Tamis, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "own", {"train": [[0]]})
    code, _, err = tamis("semantic", "subset", root, "--keep", "1/2", "--out", root / "half")
    assert code == 2
    assert "of which it would become a part" in err
    assert not (root / "half").exists()


def test_what_is_there_is_not_written_over(tamis: Tamis, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "own", {"train": [[0]]})
    (tmp_path / "own_ds_2").mkdir()
    code, _, err = tamis("semantic", "subset", root, "--keep", "1/2")
    assert code == 2
    assert "is there already; remove it or choose another name" in err


def test_a_label_that_no_class_has_stops_a_subset(tamis: Tamis, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "own", {"train": [[0], [9]]})
    code, _, err = tamis("semantic", "subset", root, "--keep", "1/2")
    assert code == 2
    assert "train01.png: label 9" in err


def test_the_pipeline_is_drawn_step_by_step(tamis: Tamis, tmp_path: Path) -> None:
    write_pair(tmp_path / "a.png", tmp_path / "label.png", [0, 1, 150])
    page = tmp_path / "look" / "page.html"
    options = ["--out", page, "--crop", 64, "--passes", 2, "--seed", 1]
    code, out, err = tamis("semantic", "show-pipeline", tmp_path / "a.png", tmp_path / "label.png", *options)
    assert (code, err) == (0, "")
    text = page.read_text()
    assert text.count("<img ") == int(out.split(" ")[0])
    for words in (
        "values 0 to 150",
        "33.3% ignored",
        "bilinear",
        "nearest",
        "crop at row",
        "normalise, ",
        "pad to 64×64",
    ):
        assert words in text
    for name in re.findall(r'<img src="([^"]+)"', text):
        assert (page.parent / name).exists()
    steps = page.parent / "page-steps"
    drawn = json.loads((steps / "draws.json").read_text())
    assert [pass_["crop"] for pass_ in drawn] == [[64, 64], [64, 64]]
    assert drawn[0] != drawn[1]
    assert json.loads((steps / "run.json").read_text())["settings"]["seed"] == 1


def test_the_pipeline_of_other_classes_and_sizes(tamis: Tamis, tmp_path: Path) -> None:
    write_pair(tmp_path / "a.png", tmp_path / "label.png", [0, 1])
    (tmp_path / "classes.txt").write_text("road\ncar\n")
    arguments = [tmp_path / "a.png", tmp_path / "label.png", "--out", tmp_path / "page.html"]
    options = ["--classes", tmp_path / "classes.txt", "--resize", "short-side", "--crop", 32]
    assert tamis("semantic", "show-pipeline", *arguments, *options)[0] == 0
    code, _, err = tamis("semantic", "show-pipeline", *arguments, "--classes", "coco")
    assert code == 2
    assert "no class table is called 'coco'" in err


def test_a_foreign_label_is_named_and_nothing_is_drawn(tamis: Tamis, tmp_path: Path) -> None:
    write_pair(tmp_path / "a.png", tmp_path / "label.png", [0, 151])
    arguments = [tmp_path / "a.png", tmp_path / "label.png", "--out", tmp_path / "page.html"]
    code, _, err = tamis("semantic", "show-pipeline", *arguments)
    assert code == 2
    assert "label.png: label 151 at row 0, column 30" in err
    assert not (tmp_path / "page.html").exists()


def test_published_figures_and_own_runs_make_one_table(tamis: Tamis, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "first"
    run.mkdir(parents=True)
    (run / "semantic.json").write_text('{"dataset": "ade20k val", "model": "upernet-swin-t", "miou": 0.4399}')
    out = tmp_path / "ade20_scores.md"
    code, said, err = tamis("semantic", "scores", "--runs", tmp_path / "runs", "--out", out)
    assert (code, err) == (0, "")
    assert said.startswith("177 figures of 2 files, 1 of them our own\nbest: UPerNet BEiT-L 56.33")
    assert "**upernet-swin-t** |  |  |  | **43.99** |" in out.read_text()
    code, _, err = tamis("semantic", "scores", "--runs", tmp_path / "runs", "--dataset", "CamVid", "--out", out)
    assert code == 2
    assert "--dataset CamVid: none of 177 figures is of it; there are ADE20K, ade20k val" in err

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import ImageArray, MaskArray
from tests.personal.scenes import scene

Tamis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> Path:
    """Three images with the disc outlined, in the layout of DAVIS345."""
    place = tmp_path / "data"
    for folder in ("img", "gt"):
        (place / folder).mkdir(parents=True)
    for index in range(3):
        Image.fromarray(np.roll(scene[0], 9 * index, 1)).save(place / "img" / f"{index}.jpg", quality=97)
        Image.fromarray(np.roll(scene[1], 9 * index, 1)).convert("RGB").save(place / "gt" / f"{index}.png")
    return place


def test_interactive_prints_the_numbers_and_where_to_look(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, said, err = tamis("evaluate", "interactive", "--dataset", "davis345", "--root", root, "--out", out)
    assert (code, err) == (0, "")
    assert said.startswith("davis345, 3 images; rules of tamis\nmIoU@1  0.")
    assert "3 masks of 3 images; nothing left out" in said
    assert said.rstrip().endswith("report.html")
    for name in ("masks.parquet", "summary.json", "run.json", "report.html"):
        assert (out / name).exists()
    assert json.loads((out / "summary.json").read_text())["miou"][0] > 0.5


def test_a_peers_protocol_with_one_rule_changed(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["--dataset", "davis345", "--root", root, "--protocol", "ritm", "--clicks", 3, "--out", out]
    _, said, _ = tamis("evaluate", "interactive", *arguments)
    assert "rules of ritm, except clicks 3" in said
    assert "NoC@90  " in said
    summary = json.loads(tamis("evaluate", "interactive", *arguments, "--json")[1])
    assert summary["rules"]["threshold"] == 0.49
    assert 1 <= summary["noc90"] <= 3


def test_combine_compares_all_rules(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    arguments = ["--dataset", "davis345", "--root", root, "--out", tmp_path / "c", "--extra", "1", "--where", "inside"]
    code, said, _ = tamis("evaluate", "combine", *arguments)
    assert code == 0
    for rule in ("the real click alone", "max-certainty", "triangulation"):
        assert rule in said


def test_compare_says_which_is_better(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    for name in ("hierarchy", "grabcut"):
        arguments = ["--segmentor", name, "--dataset", "davis345", "--root", root, "--out", tmp_path / name]
        assert tamis("evaluate", "interactive", *arguments)[0] == 0
    page = tmp_path / "page.html"
    code, said, _ = tamis("compare", tmp_path / "hierarchy", tmp_path / "grabcut", "--out", page)
    assert code == 0
    assert "grabcut - hierarchy: " in said
    assert "9 repetitions on 3 images" in said
    assert page.exists()
    assert len(json.loads(tamis("compare", tmp_path / "hierarchy", "--json")[1])["runs"]) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"--root": "nowhere"}, "nowhere"),
        ({"--dataset": "davis346"}, "did you mean 'davis345'"),
        ({"--split": "train"}, "train"),
        ({"--tta": "zoom"}, "no augmentation 'zoom'"),
        ({"--threshold": "nan"}, "a threshold of nan is no probability"),
        ({"--segmentor": "hierarhcy"}, "did you mean 'hierarchy'"),
    ],
)
def test_what_cannot_be_evaluated_is_said(
    tamis: Tamis, root: Path, tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    options = {"--dataset": "davis345", "--root": str(root), "--out": str(tmp_path / "run"), **changes}
    code, _, err = tamis("evaluate", "interactive", *(part for pair in options.items() for part in pair))
    assert code == 2
    assert sentence in err


def test_a_mask_that_cannot_be_read_is_reported_and_the_rest_goes_on(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    (root / "gt" / "1.png").write_bytes(b"broken")
    out = tmp_path / "run"
    code, said, _ = tamis("evaluate", "interactive", "--dataset", "davis345", "--root", root, "--out", out)
    assert code == 0
    assert "2 masks of 2 images; left out: 1 images unreadable" in said
    assert "1.png" in json.loads((out / "summary.json").read_text())["unreadable"]["1"]


def test_a_second_run_into_one_folder_is_refused(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "interactive", "--dataset", "davis345", "--root", root, "--out", tmp_path / "run"]
    tamis(*arguments)
    code, _, err = tamis(*arguments, "--seed", 1)
    assert code == 2
    assert "holds a run that differs in seed; choose another folder" in err


def test_lists_of_numbers_are_checked(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    arguments = ["--dataset", "davis345", "--root", root, "--out", tmp_path / "c", "--extra", "1,x"]
    code, _, err = tamis("evaluate", "combine", *arguments)
    assert code == 2
    assert "'1,x' is no list of numbers" in err


def zero_shot(tamis: Tamis, root: Path, out: Path, *more: object) -> tuple[int, str, str]:
    arguments = ["--segmentor", "hierarchy", "--dataset", "davis345", "--root", root, "--out", out]
    return tamis("evaluate", "zero-shot", *arguments, "--budgets", "1,10,100", *more)


def test_zero_shot_prints_a_line_for_each_budget(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, said, err = zero_shot(tamis, root, out)
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in said.splitlines()[:3]] == ["1", "10", "100"]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["miou"] == sorted(summary["miou"])
    assert summary["miou"][-1] > 0.8
    assert summary["miou"][-1] <= summary["bounds"]["unions of superpixels"]
    assert summary["mean_recall"] == pytest.approx(summary["miou"][-1], abs=1e-4)
    assert summary["ar"][-1] <= summary["ar_best_overlap"][-1]
    assert "<svg" in (out / "report.html").read_text()
    journal = (out / "journal.jsonl").read_text()
    assert zero_shot(tamis, root, out)[1] == said
    assert (out / "journal.jsonl").read_text() == journal
    code, _, err = zero_shot(tamis, root, out, "--levels", ".3,.5")
    assert (code, "holds a run that differs in rules" in err) == (2, True)


@pytest.mark.parametrize(
    "more",
    [
        ("--partition", "linkage"),
        ("--partition", "spectral"),
        ("--nms", "coverage", "--levels", ".3,.5,.7", "--score", "stability"),
        ("--nms", "box", "--refine", "felzenszwalb", "--grid", 8),
    ],
)
def test_zero_shot_by_other_rules_finds_the_object(
    tamis: Tamis, root: Path, tmp_path: Path, more: tuple[object, ...]
) -> None:
    code, said, _ = zero_shot(tamis, root, tmp_path / "run", "--json", *more)
    assert code == 0
    assert max(json.loads(said)["miou"]) > 0.85


def test_zero_shot_says_what_is_wrong(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    for option, value, said in (
        ("--levels", "0,1", "'0,1' is no list of probabilities such as .3,.5,.7"),
        ("--levels", "a", "'a' is no list of probabilities"),
        ("--budgets", "0", "'0' is no list of numbers such as 1,10,100"),
    ):
        code, _, err = zero_shot(tamis, root, tmp_path / "run", option, value)
        assert (code, said in err) == (2, True)


def test_compare_sets_zero_shot_and_clicks_side_by_side(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    zero_shot(tamis, root, tmp_path / "zero")
    arguments = ["--segmentor", "hierarchy", "--dataset", "davis345", "--root", root, "--out", tmp_path / "one"]
    assert tamis("evaluate", "interactive", *arguments)[0] == 0
    code, said, _ = tamis("compare", tmp_path / "one", tmp_path / "zero", "--out", tmp_path / "c.html")
    assert code == 0
    assert "mIoU of 100 masks 0.8" in said
    assert "zero with one: correlation " in said
    assert "masks allowed, as a power of ten" in (tmp_path / "c.html").read_text()
    found = json.loads(tamis("compare", tmp_path / "one", tmp_path / "zero", "--json")[1])
    assert found["differences"] == []
    assert found["correlations"][0]["images"] == 3


def test_personalized_tells_masks_and_presence_by_the_protocol_of_the_dataset(tamis: Tamis, tmp_path: Path) -> None:
    root = tmp_path / "permirs"
    for number, kind in enumerate(("ball", "box")):
        pairs = [scene(kind, seed) for seed in range(3)]
        for frame, (image, _) in enumerate(pairs):
            (root / str(number)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(root / str(number) / f"{frame}.jpg", quality=97)
        np.save(root / str(number) / "masks.npz", [{7: mask} for _, mask in pairs])  # type: ignore[arg-type]
    arguments = ["--dataset", "permis", "--root", root, "--protocol", "pdm", "--negatives", 1]
    code, said, err = tamis("evaluate", "personalized", *arguments, "--out", tmp_path / "run")
    assert (code, err) == (0, "")
    assert said.startswith("permis, rules of pdm: mIoU 0.")
    assert "2 images of 2 objects" in said
    assert "2 of 2 videos show one track in all three frames" in said
    assert "presence: AUC" in said
    code, _, err = tamis("evaluate", "personalized", *arguments[:4], "--protocol", "perseg", "--out", tmp_path / "x")
    assert (code, "is not for permis, which is measured by insid3 or pdm or tamis" in err) == (2, True)


def test_zero_shot_by_several_processes_is_the_same(tamis: Tamis, root: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        assert zero_shot(tamis, root, tmp_path / str(workers), "--workers", workers)[0] == 0
    one, two = ((tmp_path / name / "masks.parquet").read_bytes() for name in ("1", "2"))
    assert one == two

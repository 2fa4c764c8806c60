"""What training holds out is what evaluation measures: the two lists cannot drift apart."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from tamis.datasets import find_dataset, list_datasets, open_dataset
from tamis.datasets.described import open_described
from tamis.datasets.scenes import make_scenes
from tamis.datasets.supervision import Kind
from tamis.datasets.synthetic import write_synthetic
from tamis.datasets.synthetic_layouts import write_bsds500
from tamis.training.photographs import LABELS, layout_of, read_photographs, samples_of

TRAINED = [entry for entry in list_datasets() if entry.supervision is not None and entry.supervision.training]


def test_every_set_that_can_be_trained_on_says_how_in_the_catalogue() -> None:
    known = {entry.name for entry in list_datasets() if entry.supervision is not None}
    assert known == {name.replace("_", "-") for name in LABELS}
    assert "davis" not in {entry.name for entry in TRAINED}


@pytest.mark.parametrize("name", [entry.name for entry in TRAINED])
def test_what_is_held_out_is_what_is_evaluated(name: str, tmp_path: Path) -> None:
    supervision = find_dataset(name).supervision
    assert supervision is not None
    parts = {"bsds500": ("train", "val", "test"), "camvid": ("train", "val", "test")}.get(name, ("",))
    for number, part in enumerate(parts):
        write_synthetic(name, tmp_path / str(number), part, scenes=23, seed=number)
    root = tmp_path / "0"
    for number in range(1, len(parts)):  # one folder of all parts
        for file in sorted((tmp_path / str(number)).rglob("*.*")):
            if file.is_file():
                target = root / file.relative_to(tmp_path / str(number))
                target.parent.mkdir(parents=True, exist_ok=True)
                file.rename(target)
    inside = name.replace("-", "_")
    evaluated = [sample.image_path for sample in open_dataset(name, root, supervision.held_out).samples]
    assert [sample.image_path for sample in samples_of(inside, root, "held-out")] == evaluated
    learned, looked_at = (
        {s.image_path for s in samples_of(inside, root, split)} for split in ("training", "validation")
    )
    assert len(evaluated) in (3, 23)
    assert learned
    assert looked_at
    assert not learned & (looked_at | set(evaluated))
    every = {sample.image_path for part in parts for sample in open_dataset(name, root, part).samples}
    assert learned | looked_at | set(evaluated) == every


def test_the_benchmark_of_berkeley_is_kept_apart(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        write_bsds500(tmp_path / "bsds500", make_scenes(12), part, matlab=False)
    (tmp_path / "berkeley").mkdir()
    (tmp_path / "berkeley" / "pairs.csv").write_text("mask,image\na,bsds500/images/train/1001.jpg\n")
    names = {
        split: [sample.name for sample in open_dataset("bsds500", tmp_path / "bsds500", split).samples]
        for split in ("train", "val", "val10", "train90")
    }
    assert len(names["train"]) == len(names["val"]) == 12
    left = [name for name in (*names["train"], *names["val"]) if not name.endswith("/1001")]
    assert names["val10"] == left[::10]
    assert sorted(names["val10"] + names["train90"]) == left


def test_val10_is_what_is_never_trained_on(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    rng = np.random.default_rng(0)
    names = [f"{rng.integers(10**6):x}" for _ in range(33)]
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 2:6] = 255
    for number, name in enumerate(names):
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / f"{name}.{('jpg', 'png')[number % 2]}")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    measured = [sample.name for sample in open_dataset("duts", tmp_path, "val10").samples]
    others = [sample.name for sample in open_dataset("duts", tmp_path, "train90").samples]
    for split, expected in (("held-out", measured), ("validation", measured), ("training", others)):
        assert [photograph.name for photograph in read_photographs("duts", tmp_path, split, 0)] == expected
    assert len(measured) == 4


@pytest.mark.parametrize("kind", Kind)
def test_a_folder_that_says_what_it_is_can_be_evaluated_too(kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    labels = np.array([[0, 1, 1, 7], [2, 2, 0, 7]], np.uint8)
    Image.new("RGB", (4, 2)).save(tmp_path / "images" / "a.png")
    Image.fromarray(labels).save(tmp_path / "masks" / "a.png")
    (tmp_path / "META.json").write_text(f'{{"kind": "{kind.value}", "unknown": 7}}')
    assert layout_of("mine", tmp_path).supervision.kind is kind
    (photograph,) = read_photographs("mine", tmp_path, "held-out", 0)
    (sample,) = open_described(tmp_path, "val10").samples
    targets = list(sample.targets())
    assert len(targets) == (1 if kind is Kind.SINGLE else 2)
    (read,) = photograph.maps
    for number, target in enumerate(targets, start=1):
        np.testing.assert_array_equal(target.mask, read == number)
        np.testing.assert_array_equal(target.valid, read != -1)

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Tamis = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("method", ["linkage", "spectral"])
def test_labels_pictures_a_strip_and_a_page(tamis: Tamis, photograph: Path, tmp_path: Path, method: str) -> None:
    out = tmp_path / "out"
    arguments = ["--regions", "2,7", "--method", method, "--segmentor", "hierarchy", "--out", out]
    code, said, err = tamis("partition", photograph, *arguments)
    assert (code, err) == (0, "")
    assert "superpixels in 2, 7 regions; look at" in said
    for count in (2, 7):
        with Image.open(out / "labels" / f"{count}.png") as file:
            labels = np.asarray(file)
        assert labels.shape == (96, 128)
        assert np.unique(labels).tolist() == list(range(1, count + 1))
        assert (out / "pictures" / f"{count}.png").exists()
    with Image.open(out / "strip.png") as strip:
        assert strip.size == (3 * 480 + 2 * 6, 360)
    assert json.loads((out / "run.json").read_text())["settings"]["regions"] == [2, 7]
    assert "data:image/png;base64" in (out / "index.html").read_text()


def test_what_cannot_be_done_is_said(tamis: Tamis, photograph: Path, tmp_path: Path) -> None:
    code, _, err = tamis("partition", photograph, "--out", tmp_path / "a", "--regions", "2,x")
    assert (code, "'2,x' is no list of numbers such as 2,5,12,40" in err) == (2, True)
    code, _, err = tamis("partition", photograph, "--out", tmp_path / "a", "--regions", 9999)
    assert (code, "cannot be cut into 9999 regions" in err) == (2, True)


def test_of_several_images_each_has_a_folder(tamis: Tamis, photograph: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(photograph.read_bytes())
    (tmp_path / "photos" / "c.jpg").write_text("no photograph")
    labels = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        arguments = ["--regions", "3", "--segmentor", "hierarchy", "--workers", workers, "--out", out]
        code, said, err = tamis("partition", tmp_path / "photos", *arguments)
        assert (code, said) == (1, f"2 partitioned; results in {out}\n")
        assert "c.jpg: not an image" in err
        labels.append([(out / name / "labels" / "3.png").read_bytes() for name in ("a", "b")])
        assert (out / "b" / "index.html").exists()
    assert labels[0] == labels[1]

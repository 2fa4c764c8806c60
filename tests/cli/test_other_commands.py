import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tamis.cli import demo_command
from tamis.segmentors import registry
from tamis.segmentors.registry import ModelEntry

Tamis = Callable[..., tuple[int, str, str]]


def test_models_lists_every_segmentor(tamis: Tamis) -> None:
    code, out, _ = tamis("models")
    assert code == 0
    for model in registry.list_models():
        assert model.name in out
        assert model.summary in out
    assert {model["name"] for model in json.loads(tamis("models", "--json")[1])} >= {"embedded", "hierarchy"}


def test_models_says_how_to_get_what_is_not_here(tamis: Tamis, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = ModelEntry("far", "far:Far", "far away", needs=("no_such_module",), install="pip install 'tamis[far]'")
    monkeypatch.setattr(registry, "BUILT_IN", (absent,))
    assert "not installed: pip install 'tamis[far]'" in tamis("models")[1]


def test_show_prints_all_that_is_known_of_one(tamis: Tamis) -> None:
    for model in registry.list_models():
        code, out, _ = tamis("models", "show", model.name)
        assert code == 0
        assert model.name in out
    code, _, err = tamis("models", "show", "hierachy")
    assert code == 2
    assert "did you mean 'hierarchy'?" in err


def test_doctor_measures_this_computer(tamis: Tamis) -> None:
    code, out, _ = tamis("doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["cores"] >= 1
    assert 0 < report["encode_seconds"] < 60
    assert report["packages"]["numpy"]
    assert report["extras"]["benchmark"]
    assert "click seconds" in tamis("doctor")[1]


def test_demo_makes_a_page_of_all_photographs(tamis: Tamis, photograph: Path, tmp_path: Path) -> None:
    code, out, _ = tamis("demo", photograph, "--out", tmp_path / "look")
    assert code == 0
    page = (tmp_path / "look" / "index.html").read_text()
    for name in ("photo", "astronaut", "chelsea", "coffee", "rocket"):
        assert f"<h2>{name} " in page
        assert f"{name} " in out
    assert out.rstrip().endswith(str(tmp_path / "look" / "index.html"))
    assert page.count("<img ") == len(list((tmp_path / "look").glob("*.jpg")))
    masks = [int(number) for number in re.findall(r"(\d+) masks in", out)]
    clicks = [part.count("<figcaption>one click at") for part in page.split("<h2>")[1:]]
    assert len(clicks) == len(masks)
    for shown, found in zip(clicks, masks, strict=True):
        assert min(1, found) <= shown <= min(3, found), "up to three, of different things"


def test_demo_leaves_out_what_cannot_be_read(tamis: Tamis, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_text("not a photograph")
    code, out, err = tamis("demo", tmp_path / "broken.jpg", "--out", tmp_path / "look", "--segmentor", "hierarchy")
    assert code == 1
    assert err.startswith(f"tamis: {tmp_path / 'broken.jpg'}: not an image")
    assert out.count(" masks in ") == 4


def test_demo_ends_at_the_annotator_where_somebody_is_there(
    tamis: Tamis, photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Path] = []
    monkeypatch.setattr(demo_command, "annotate", lambda folder, *arguments, **options: served.append(folder))
    code, out, _ = tamis("demo", photograph, "--out", tmp_path / "look", "--segmentor", "hierarchy", "--annotate")
    photographs = tmp_path / "look" / "photographs"
    assert (code, served) == (0, [])  # this is no terminal
    assert out.rstrip().endswith(f"annotate the photographs with: tamis annotate {photographs}")
    names = ["astronaut.png", "chelsea.png", "coffee.png", "photo.jpg", "rocket.png"]
    assert sorted(path.name for path in photographs.iterdir()) == names
    assert (photographs / "photo.jpg").read_bytes() == photograph.read_bytes()
    monkeypatch.setattr(demo_command, "somebody_is_there", lambda *arguments: True)
    tamis("demo", photograph, "--out", tmp_path / "look", "--segmentor", "hierarchy", "--annotate")
    assert served == [photographs]


def test_somebody_is_there() -> None:
    screen = {"DISPLAY": ":0"}
    assert demo_command.somebody_is_there(screen, True, "linux")
    assert demo_command.somebody_is_there({"WAYLAND_DISPLAY": "wayland-0"}, True, "linux")
    assert demo_command.somebody_is_there({}, True, "darwin")
    assert not demo_command.somebody_is_there({}, True, "linux")
    assert not demo_command.somebody_is_there(screen, False, "linux")
    assert not demo_command.somebody_is_there({**screen, "DEMO": "headless"}, True, "linux")
    assert not demo_command.somebody_is_there({**screen, "CI": "true"}, True, "linux")


def test_demo_names_a_bad_photograph(tamis: Tamis, tmp_path: Path) -> None:
    code, _, err = tamis("demo", tmp_path / "none.jpg", "--out", tmp_path / "look")
    assert code == 2
    assert "none.jpg: no such file" in err

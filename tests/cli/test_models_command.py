"""`tamis models pull` and `export`, and the other commands with a model of the hub: small, with random weights."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.cli import consent
from tamis.hub.folder import folder_of
from tamis.segmentors.sam import catalogue
from tests.hub.server import COMMIT, Hub, serving
from tests.segmentors.sam import tiny

Tamis = Callable[..., tuple[int, str, str]]

NAME = "sam2.1-base-plus"


@pytest.fixture(autouse=True)
def unpinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and no checksum: that is of the real weights."""
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    models = tuple(replace(model, sha256="") if model.name == NAME else model for model in catalogue.MODELS)
    monkeypatch.setattr(catalogue, "MODELS", models)


@pytest.fixture
def placed() -> Path:
    return tiny.write(tiny.sam2(), folder_of(NAME))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    import huggingface_hub

    folder = tiny.write(tiny.sam2(), tmp_path / "hub")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with serving(Hub("facebook/sam2.1-hiera-base-plus", files)) as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            huggingface_hub.constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield hub


def test_pull_shows_the_licence_and_asks_before_anything_is_fetched(
    tamis: Tamis, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out, _ = tamis("models", "pull", NAME, "--revision", "main")
    for line in ("licence   Apache-2.0", f"revision  {COMMIT}", f"folder    {folder_of(NAME)}", "Fetch it? [y/N]"):
        assert line in out
    assert code == 130
    assert not hub.asked
    assert not folder_of(NAME).exists()


def test_pull_fetches_what_the_other_commands_then_find(tamis: Tamis, hub: Hub, photograph: Path) -> None:
    code, _, err = tamis("click", photograph, "--at", "40,50", "--segmentor", NAME)
    assert (code, "run tamis models pull sam2.1-base-plus" in err) == (2, True)
    code, out, err = tamis("models", "pull", NAME, "--revision", "main", "--yes")
    assert (code, err) == (0, "")
    assert out.endswith(f"wrote {folder_of(NAME)}\n")
    assert {m["name"]: m["available"] for m in json.loads(tamis("models", "--json")[1])}[NAME]
    assert tamis("click", photograph, "--at", "40,50", "--segmentor", NAME)[0] == 0


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_missing_weights_are_asked_about(
    tamis: Tamis, hub: Hub, photograph: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Of a pinned model only; here the pin is the commit of the hub on this computer."""
    models = tuple(replace(model, revision=COMMIT) if model.name == NAME else model for model in catalogue.MODELS)
    monkeypatch.setattr(consent, "MODELS", models)
    terminal = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    code, out, err = tamis("click", photograph, "--at", "40,50", "--segmentor", NAME)
    assert f"The weights of {NAME} are not here." in err
    assert "licence   Apache-2.0" in out
    assert (code, (folder_of(NAME) / "model.safetensors").exists()) == ((0, True) if answer == "y" else (130, False))


def test_pull_of_an_unknown_name_or_revision_is_a_sentence(tamis: Tamis, hub: Hub) -> None:
    code, _, err = tamis("models", "pull", "sam9")
    assert code == 2
    assert "'sam9' is none of the models of the hub: sam-vit-base, " in err
    code, _, err = tamis("models", "pull", NAME, "--revision", "v9")
    assert (code, err) == (2, "tamis: --revision v9: facebook/sam2.1-hiera-base-plus has no such revision; check it\n")
    code, _, err = tamis("models", "pull", "sam-hq-vit-base", "--yes")
    assert code == 2
    assert "has no pinned revision: give --revision" in err


def test_show_tells_revision_checksum_and_folder(tamis: Tamis) -> None:
    pinned = catalogue.find_hub_model("sam2.1-tiny")
    out = tamis("models", "show", "sam2.1-tiny")[1]
    for said in (f"revision {pinned.revision}", f"SHA-256 {pinned.sha256}", f"folder {folder_of('sam2.1-tiny')}"):
        assert said in out
    assert "revision not pinned: give --revision to tamis models pull" in tamis("models", "show", "sam-hq-vit-base")[1]


def test_export_without_weights_says_what_to_run(tamis: Tamis) -> None:
    code, _, err = tamis("models", "export", NAME)
    assert code == 2
    assert "run tamis models pull sam2.1-base-plus" in err


def test_segment_and_click(tamis: Tamis, placed: Path, photograph: Path, tmp_path: Path) -> None:
    code, out, err = tamis("click", photograph, "--at", "40,50", "--at", "90,20,-", "--segmentor", NAME, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["segmentor"] == NAME
    code, _, err = tamis("segment", photograph, "--out", tmp_path / "out", "--grid", 4, "--segmentor", NAME)
    assert (code, err) == (0, "")
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert len(run["weights_sha256"]) == 64


def test_doctor_times_a_model_of_the_hub(tamis: Tamis, placed: Path) -> None:
    code, out, _ = tamis("doctor", "--segmentor", NAME, "--json")
    report = json.loads(out)
    assert (code, report["segmentor"], report["models_here"]) == (0, NAME, [NAME])
    assert report["warnings"] == [] or report["gpu"]


Evaluate = Callable[..., Path]


@pytest.fixture
def evaluate(tamis: Tamis, placed: Path, tmp_path: Path) -> Evaluate:
    """Evaluate the model on two scenes in DAVIS's layout; returns the folder of results."""
    assert tamis("datasets", "synthetic", "davis345", tmp_path / "davis", "--scenes", 2)[0] == 0

    def run(*options: object) -> Path:
        out = tmp_path / "run"
        given = ("--segmentor", NAME, "--dataset", "davis345", "--root", tmp_path / "davis", "--out", out)
        code, said, err = tamis("evaluate", "interactive", *given, *options)
        assert (code, err) == (0, "")
        assert "mIoU@1" in said
        return out

    return run


def test_evaluate_by_the_rules_of_tamis(evaluate: Evaluate) -> None:
    summary = json.loads((evaluate("--protocol", "tamis") / "summary.json").read_text())
    assert summary["segmentor"] == NAME
    assert len(summary["miou"]) == 1
    assert 0 < summary["miou"][0] < 1


def test_evaluate_by_the_rules_of_segnext_is_its_loop_written_by_hand(evaluate: Evaluate, tmp_path: Path) -> None:
    out = evaluate("--protocol", "segnext", "--clicks", 3)
    assert _by_hand(tmp_path / "davis") == pytest.approx(_ious(out), abs=1e-6)


def _ious(out: Path) -> list[float]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(out / "masks.parquet").to_pylist()
    return [row["iou"] for row in rows][:3]


def _by_hand(root: Path) -> list[float]:
    """SegNext's loop over SAM, written down again with transformers' own model and nothing of our decoding.

    All clicks every time, three masks, the best by predicted IoU, whose logits go in with the next click; its mask is
    logit > 0, and so is a probability > .49 here but for logits between -.04 and 0.
    """
    import torch

    from tamis.clicks import Click, corrective_click
    from tamis.segmentors import load_segmentor

    segmentor: Any = load_segmentor(NAME)
    network = segmentor.model.network
    image_path = sorted((root / "img").iterdir())[0]
    image = np.asarray(Image.open(image_path).convert("RGB"))
    target = np.asarray(Image.open(next((root / "gt").glob(f"{image_path.stem}.*"))).convert("RGB")).max(axis=2) > 0
    height, width = target.shape
    pixels = torch.from_numpy(segmentor.geometry.square(image))[None]
    prediction, mask = np.zeros_like(target), None
    clicks: list[Click] = []
    ious = []
    for _ in range(3):
        clicks.append(corrective_click(target, prediction, clicks))
        points = [[(c.x - 0.5) / width * 256, (c.y - 0.5) / height * 256] for c in clicks]
        with torch.inference_mode():
            found = network(
                pixel_values=pixels,
                input_points=torch.tensor([[points]]),
                input_labels=torch.tensor([[[int(c.positive) for c in clicks]]]),
                input_masks=mask,
                multimask_output=True,
            )
        best = int(found.iou_scores[0, 0].argmax())
        logits = found.pred_masks[:, :1, best]
        mask = logits.clamp(-32, 32)
        full = torch.nn.functional.interpolate(logits, (height, width), mode="bilinear", align_corners=False)[0, 0]
        prediction = torch.sigmoid(full).numpy() > 0.49
        ious.append(float((prediction & target).sum() / (prediction | target).sum()))
    return ious

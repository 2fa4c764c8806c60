"""Scores of personalised segmentation against plain loops; the protocols' traps on small layouts."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import ImageArray
from tamis.datasets.episodes import open_episodes
from tamis.errors import InputError
from tamis.evaluation.personalized import Counts, boundary_of, counts_of, squared, summary_of
from tamis.evaluation.personalized_run import PersonalizedSettings, protocol_of, run_personalized
from tamis.personal.presence import roc
from tamis.personal.protocol import Location
from tamis.personal.regions import Regions
from tamis.regions.appearance import Appearance
from tamis.scale.executors import IN_PROCESS, Processes
from tests.personal.scenes import scene


def test_sums_by_object_are_not_the_mean_of_images() -> None:
    counts = [Counts(90, 100, 95, 5, 10), Counts(1, 10, 5, 1, 2), Counts(8, 10, 10, 3, 4)]
    found = summary_of(["cup", "cup", "dog"], counts)
    assert found["image_miou"] == pytest.approx((0.9 + 0.1 + 0.8) / 3)
    assert found["total_iou"] == pytest.approx(99 / 120)
    assert found["object_miou"] == pytest.approx((91 / 110 + 0.8) / 2)
    assert found["object_macc"] == pytest.approx((91 / 100 + 8 / 10) / 2)
    assert found["object_biou"] == pytest.approx((6 / 12 + 3 / 4) / 2)
    with pytest.raises(InputError, match="no target is left"):
        summary_of([], [])


@pytest.mark.parametrize("seed", range(4))
def test_a_boundary_is_what_lies_near_a_pixel_outside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.random((9, 12)) > 0.4, np.ones((9, 9))).astype(bool)
    reach = max(1, round(0.02 * float(np.hypot(*mask.shape))))
    padded = np.pad(mask, reach)
    expected = np.zeros_like(mask)
    for row, column in np.argwhere(mask):
        window = padded[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        expected[row, column] = not window.all()
    np.testing.assert_array_equal(boundary_of(mask), expected)
    counts = counts_of(mask, np.roll(mask, 3, 1))
    assert counts.iou == (mask & np.roll(mask, 3, 1)).sum() / (mask | np.roll(mask, 3, 1)).sum()


def test_pdm_moves_its_square_to_where_the_truth_is() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    mask = np.zeros((100, 300), bool)
    mask[40:60, 270:290] = True
    small, drawn = squared(image, mask)
    assert small.shape == (512, 512, 3)
    assert drawn.mean() == pytest.approx(400 / 100**2, rel=0.02)
    centred = np.roll(mask, -130, 1)
    assert np.flatnonzero(squared(image, centred)[1].any(axis=0)).mean() == pytest.approx(256, abs=3)


def test_the_area_below_the_curve_is_the_chance_of_the_right_order() -> None:
    rng = np.random.default_rng(0)
    yes, no = rng.integers(3, 10, 40) / 10, rng.integers(0, 7, 60) / 10
    pairs = [(one > two) + 0.5 * (one == two) for one in yes for two in no]
    curve = roc(yes, no)
    assert curve.auc == pytest.approx(np.mean(pairs))
    best = max(((yes >= t).mean() - (no >= t).mean()) for t in np.unique(np.concatenate([yes, no])))
    assert curve.best_accuracy == pytest.approx((1 + best) / 2)
    assert curve.at(0.5) == ((no >= 0.5).mean(), (yes >= 0.5).mean())
    with pytest.raises(InputError, match="pairs without"):
        roc([0.3], [])


def test_a_dataset_is_measured_by_its_own_protocols_alone() -> None:
    assert protocol_of("perseg", None) == "perseg"
    assert protocol_of("permis", "pdm") == "pdm"
    with pytest.raises(InputError, match="--protocol pdm: is not for perseg, which is measured by perseg or tamis"):
        protocol_of("perseg", "pdm")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind in ("ball", "box"):
        for number in range(2):
            image, mask = scene(kind, number, (60, 110, 70) if number else (130, 120, 90))
            for folder, pixels in (("images", image), ("masks", mask.astype(np.uint8) * 255)):
                place = tmp_path / "data" / folder / kind / f"{number}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(place)
    return tmp_path / "data"


def test_a_run_reports_masks_and_presence_and_goes_on(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes, out, settings = open_episodes("instances", root), tmp_path / "out", PersonalizedSettings("tamis", 1)
    steps = run_personalized(Regions(), "instances", root, episodes, settings, out)
    assert next(steps) == (1, 2)
    steps.close()
    assert not (out / "summary.json").exists()
    looked, look = [], Regions.look

    def counted(self: Regions, image: ImageArray) -> Appearance:
        looked.append(1)
        return look(self, image)

    monkeypatch.setattr(Regions, "look", counted)
    assert list(run_personalized(Regions(), "instances", root, episodes, settings, out)) == [(1, 2), (2, 2)]
    assert len(looked) == 1, "the first target was done"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["image_miou"] > 0.8
    assert summary["presence"]["auc"] == 1
    assert (summary["presence"]["pairs_with"], summary["presence"]["pairs_without"]) == (2, 2)
    with (out / "targets.csv").open() as file:
        assert [row["target"] for row in csv.DictReader(file)] == ["ball/1", "box/1"]
    assert "0.5</td>" in (out / "report.html").read_text()  # what presence does at this threshold
    for name in ("report.html", "contact-sheet.png", "run.json"):
        assert (out / name).exists()
    assert Location(np.full((2, 2), 0.6, np.float32), 1, 1).mask.all()


def test_workers_give_the_same(root: Path, tmp_path: Path) -> None:
    episodes, settings = open_episodes("instances", root), PersonalizedSettings("tamis", 1)
    for name, executor in (("one", IN_PROCESS), ("two", Processes(2))):
        list(run_personalized(Regions(), "instances", root, episodes, settings, tmp_path / name, executor))
    for file in ("summary.json", "targets.csv", "contact-sheet.png", "pictures/0.jpg", "pictures/1.jpg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_other_masks_are_another_dataset(root: Path, tmp_path: Path) -> None:
    def fingerprint_of(out: Path) -> str:
        episodes = open_episodes("instances", root)
        list(run_personalized(Regions(), "instances", root, episodes, PersonalizedSettings("tamis", 0), out))
        return str(json.loads((out / "run.json").read_text())["dataset_fingerprint"])

    before = fingerprint_of(tmp_path / "before")
    drawn = root / "masks" / "box" / "1.png"
    Image.fromarray(np.roll(np.asarray(Image.open(drawn)), 1)).save(drawn)
    assert fingerprint_of(tmp_path / "after") != before

"""Experiments compare ways on the same masks, and say what they found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.clicks import Click
from tamis.datasets import Dataset, Sample
from tamis.datasets.protocol import Target
from tamis.errors import InputError
from tamis.image import write_image
from tamis.research.claims import STUDIES, find_study, run_study
from tamis.research.combining import smoothed
from tamis.research.one_click import AtSize
from tamis.research.study import Setting, Way, correlation, paired


@dataclass(frozen=True)
class Disc:
    """Answers a disc of ten pixels around the last positive click, .495 in a ring around it."""

    name: str = "disc"
    outside: float = 0.1

    def encode(self, image: ImageArray) -> "DiscImage":
        return DiscImage((image.shape[0], image.shape[1]), self.outside)


@dataclass(frozen=True)
class DiscImage:
    shape: tuple[int, int]
    outside: float

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]]
        row, column = clicks[-1].pixel
        away = np.hypot(rows - row, columns - column)
        answer = np.where(away <= 10, 1 - self.outside, np.where(away <= 12, 0.495, self.outside))
        return (answer if clicks[-1].positive else 1 - answer).astype(np.float32)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.stack([self.probability([click]) for click in clicks])


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Three images with a disc each."""
    samples = []
    rows, columns = np.mgrid[:80, :90]
    for number in range(3):
        mask = (rows - 40) ** 2 + (columns - 30 - 10 * number) ** 2 <= 12**2
        file = tmp_path / f"{number}.png"
        write_image(file, np.where(mask[..., None], (200, 60, 60), (20, 90, 20)).astype(np.uint8))
        samples.append(Sample(f"{number}", file, lambda mask=mask: iter([Target("0", mask)])))  # type: ignore[misc]
    return Dataset("discs", "", tmp_path, tuple(samples), "", "")


def setting(dataset: Dataset, out: Path) -> Setting:
    return Setting(Disc(), dataset, 0, out)


def test_a_difference_has_an_interval_over_images() -> None:
    images = ["a", "a", "b", "c"]
    rows = paired([Way("one", images, [0.5, 0.5, 0.5, 0.5]), Way("two", images, [0.6, 0.6, 0.7, 0.5])], 0)
    assert rows[0]["difference"] == 0
    assert rows[1]["mean"] == pytest.approx(0.6)
    assert rows[1]["difference"] == pytest.approx(0.1)
    low, high = rows[1]["ci95"]
    assert 0 <= low <= 0.1 <= high <= 0.2
    assert rows[1]["images"] == 3
    with pytest.raises(InputError, match="no mask of at least 256"):
        paired([Way("one", [], [])], 0)


def test_correlations_are_scipys_on_a_line() -> None:
    pearson, spearman = correlation(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))
    assert pearson == pytest.approx(1)
    assert spearman == pytest.approx(1)
    assert np.isnan(correlation(np.array([1.0]), np.array([1.0]))[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["random-or-centre", "threshold", "repeats", "tta", "resolution", "ensembles", "triangulation", "recall"]
)
def test_an_experiment_writes_what_it_found(name: str, dataset: Dataset, tmp_path: Path) -> None:
    found = run_study(find_study(name), setting(dataset, tmp_path / "out"))
    told = json.loads((tmp_path / "out" / f"{name}.json").read_text())
    assert told["rows"] == list(found.rows)
    assert told["claim"] == find_study(name).claim
    assert json.loads((tmp_path / "out" / "run.json").read_text())["settings"]["experiment"] == name
    means = {row["way"]: row["mean"] for row in found.rows}
    if name == "random-or-centre":
        assert means["centre click"] > means["random click"]
    if name == "threshold":  # the ring of .495 belongs to the mask under .49 alone
        assert means["threshold 0.49"] != means["threshold 0.5"]
    if name == "recall":
        assert abs(means["mIoU"] - means["mean recall, 1000 thresholds from 0 to 1"]) < 0.001
    if name == "triangulation":
        assert means["pixels surer than both parts"] == 0
        assert means["pixels between the two parts"] == 1
        assert all(picture.is_file() for picture in found.pictures)


@pytest.mark.slow
def test_zero_is_drawn_against_one(dataset: Dataset, tmp_path: Path) -> None:
    found = run_study(find_study("zero-against-one"), setting(dataset, tmp_path / "out"), limit=2)
    page = found.pictures[0].read_text()
    assert page.count("<circle") == 2


def test_triangulation_is_an_interpolation() -> None:
    first, inside, outside = (np.full((2, 2), value, np.float32) for value in (0.9, 0.9, 0.1))
    halfway = smoothed(first, inside, outside, 0.5)
    assert halfway.before == pytest.approx(0.8)
    assert halfway.after == pytest.approx(0.0)
    assert smoothed(first, inside, outside, 1.0).after == pytest.approx(0.8)


def test_a_segmentor_is_shown_another_size() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    encoded = AtSize(Disc(), 50).encode(image)
    assert encoded.small.shape == (25, 50)
    answer = encoded.probability([Click(100, 50)])
    assert answer.shape == (100, 200)
    assert 60 < np.count_nonzero((answer > 0.5)[50]) < 100  # a radius of ten pixels is one of forty here


@pytest.mark.slow
def test_what_trains_needs_a_start_and_data(dataset: Dataset, tmp_path: Path) -> None:
    for study in STUDIES:
        if study.trains and study.name != "distillation":
            with pytest.raises(InputError, match=r"--start|--train"):
                study.run(setting(dataset, tmp_path))


def test_an_unknown_experiment_is_told() -> None:
    with pytest.raises(InputError, match="did you mean 'ensembles'"):
        find_study("ensemble")

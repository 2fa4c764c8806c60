import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.datasets.protocol import Dataset, Target
from tamis.evaluation.interactive import click_through, evaluate, evaluate_image, evaluate_with, seed_of
from tamis.evaluation.rules import PROTOCOLS, Rules
from tamis.scale.executors import Processes
from tamis.segmentors import AnswersAlone, load_segmentor
from tests.evaluation.scenes import sample_of

RNG = np.random.default_rng(0)


def square() -> Target:
    mask = np.zeros((20, 20), bool)
    mask[4:14, 4:14] = True
    return Target("square", mask)


def answering(*masks: MaskArray) -> Callable[[Sequence[Click]], ProbabilityArray]:
    """Answers the k-th click with the k-th mask."""
    return lambda clicks: masks[len(clicks) - 1].astype(np.float32)


def test_iou_counts_only_valid_pixels() -> None:
    target = square()
    valid = np.ones((20, 20), bool)
    valid[:, 9:] = False
    half = target.mask.copy()
    half[9:] = False
    (record,) = click_through(answering(half), replace(target, valid=valid), Rules(), 0, RNG)
    assert record.area == 50
    assert record.iou == 0.5


def test_a_threshold_hit_exactly_is_outside() -> None:
    target = square()
    at_threshold = np.where(target.mask, np.float32(0.5), np.float32(0))
    (record,) = click_through(lambda clicks: at_threshold, target, Rules(), 0, RNG)
    assert record.iou == 0


def test_clicks_stop_at_the_iou_asked_for_and_when_nothing_is_wrong() -> None:
    target = square()
    nothing, all_but_a_row = np.zeros_like(target.mask), target.mask.copy()
    all_but_a_row[4] = False  # IoU .9, the target of ritm exactly
    answer = answering(nothing, all_but_a_row, target.mask)
    assert [r.iou for r in click_through(answer, target, PROTOCOLS["ritm"], 0, RNG)] == pytest.approx([0, 0.9])
    assert [r.iou for r in click_through(answer, target, PROTOCOLS["segnext"], 0, RNG)] == pytest.approx([0, 0.9, 1])
    endless = Rules(clicker="center", clicks=9)
    assert len(click_through(answer, target, endless, 0, RNG)) == 3


def test_the_random_clicker_corrects_what_is_wrong() -> None:
    target = square()
    too_large = np.ones_like(target.mask)
    records = click_through(answering(too_large, target.mask), target, Rules(clicks=2), 0, RNG)
    assert records[0].positive
    assert not records[1].positive
    assert not target.mask[int(records[1].y), int(records[1].x)]


def test_what_cannot_be_used_is_counted_by_name(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    tiny = np.zeros_like(disc)
    tiny[:5, :5] = True
    sample = sample_of(
        tmp_path,
        "a",
        image,
        {"disc": disc, "tiny": tiny, "nothing": np.zeros_like(disc), "other size": np.ones((4, 4), bool)},
    )
    record = evaluate_image(load_segmentor(), sample, Rules(repeats=2), seed=0)
    assert record.masks == 1
    assert [(click.mask, click.repeat) for click in record.clicks] == [("disc", 0), ("disc", 1)]
    assert (record.skipped_small, record.empty, record.mismatched) == (["tiny"], ["nothing"], ["other size"])
    sample.image_path.write_text("broken")
    assert "not an image" in str(evaluate_image(load_segmentor(), sample, Rules(), seed=0).error)


def test_a_try_depends_on_seed_and_names_alone(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    samples = tuple(sample_of(tmp_path, name, image, {"disc": disc, "rest": ~disc}) for name in "abc")
    dataset = Dataset("three", "", tmp_path, samples, "", "")

    def places(seed: int, *names: str) -> dict[str, list[tuple[float, float]]]:
        found = evaluate(load_segmentor(), dataset, Rules(), seed, skip=lambda name: name not in names)
        return {name: [(click.x, click.y) for click in record.clicks] for name, record in found}

    every = places(0, "a", "b", "c")
    assert places(0, "b")["b"] == every["b"]
    assert every["a"] != every["b"]
    assert places(1, "a")["a"] != every["a"]


def test_clicks_asked_for_together_are_answered_as_one_by_one(
    tmp_path: Path, scene: tuple[ImageArray, MaskArray]
) -> None:
    image, disc = scene
    sample = sample_of(tmp_path, "a", image, {"disc": disc, "rest": ~disc})
    encoded = load_segmentor("hierarchy").encode(image)
    assert isinstance(encoded, AnswersAlone)
    together = evaluate_image(load_segmentor("hierarchy"), sample, Rules(repeats=5), seed=0).clicks
    assert len(together) == 10
    targets = {target.id: target for target in sample.targets()}
    for click in together:
        rng = np.random.default_rng(seed_of(0, "a", click.mask, click.repeat))
        (alone,) = click_through(encoded.probability, targets[click.mask], Rules(), click.repeat, rng)
        assert (alone.x, alone.y, alone.iou) == (click.x, click.y, click.iou)


def test_processes_change_no_number(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    samples = tuple(sample_of(tmp_path, name, image, {"disc": disc, "rest": ~disc}) for name in "abcde")
    dataset = Dataset("five", "", tmp_path, samples, "", "")

    def told(record: object) -> str:
        return str(record).split("seconds=")[0]

    alone = dict(evaluate(load_segmentor("hierarchy"), dataset, Rules(), seed=3))
    together = dict(evaluate_with("hierarchy", dataset, Rules(), 3, Processes(2), skip=lambda name: False))
    assert alone.keys() == together.keys()
    for name, record in alone.items():
        assert [told(click) for click in record.clicks] == [told(click) for click in together[name].clicks]


def test_the_first_random_click_is_uniform_over_the_mask(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), bool)
    mask[8:24, 8:24] = True
    sample = sample_of(tmp_path, "a", np.zeros((32, 32, 3), np.uint8), {"square": mask})
    record = evaluate_image(load_segmentor(), sample, Rules(repeats=3200), seed=0)
    counts = np.zeros((32, 32))
    for click in record.clicks:
        counts[int(click.y), int(click.x)] += 1
    assert counts[~mask].sum() == 0
    chi_square = ((counts[mask] - 12.5) ** 2 / 12.5).sum()
    assert chi_square < 330.5  # the 99.9 % quantile at 255 degrees of freedom


# The peers' own evaluation loops, click for click.

Predictor: TypeAlias = Callable[[ImageArray], Callable[[Sequence[Click], NDArray[np.float64]], NDArray[np.float64]]]


@pytest.mark.data
@pytest.mark.parametrize("name", ["segnext_rings", "segnext_colour_band2", "segnext_at_threshold", "ritm_rings"])
def test_clicks_and_ious_are_the_peers(name: str, golden: Path, data: Path) -> None:
    run = json.loads((golden / "interactive" / f"{name}.json").read_text())
    settings = run["settings"]
    rules = Rules("center", settings["max_clicks"], settings["threshold"], 1, settings["target_iou"], 1)
    assert run["records"]
    for record in run["records"]:
        image, target = bsds_object(data, record["id"], settings["ignore_band"])
        answer = with_previous(PREDICTORS[settings["predictor"]], image)
        made = click_through(answer, target, rules, 0, RNG)
        assert [[click.y - 0.5, click.x - 0.5, click.positive] for click in made] == record["clicks"], record["id"]
        assert [click.iou for click in made] == pytest.approx(record["ious"], abs=1e-6)


def with_previous(predictor: Predictor, image: ImageArray) -> Callable[[Sequence[Click]], ProbabilityArray]:
    """Feed a predictor its own last answer, zeros at first."""
    previous, predict = [np.zeros(image.shape[:2])], predictor(image)

    def answer(clicks: Sequence[Click]) -> ProbabilityArray:
        previous[0] = predict(clicks, previous[0])
        return previous[0]  # type: ignore[return-value]  # the peers' predictors are in double precision

    return answer


def bsds_object(data: Path, name: str, band: int) -> tuple[ImageArray, Target]:
    """An image, one of its segments, and the pixels that count: all but a band of that many pixels along its border."""
    stem, label = name.split("/")
    image = np.array(Image.open(data / "bsds500" / "images" / "train" / f"{stem}.jpg"))
    target = np.array(Image.open(data / "bsds500" / "segments" / "train" / f"{stem}_0.png")) == int(label)
    if not band:
        return image, Target(name, target)
    square = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    gradient = cv2.morphologyEx(target.astype(np.uint8), cv2.MORPH_GRADIENT, square)
    return image, Target(name, target, valid=gradient == 0)


def rings(image: ImageArray) -> Callable[[Sequence[Click], NDArray[np.float64]], NDArray[np.float64]]:
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    radius = min(image.shape[:2]) // 8

    def predict(clicks: Sequence[Click], previous: NDArray[np.float64]) -> NDArray[np.float64]:
        row, column = clicks[-1].pixel
        near = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        return np.where(near, float(clicks[-1].positive), previous)

    return predict


def colour(image: ImageArray) -> Callable[[Sequence[Click], NDArray[np.float64]], NDArray[np.float64]]:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float64)
    near = {True: np.full(image.shape[:2], 60.0), False: np.full(image.shape[:2], 60.0)}

    def predict(clicks: Sequence[Click], previous: NDArray[np.float64]) -> NDArray[np.float64]:
        row, column = clicks[-1].pixel  # those before are in `near`
        patch = lab[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
        distance = np.linalg.norm(lab - patch.reshape(-1, 3).mean(axis=0), axis=2)
        near[clicks[-1].positive] = np.minimum(near[clicks[-1].positive], distance)
        answer: NDArray[np.float64] = 0.9 * near[False] / (near[False] + near[True] + 1e-9) + 0.1 * previous
        return answer

    return predict


def at_threshold(image: ImageArray) -> Callable[[Sequence[Click], NDArray[np.float64]], NDArray[np.float64]]:
    return lambda clicks, previous: np.full(previous.shape, 0.49)


PREDICTORS: dict[str, Predictor] = {"rings": rings, "colour": colour, "at_threshold": at_threshold}

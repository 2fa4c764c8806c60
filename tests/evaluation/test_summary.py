import numpy as np
import pytest

from tamis.evaluation.interactive import ClickRecord, ImageRecord
from tamis.evaluation.rules import PROTOCOLS, Rules
from tamis.evaluation.summary import (
    bootstrap_weights,
    clicks_to_reach,
    harmful_share,
    miou_by_click,
    resampled_means,
    summarise,
    trials_of,
)


def image(*trials: tuple[str, int, list[float]]) -> ImageRecord:
    """An image with trials of (mask, area, IoU after each click)."""
    clicks = [
        ClickRecord(mask, area, 0, number, 0.5, 0.5, True, float(np.float32(iou)), 0.01)
        for mask, area, ious in trials
        for number, iou in enumerate(ious, start=1)
    ]
    return ImageRecord(clicks, masks=len(trials), encode_seconds=0.2)


RECORDS = {
    "one": image(("a", 300, [0.2, 0.9]), ("b", 5000, [0.6, 0.8])),
    "two": image(("a", 300, [1.0])),
    "none": ImageRecord(error="none.jpg: broken"),
}


def test_a_perfect_mask_counts_on() -> None:
    trials = trials_of(RECORDS, clicks=3)
    assert miou_by_click(trials, Rules(clicks=3)) == pytest.approx([1.8 / 3, 2.7 / 3, 2.7 / 3])


def test_the_peers_average_up_to_the_shortest_try() -> None:
    assert miou_by_click(trials_of(RECORDS, clicks=3), PROTOCOLS["ritm"]) == pytest.approx([1.8 / 3])


def test_number_of_clicks_counts_an_iou_hit_exactly_and_the_limit_for_failures() -> None:
    trials = trials_of(RECORDS, clicks=2)
    assert clicks_to_reach(trials, 0.90, 20).tolist() == [2, 20, 1]
    assert clicks_to_reach(trials, 0.85, 20).tolist() == [2, 20, 1]
    assert clicks_to_reach(trials, 0.60, 20).tolist() == [2, 1, 1]


def test_a_success_with_the_very_last_click_is_counted_as_a_failure_as_by_the_peers() -> None:
    summary = summarise({"a": image(("m", 900, [0.1, 0.96]))}, Rules(clicks=2), {}, 0)
    assert (summary["noc95"], summary["nof95"]) == (2, 1)


def test_corrections_that_do_harm_are_counted() -> None:
    records = {"a": image(("m", 900, [0.5, 0.4, 0.42, 0.1]), ("n", 900, [0.9, 0.86]))}
    trials = trials_of(records, clicks=4)
    assert harmful_share(trials, 0.05) == 2 / 4
    assert harmful_share(trials, 0.3) == 1 / 4
    summary = summarise(records, Rules(clicks=4), {}, 0)
    assert (summary["worse_by_05"], summary["worse_by_30"]) == (0.5, 0.25)


def test_resampling_draws_whole_images() -> None:
    weights = np.array([[2.0, 0.0], [1.0, 1.0]])
    means = resampled_means(np.array([0.0, 1.0, 0.5]), np.array([0, 0, 1]), weights)
    assert means == pytest.approx([0.5, 0.5])
    means = resampled_means(np.array([0.2, 0.4, 0.9]), np.array([0, 0, 1]), weights)
    assert means == pytest.approx([0.3, 0.5])


def test_bootstrap_intervals_are_those_of_the_mean() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.6, 0.2, 400)
    means = resampled_means(values, np.arange(400), bootstrap_weights(400, rng))
    assert means.std() == pytest.approx(0.2 / np.sqrt(400), rel=0.1)


def test_the_summary_names_everything() -> None:
    records = {
        **RECORDS,
        "sizes": ImageRecord(mismatched=["m"]),
        "small": ImageRecord(skipped_small=["a", "b"], empty=["c"]),
    }
    summary = summarise(records, Rules(clicks=2), {"images without masks": ("lonely",)}, 0)
    assert (summary["images"], summary["masks"], summary["skipped_small"], summary["empty"]) == (2, 3, 2, 1)
    assert summary["unreadable"] == {"none": "none.jpg: broken"}
    assert summary["mismatched"] == {"sizes": ["m"]}
    assert summary["unmatched"] == {"images without masks": ["lonely"]}
    assert summary["seconds_encode"] == 0.2
    low, high = summary["miou_ci95"][0]
    assert low <= summary["miou"][0] <= high
    assert summary["miou_by_size"] == {
        "16-32": {"miou": 0.6, "miou_last": 0.95, "tries": 2},
        "64-128": {"miou": 0.6, "miou_last": 0.8, "tries": 1},
    }


def test_nothing_to_click_on_is_a_summary_without_means() -> None:
    assert "miou" not in summarise({"none": RECORDS["none"]}, Rules(), {}, 0)

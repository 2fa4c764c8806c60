from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.arrays import ImageArray, ProbabilityArray  # noqa: E402
from tamis.clicks import Click  # noqa: E402
from tamis.datasets.supervision import Kind  # noqa: E402
from tamis.regions.measures import overlaps  # noqa: E402
from tamis.training.calibration import BORDERS, EDGES, SHIFTS, calibrate, mean_iou  # noqa: E402
from tamis.training.edge_network import EdgeNetwork  # noqa: E402
from tamis.training.examples import RunPixels, annotate, make_example, run_pixels, teach  # noqa: E402
from tamis.training.loop import LoopOptions, train  # noqa: E402
from tamis.training.networks import PixelNetwork  # noqa: E402
from tamis.training.region_network import GAIN, RegionNetwork, RegionShape  # noqa: E402
from tamis.training.regions import RegionOptions, RegionTask, disturbed, draw_rows, nested_masks  # noqa: E402
from tests.training.scenes import TINY, column, scenes  # noqa: E402

CPU = torch.device("cpu")
REGION_MAP = np.array([[0, 0, 1, 1], [2, 2, 1, 1]], np.uint16)


def tiny_pixels() -> RunPixels:
    return partial(run_pixels, PixelNetwork(TINY).eval(), EdgeNetwork(TINY).eval(), device=CPU)


def test_annotations_are_shares_of_regions() -> None:
    labels = np.array([[1, 1, 1, 0], [0, -1, 0, 0]], np.int16)
    annotated = annotate(labels, Kind.SINGLE, REGION_MAP)
    np.testing.assert_allclose(annotated.inside, [[0, 0.75, 1], [1, 0.25, 0]])
    np.testing.assert_allclose(annotated.known, [1, 1, 0.5])
    assert annotated.clickable.size == 0  # fewer than 100 pixels


def test_rows_are_drawn_as_uniform_pixels_of_the_mask_fall() -> None:
    labels = np.repeat(np.repeat(np.array([[1, 1, 1, 0], [0, 0, 0, 0]], np.int16), 20, 0), 20, 1)
    region_map = np.repeat(np.repeat(REGION_MAP, 20, 0), 20, 1)
    annotated = annotate(labels, Kind.INSTANCES, region_map)
    areas = np.array([0.25, 0.5, 0.25], np.float32)
    rows, masks, weights = draw_rows(annotated, areas, np.random.default_rng(0), RegionOptions(clicks=600))
    assert (masks == 1).all()
    assert (weights == 1).all()
    assert np.mean(rows == 0) == pytest.approx(2 / 3, abs=0.05)
    assert np.mean(rows == 1) == pytest.approx(1 / 3, abs=0.05)


def test_the_ground_is_clicked_only_around_single_objects() -> None:
    labels = np.zeros((40, 80), np.int16)
    labels[:, :20] = 1
    region_map = np.repeat(np.repeat(REGION_MAP, 20, 0), 20, 1)
    areas = np.array([0.25, 0.5, 0.25], np.float32)
    for kind, expected in ((Kind.SINGLE, 0.2), (Kind.INSTANCES, 0.0)):
        annotated = annotate(labels, kind, region_map)
        _, masks, _ = draw_rows(annotated, areas, np.random.default_rng(0), RegionOptions(clicks=500))
        assert np.mean(masks == 0) == pytest.approx(expected, abs=0.06)


def test_overlaps_count_every_pixel_once() -> None:
    region_map = np.arange(64, dtype=np.uint16).reshape(8, 8) % 5
    regions, cells, pixels = overlaps(region_map)
    assert pixels.sum() == 64
    assert (np.diff(regions) >= 0).all()
    assert cells.max() == 3


def test_stage_b_learns_on_scenes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pixels = tiny_pixels()
    photographs = scenes(3)
    examples = [make_example(photograph, pixels, size=96) for photograph in photographs]
    shape = RegionShape(features=TINY.widths[0], embedding=TINY.embedding, width=16, heads=2, layers=1)
    options = RegionOptions(shape=shape, batch=2, clicks=16)
    task = RegionTask(examples, {"scenes": 1.0}, photographs[:1], pixels, options, CPU, half=False)
    train(task, LoopOptions(steps=100, lr=5e-3, warmup=5, threads=1), tmp_path, {})
    curve = column(tmp_path / "metrics.csv", "loss")
    assert curve[-1] < 0.8 * curve[0]


def test_noise_leaves_shares_alone_and_mirrors_half() -> None:
    pixels = tiny_pixels()
    summary = make_example(scenes(1)[0], pixels, size=96).summary
    mirrored = 0
    for seed in range(20):
        other = disturbed(summary, np.random.default_rng(seed), 0.1)
        np.testing.assert_array_equal(other.areas, summary.areas)
        mirrored += not np.array_equal(other.centre, summary.centre)
        assert not np.array_equal(other.embedding, summary.embedding)
    assert 4 <= mirrored <= 16


def test_calibration_never_lowers_the_score_it_looks_at_and_is_part_of_the_network() -> None:
    torch.manual_seed(0)
    pixels = tiny_pixels()
    examples = [make_example(photograph, pixels, size=96) for photograph in scenes(3)]
    network = RegionNetwork(RegionShape(features=TINY.widths[0], embedding=TINY.embedding, width=16, heads=2, layers=1))
    with torch.no_grad():
        network.shortcut.bias.add_(1.2 / GAIN)  # answers that are too large
    bias = network.shortcut.bias.tolist()
    found = calibrate(network, examples)
    assert found.shift in SHIFTS
    assert found.border in BORDERS
    assert found.edges in EDGES
    assert found.after["scenes"] >= found.before["scenes"]
    middle = network.shape.middle
    bias[middle] -= found.shift / GAIN
    assert network.shortcut.bias.tolist() == pytest.approx(bias)
    again = calibrate(network, examples)
    assert again.before["scenes"] == pytest.approx(found.after["scenes"], abs=1e-3)


def test_mean_iou_by_hand() -> None:
    answer = np.array([[True, False, True]])
    truth = np.array([[1, 0.5, 0]], np.float32)
    weights = np.array([[0.25, 0.5, 0.25]], np.float32)
    assert mean_iou(answer, truth, weights) == pytest.approx(0.25 / (0.25 + 0.25 + 0.25))


def test_nested_masks_are_those_of_all_annotators_that_hold_the_click() -> None:
    fine = np.repeat(np.repeat(np.array([[1, 1, 2, 2], [3, 3, 2, 2]], np.int16), 20, 0), 20, 1)
    coarse = np.where(fine == 2, 1, 2).astype(np.int16)
    region_map = np.repeat(np.repeat(REGION_MAP, 20, 0), 20, 1)
    annotations = [annotate(labels, Kind.PARTITION, region_map) for labels in (fine, coarse)]
    nested = nested_masks(annotations, np.array([0, 1]))
    np.testing.assert_array_equal(nested, [[[1, 0, 0], [1, 0, 1]], [[0, 1, 0], [0, 1, 0]]])


class Halves:
    """A teacher for whom the left half of an image is one thing."""

    name = "halves"
    shape = (0, 0)

    def encode(self, image: ImageArray) -> "Halves":
        self.shape = image.shape[0], image.shape[1]
        return self

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        return np.asarray(self.probabilities(clicks)[0], np.float32)

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        told = np.full((len(clicks), *self.shape), 0.25, np.float32)
        for answer, click in zip(told, clicks, strict=True):
            if click.x < self.shape[1] / 2:
                answer[:, : self.shape[1] // 2] = 0.75
        return np.asarray(told, np.float32)


def test_a_teacher_tells_the_mean_of_its_answers_over_regions() -> None:
    region_map = np.repeat(np.repeat(np.array([[0, 1]], np.uint16), 20, 0), 20, 1)
    image = np.zeros((20, 40, 3), np.uint8)
    taught = teach(Halves(), image, region_map, 12, np.random.default_rng(0))
    assert set(taught.rows.tolist()) == {0, 1}
    for row, answers in zip(taught.rows, taught.answers, strict=True):
        np.testing.assert_allclose(answers, [0.25, 0.25] if row else [0.75, 0.25])


@pytest.mark.parametrize("terms", [(("level", 1.0), ("bce", 1.0)), (("lovasz", 1.0),)])
def test_stage_b_learns_from_any_losses_and_a_teacher(terms: tuple[tuple[str, float], ...]) -> None:
    torch.manual_seed(0)
    pixels = tiny_pixels()
    rng = np.random.default_rng(0)
    examples = [
        make_example(photograph, pixels, 96, lambda image, regions: teach(Halves(), image, regions, 5, rng))
        for photograph in scenes(2)
    ]
    shape = RegionShape(features=TINY.widths[0], embedding=TINY.embedding, width=16, heads=2, layers=1)
    task = RegionTask(examples, {"scenes": 1.0}, [], pixels, RegionOptions(shape, 8, 1, terms=terms), CPU, half=False)
    batch = task.batch(np.random.default_rng(0), 0.0)
    optimiser = torch.optim.Adam(task.regions.parameters(), 1e-2)
    losses = []
    for _ in range(12):
        values = task.losses(batch)
        optimiser.zero_grad()
        values["loss"].backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(values["loss"].detach()))
    assert losses[-1] < losses[0]

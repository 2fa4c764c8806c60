from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.segmentors.embedded_regions import colour_nodes, region_inputs, summarise  # noqa: E402
from tamis.segmentors.region_measures import pool  # noqa: E402
from tamis.training.crops import CropOptions  # noqa: E402
from tamis.training.examples import run_pixels  # noqa: E402
from tamis.training.joint import (  # noqa: E402
    JointNetwork,
    JointOptions,
    JointTask,
    differentiable_inputs,
    draw_view,
    mean_over_regions,
)
from tamis.training.loop import LoopOptions, train  # noqa: E402
from tamis.training.networks import PixelNetwork  # noqa: E402
from tamis.training.recipe import load_pixels, load_regions, split_weights  # noqa: E402
from tamis.training.region_network import RegionNetwork, RegionShape  # noqa: E402
from tamis.training.regions import RegionOptions  # noqa: E402
from tests.training.scenes import TINY, column, scenes  # noqa: E402

CPU = torch.device("cpu")
SHAPE = RegionShape(features=TINY.decoder, embedding=TINY.embedding, width=16, heads=2, layers=1)


def joint_task(share_of_whole: float = 0.4) -> JointTask:
    torch.manual_seed(0)
    network = JointNetwork(PixelNetwork(TINY), RegionNetwork(SHAPE)).train()
    photographs = scenes(3)
    options = JointOptions(RegionOptions(shape=SHAPE, batch=2, clicks=16), whole=share_of_whole)
    return JointTask({"scenes": photographs}, {"scenes": 1.0}, photographs[:1], network, options, CPU, half=False)


def test_means_over_regions_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    maps = rng.random((5, 8, 6)).astype(np.float32)
    region_map = rng.integers(7, size=(32, 24)).astype(np.uint16)
    expected, _ = pool(region_map, maps)
    np.testing.assert_allclose(mean_over_regions(torch.from_numpy(maps), region_map), expected, rtol=1e-5)


def test_the_region_network_reads_the_same_with_and_without_gradients() -> None:
    task = joint_task()
    scene = task.batch(np.random.default_rng(0), 0)[0]
    pixels = task.network.pixels
    with torch.no_grad():
        told = differentiable_inputs(pixels(scene.crop.images), pixels.margin, scene, half=False)
    maps = run_pixels(pixels, scene.image, CPU)
    plain = region_inputs(summarise(scene.image, scene.region_map, maps, colour_nodes(scene.image, scene.region_map)))
    for mine, expected in zip(told, vars(plain).values(), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-4)


def test_gradients_of_the_answers_reach_the_pixel_network() -> None:
    task = joint_task()
    with torch.no_grad():  # the pair perceptron begins at zero and would pass nothing on
        task.network.regions.answer.weight.normal_()
    task.losses(task.batch(np.random.default_rng(0), 0))["regions"].backward()  # type: ignore[no-untyped-call]
    gradient = dict(task.network.pixels.named_parameters())["stages.0.0.0.weight"].grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def test_norms_keep_their_statistics() -> None:
    task = joint_task()
    before = {name: value.clone() for name, value in task.network.pixels.named_buffers()}
    task.losses(task.batch(np.random.default_rng(0), 0))
    for name, value in task.network.pixels.named_buffers():
        torch.testing.assert_close(value, before[name])
    assert task.network.regions.training


def test_batches_come_from_the_generator_alone() -> None:
    task = joint_task()
    first, again = (task.batch(np.random.default_rng(5), 0) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.rows, other.rows)


def test_a_view_of_the_whole_photograph_is_it_or_its_mirror_image() -> None:
    photograph = scenes(1, side=384)[0]
    options = JointOptions(whole=1.0)
    mirrored = 0
    for seed in range(12):
        view = draw_view(photograph, np.random.default_rng(seed), options)
        same = np.array_equal(view.maps[0], photograph.maps[0])
        mirrored += not same
        if not same:
            np.testing.assert_array_equal(view.maps[0], photograph.maps[0][:, ::-1])
            np.testing.assert_array_equal(view.image, photograph.image[:, ::-1])
    assert 2 <= mirrored <= 10


def test_a_part_of_a_photograph_keeps_masks_on_their_pixels() -> None:
    photograph = scenes(1, side=384)[0]
    labels = photograph.maps[0]
    painted = np.repeat((labels * 20).astype(np.uint8)[:, :, None], 3, axis=2)
    flat = type(photograph)("scenes", "0", photograph.kind, painted, photograph.maps)
    options = JointOptions(whole=0.0, views=CropOptions(scales=(1.2, 1.5)))
    view = draw_view(flat, np.random.default_rng(0), options)
    known = view.maps[0] >= 0
    alike = np.abs(view.image[:, :, 0].astype(int) - view.maps[0] * 20) <= 10
    assert alike[known].mean() > 0.97
    assert not np.array_equal(view.image, painted)


def test_both_learn_together_and_part_again(tmp_path: Path) -> None:
    task = joint_task(share_of_whole=1.0)
    train(task, LoopOptions(steps=60, lr=5e-3, warmup=5, threads=1), tmp_path, {})
    curve = column(tmp_path / "metrics.csv", "regions")
    assert curve[-1] < curve[0]
    pixels, regions = split_weights(tmp_path / "best.pt", tmp_path)
    load_pixels(pixels, PixelNetwork(TINY), CPU)
    load_regions(regions, RegionNetwork(SHAPE))

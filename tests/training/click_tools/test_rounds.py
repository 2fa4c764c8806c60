"""One step of learning."""

import cv2
import numpy as np
import pytest
import torch

from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.training.click_tools.batches import Sample
from tamis.training.click_tools.rounds import learn, next_click


def sample(seed: int = 0, nested: bool = False) -> Sample:
    rng = np.random.default_rng(seed)
    target = np.zeros((64, 64), bool)
    target[10:40, 15:50] = True
    image = np.where(target, 200, 60)[None].repeat(3, 0) + rng.integers(0, 20, (3, 64, 64))
    around = np.stack([target, target]) if nested else np.zeros((0, 64, 64), bool)
    return Sample(image.astype(np.uint8), target, np.ones_like(target), [(25, 30, True)], around, 0, ())


def test_the_next_click_lies_deep_in_the_larger_error() -> None:
    target = np.zeros((50, 60), bool)
    target[5:35, 5:45] = True
    answer = np.where(target, 0.9, 0.1).astype(np.float32)
    answer[5:20, 5:45] = 0.2  # 15 × 40 missing
    answer[40:48, 10:50] = 0.8  # 8 × 40 too much
    for seed in range(20):
        found = next_click(answer, target, np.ones_like(target), np.random.default_rng(seed))
        assert found is not None
        row, column, positive = found
        assert positive
        missing = (target & (answer < 0.49)).astype(np.uint8)
        depth = cv2.distanceTransform(missing, cv2.DIST_L2, 5)
        assert depth[int(row), int(column)] > depth.max() / 2


def test_nothing_wrong_gives_no_click_and_ignored_pixels_do_not_count() -> None:
    target = np.zeros((20, 20), bool)
    target[:, :10] = True
    right = np.where(target, 0.9, 0.1).astype(np.float32)
    rng = np.random.default_rng(0)
    assert next_click(right, target, np.ones_like(target), rng) is None
    assert next_click(1 - right, target, np.zeros_like(target), rng) is None
    surplus = next_click(np.ones_like(right), target, np.ones_like(target), rng)
    assert surplus is not None
    assert not surplus[2]


@pytest.mark.parametrize("terms", [(("focal", 1.0),), (("lovasz", 1.0), ("iou", 1.0)), (("level", 1.0),)])
def test_a_network_learns_a_sample(terms: tuple[tuple[str, float], ...]) -> None:
    torch.manual_seed(0)
    network = SegNext(SHAPES["tiny"]).train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    ious = []
    for step in range(16):
        learned = learn(network, [sample(nested=True)], step % 2, terms, np.random.default_rng(step))
        optimizer.zero_grad()
        learned.loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        ious.append(learned.iou)
    assert np.mean(ious[-4:]) > 0.7 > 2 * ious[0]
    assert network.training


def test_a_batch_in_parts_has_the_same_gradient() -> None:
    torch.manual_seed(0)
    network = SegNext(SHAPES["tiny"]).train()
    samples = [sample(0), sample(1)]
    together = learn(network, samples, 0, (("focal", 1.0),), np.random.default_rng(0)).loss
    parts = [learn(network, [each], 0, (("focal", 1.0),), np.random.default_rng(0)).loss for each in samples]
    torch.testing.assert_close(together, (parts[0] + parts[1]) / 2)

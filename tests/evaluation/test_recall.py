from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tamis.evaluation.recall import coco_ranks, mean_recall, recall_curve
from tamis.mask import Masks, iou_matrix


def coco_recall(proposals: np.ndarray, targets: np.ndarray, budget: int) -> float:
    """AR of one image by pycocotools, class-agnostic."""
    height, width = targets.shape[1:]

    def entry(number: int, mask: np.ndarray) -> dict[str, object]:
        rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        area = float(coco_mask.area(rle))
        return {"id": number + 1, "image_id": 1, "category_id": 1, "segmentation": rle, "area": area, "iscrowd": 0}

    truth, found = COCO(), COCO()
    image = {"id": 1, "height": height, "width": width}
    for api, masks in ((truth, targets), (found, proposals)):
        entries = [{**entry(i, mask), "bbox": [0, 0, 1, 1], "score": 1 - i / 1000} for i, mask in enumerate(masks)]
        api.dataset = {"images": [image], "categories": [{"id": 1, "name": "mask"}], "annotations": entries}
        api.createIndex()
    judge = COCOeval(truth, found, "segm")
    judge.params.maxDets = [budget]
    judge.params.useCats = 0
    judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
    judge.evaluate()
    judge.accumulate()
    return float(judge.eval["recall"].mean())


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_ranks_give_pycocotools_recall(seed: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (4, 5)).repeat(3, 0).repeat(3, 1)
    targets = np.stack([labels == value for value in np.unique(labels)] + [labels < 2])
    targets = targets[targets.any(axis=(1, 2))]
    noisy = [
        targets[rng.integers(len(targets))] ^ (rng.random(labels.shape) < rng.choice([0, 0.05, 0.2])) for _ in range(12)
    ]
    proposals = np.stack(noisy)
    ranks = coco_ranks(iou_matrix(Masks.from_dense(proposals), Masks.from_dense(targets)))
    assert (ranks < budget).mean() == pytest.approx(coco_recall(proposals, targets, budget))


def test_ties_go_to_the_last_target_and_none_is_taken_twice() -> None:
    ious = np.array([[0.6, 0.6], [0.9, 0.6], [0.9, 0.9]])
    assert coco_ranks(ious)[0].tolist() == [1, 0]
    assert coco_ranks(ious)[-1].tolist() == [3, 3]
    assert coco_ranks(np.zeros((0, 2))).tolist() == [[0, 0]] * 10


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_mean_recall_over_all_thresholds_is_the_mean(best: list[float]) -> None:
    assert mean_recall(np.array(best)) == pytest.approx(np.mean(best), abs=1e-4)
    curve = recall_curve(np.array(best))
    assert curve[0][1] == 1
    assert all(a[1] >= b[1] for a, b in pairwise(curve))

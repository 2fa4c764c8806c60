import math
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tamis.training import losses  # noqa: E402

LOGITS = torch.tensor([[0.0, 0.0, math.log(3)]])
TARGETS = torch.tensor([[1.0, 0.0, 1.0]])
ONES = torch.ones(1, 3)
# Probabilities are 1/2, 1/2, 3/4; all golden values below were worked out by hand from them.


def test_pairwise_bce_is_the_mean_log_loss() -> None:
    expected = (math.log(2) + math.log(2) + math.log(4 / 3)) / 3
    assert losses.pairwise_bce(LOGITS, TARGETS, ONES).item() == pytest.approx(expected)


def test_pairwise_bce_weighs_pixels_and_ignores_weight_zero() -> None:
    weights = torch.tensor([[0.0, 1.0, 3.0]])
    expected = (math.log(2) + 3 * math.log(4 / 3)) / 4
    assert losses.pairwise_bce(LOGITS, TARGETS, weights).item() == pytest.approx(expected)


def test_pairwise_bce_is_least_at_the_true_probability() -> None:
    targets = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    at = [
        losses.pairwise_bce(torch.full((1, 4), math.log(p / (1 - p))), targets, torch.ones(1, 4)).item()
        for p in (0.7, 0.75, 0.8)
    ]
    assert at[1] < at[0]
    assert at[1] < at[2]


def test_own_mask_bce_looks_inside_only() -> None:
    expected = (math.log(2) + math.log(4 / 3)) / 2
    assert losses.own_mask_bce(LOGITS, TARGETS, ONES).item() == pytest.approx(expected)


def test_soft_iou_by_hand() -> None:
    # both = 1/2 + 3/4, either = 1 + 1/2 + 1
    assert losses.soft_iou(LOGITS, TARGETS, ONES).item() == pytest.approx(1 - 1.25 / 2.5)


def test_soft_iou_of_nothing_is_free() -> None:
    assert losses.soft_iou(LOGITS, TARGETS, torch.zeros(1, 3)).item() == 0


def test_lovasz_hinge_equals_the_jaccard_loss_where_hinges_are_zero_or_one() -> None:
    # Errors 2 on one missed pixel of two, 0 elsewhere: 2 · (1 − 1/2).
    logits = torch.tensor([[1.0, -1.0, -1.0]])
    targets = torch.tensor([[1.0, 1.0, 0.0]])
    assert losses.lovasz_hinge(logits, targets, ONES).item() == pytest.approx(2 * 0.5)


def test_lovasz_hinge_by_hand() -> None:
    # Errors: 1 (truth), 1 (false), 1 − ln 3 < 0 (truth); sorted stable, Jaccard losses after 1, 2, 3: 1/2, 2/3, 1.
    assert losses.lovasz_hinge(LOGITS, TARGETS, ONES).item() == pytest.approx(2 / 3)


def test_normalised_focal_is_half_a_weighted_mean_of_log_losses() -> None:
    focus = [0.25, 0.25, 0.0625]
    logs = [math.log(2), math.log(2), math.log(4 / 3)]
    expected = 0.5 * sum(w * v for w, v in zip(focus, logs, strict=True)) / sum(focus)
    assert losses.normalised_focal(LOGITS, TARGETS, ONES).item() == pytest.approx(expected, rel=1e-5)


def test_normalised_focal_does_not_differentiate_its_normaliser() -> None:
    logits = LOGITS.clone().requires_grad_()
    losses.normalised_focal(logits, TARGETS, ONES).sum().backward()  # type: ignore[no-untyped-call]
    # d/ds of −(1 − p)² log p at p = 1/2 with p' = 1/4: (2 (1 − p) log p − (1 − p)² / p) p' = −(ln 2 + ½) / 4.
    factor = 3 / (0.25 + 0.25 + 0.0625)
    expected = -0.5 * factor / 3 * (math.log(2) + 0.5) / 4
    assert logits.grad is not None
    assert logits.grad[0, 0].item() == pytest.approx(expected, rel=1e-4)


def test_boundary_consensus_doubles_borders_of_more_than_a_quarter() -> None:
    logits = torch.zeros(4)
    consensus = torch.tensor([0.0, 0.2, 0.4, 1.0])
    assert losses.boundary_consensus(logits, consensus, torch.ones(4)).item() == pytest.approx(math.log(2))
    only_strong = losses.boundary_consensus(torch.tensor([0.0, math.log(3)]), torch.tensor([0.0, 1.0]), torch.ones(2))
    assert only_strong.item() == pytest.approx((math.log(2) + 2 * math.log(4 / 3)) / 3)


def test_level_line_is_free_when_level_sets_are_the_nested_masks() -> None:
    part, whole = [1.0, 0.0, 0.0], [1.0, 1.0, 0.0]
    nested = torch.tensor([[part, whole]])
    ideal = torch.tensor([[60.0, 0.4, -60.0]])  # above ¼ and ½: the whole; above ¾: the part
    smeared = torch.tensor([[0.4, 0.4, 0.4]])
    good = losses.level_line(ideal, nested, ONES, sharpness=200.0)
    bad = losses.level_line(smeared, nested, ONES, sharpness=200.0)
    assert good.item() == pytest.approx(0, abs=1e-4)
    # Everything is above ¼ and ½ (best match 2/3), nothing above ¾ (no match).
    assert bad.item() == pytest.approx((1 / 3 + 1 / 3 + 1) / 3, abs=1e-3)


def test_level_line_ignores_masks_that_are_not_there() -> None:
    nested = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]])
    nothing = torch.full((1, 3), -60.0)
    assert losses.level_line(nothing, nested, ONES).item() == pytest.approx(1, abs=1e-4)


def test_distillation_is_zero_where_the_teacher_is_met() -> None:
    teacher = torch.tensor([[0.5, 0.5, 0.75]])
    assert losses.distillation(LOGITS, teacher, ONES).item() == pytest.approx(0, abs=1e-6)
    expected = (0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)) / 3
    off = losses.distillation(torch.zeros(1, 3), teacher, ONES)
    assert off.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        losses.pairwise_bce,
        losses.own_mask_bce,
        losses.soft_iou,
        losses.lovasz_hinge,
        losses.distillation,
        lambda x, y, w: losses.level_line(x, torch.stack([y, 1 - y], dim=1), w),
        losses.boundary_consensus,
    ],
)
def test_gradients_agree_with_finite_differences(loss: Callable[..., Any]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 7, generator=generator, dtype=torch.float64).requires_grad_()
    targets = (torch.rand(2, 7, generator=generator) > 0.5).double()
    weights = (torch.rand(2, 7, generator=generator) > 0.2).double()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets, weights), (logits,))

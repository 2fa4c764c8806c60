"""Losses for click answers: functions of logits, targets and weights, one value per click.

Arrays are (N, P): N clicks, P pixels or regions. `targets` are 0 or 1, `weights` are not negative: 0 ignores a pixel,
areas make regions count as the pixels they stand for. Every function returns (N,) float unless said, so that clicks can
be weighted afterwards. None raises; a click whose weights are all 0 costs 0.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

TINY = 1e-6


def pairwise_bce(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Mean binary cross-entropy of P(pixel in mask | click).

    A proper scoring rule: its minimiser is the true probability.
    """
    loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss * weights).sum(1) / weights.sum(1).clamp_min(TINY)


def own_mask_bce(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Mean binary cross-entropy over the clicked mask alone: small masks count as much as large ones."""
    inside = weights * targets
    return (F.softplus(-logits) * inside).sum(1) / inside.sum(1).clamp_min(TINY)


def soft_iou(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """One minus the Jaccard index of probabilities: 1 − Σ w p y / Σ w (p + y − p y).

    Rahman and Wang, "Optimizing intersection-over-union in deep neural networks for image segmentation", ISVC 2016.
    """
    probability = torch.sigmoid(logits)
    both = (probability * targets * weights).sum(1)
    either = ((probability + targets - probability * targets) * weights).sum(1)
    return torch.where(either > TINY, 1 - both / either.clamp_min(TINY), torch.zeros_like(both))


def lovasz_hinge(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The Lovász extension of the Jaccard loss of the hinge errors (Berman et al., arXiv 1705.08790, algorithm 1).

    Weights are taken as multiplicities, so areas of regions may be used.
    """
    errors = (1 - logits * (2 * targets - 1)) * (weights > 0)
    errors, order = errors.sort(dim=1, descending=True)
    truth, weight = targets.gather(1, order), weights.gather(1, order)
    total = (targets * weights).sum(1, keepdim=True)
    missing = (truth * weight).cumsum(1)
    extra = ((1 - truth) * weight).cumsum(1)
    jaccard = 1 - (total - missing) / (total + extra).clamp_min(TINY)
    steps = torch.cat([jaccard[:, :1], jaccard[:, 1:] - jaccard[:, :-1]], dim=1)
    return (F.relu(errors) * steps).sum(1)


def normalised_focal(
    logits: Tensor, targets: Tensor, weights: Tensor, alpha: float = 0.5, gamma: float = 2.0
) -> Tensor:
    """The normalised focal loss of RITM and SegNext (`isegm/model/losses.py`), per click.

    With p_t the probability of the truth and w = (1 − p_t)^γ: α · m · Σ w · (−log p_t) / n, where m = n / Σ w is not
    differentiated and n is the number of valid pixels (here the sum of weights).
    """
    agreement = 1 - (targets - torch.sigmoid(logits)).abs()
    agreement = torch.where(weights > 0, agreement, torch.ones_like(agreement))
    focus = (1 - agreement) ** gamma
    count = weights.sum(1).clamp_min(TINY)
    factor = (count / ((focus * weights).sum(1) + 1e-12)).detach()
    log = torch.log((agreement + 1e-12).clamp_max(1.0))
    return -(alpha * factor[:, None] * focus * log * weights).sum(1) / count


def boundary_consensus(logits: Tensor, consensus: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of boundary logits against the share of annotators who drew a border there; () float.

    Places where more than a quarter of them did weigh twice, since borders are rare. Shapes are free but equal.
    """
    loss = F.binary_cross_entropy_with_logits(logits, consensus, reduction="none")
    weights = weights * (1 + (consensus > 0.25).to(weights.dtype))
    return (loss * weights).sum() / weights.sum().clamp_min(1.0)


def balanced_borders(logits: Tensor, consensus: Tensor, weights: Tensor, agreed: float = 0.3) -> Tensor:
    """Cross-entropy of edges where both sides count the same, however rare edges are; () float.

    A place is an edge if at least the share `agreed` of annotators drew one there, and none if nobody did; others do
    not count (Xie and Tu, "Holistically-nested edge detection", ICCV 2015; Liu et al., arXiv 1612.02103). Shapes are
    free but equal.
    """
    loss = F.binary_cross_entropy_with_logits(logits, (consensus >= agreed).to(logits.dtype), reduction="none")
    edge, plain = weights * (consensus >= agreed), weights * (consensus <= 0)
    each = [(loss * part).sum() / part.sum().clamp_min(1.0) for part in (edge, plain)]
    return (each[0] + each[1]) / 2


def level_line(
    logits: Tensor,
    nested: Tensor,
    weights: Tensor,
    thresholds: tuple[float, ...] = (0.25, 0.5, 0.75),
    sharpness: float = 4.0,
) -> Tensor:
    """For masks that all contain the click, each superlevel set of the answer must match one of them.

    For every threshold t the soft superlevel set sigmoid(sharpness · (logit − logit(t))) is compared with every mask by
    `soft_iou`, and the best match counts: a map whose level lines are the outlines of part, object and whole costs
    nothing, while an average of them costs much.

    Args:
        logits: (N, P).
        nested: (N, J, P) the J masks of each click, 0 or 1; an all-zero mask is no mask.
        weights: (N, P).
        thresholds: probabilities.
        sharpness: of the soft sets.
    """
    clicks, masks, pixels = nested.shape
    present = nested.sum(2) > 0
    total = logits.new_zeros(clicks)
    for threshold in thresholds:
        level = torch.logit(torch.tensor(threshold)).item()
        raised = (sharpness * (logits - level))[:, None].expand(clicks, masks, pixels)
        loss = soft_iou(
            raised.reshape(-1, pixels),
            nested.reshape(-1, pixels),
            weights[:, None].expand(clicks, masks, pixels).reshape(-1, pixels),
        )
        total = total + loss.view(clicks, masks).masked_fill(~present, 1.0).amin(1)
    return total / len(thresholds)


def distillation(logits: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
    """Kullback–Leibler divergence from a teacher's probabilities in [0, 1]: 0 where they are met exactly."""
    teacher = teacher.clamp(1e-5, 1 - 1e-5)
    entropy = -(teacher * teacher.log() + (1 - teacher) * (1 - teacher).log())
    loss = F.binary_cross_entropy_with_logits(logits, teacher, reduction="none") - entropy
    return (loss * weights).sum(1) / weights.sum(1).clamp_min(TINY)

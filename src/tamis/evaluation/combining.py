"""Many one-click answers into one.

Each rule takes `probabilities`, (N, ...) float32 in [0, 1]: the answer to each of N clicks alone, P(z in mask | that
click), negative clicks included; and returns one array of shape (...). Rules are pure and keep no click's pixel by
themselves: `tamis.clicks.with_clicked_pixels` does, after any of them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from tamis.arrays import ProbabilityArray
from tamis.errors import InputError
from tamis.odds import EPSILON, logit, sigmoid


def max_certainty(probabilities: ProbabilityArray) -> ProbabilityArray:
    """At each pixel the answer farthest from one half; among equals the first click's.

    >>> max_certainty(np.array([[0.6, 0.9], [0.1, 0.4]], dtype=np.float32)).tolist()
    [0.10000000149011612, 0.8999999761581421]
    """
    _require_answers(probabilities)
    surest = np.argmax(np.abs(probabilities - np.float32(0.5)), axis=0)
    return np.asarray(np.take_along_axis(probabilities, surest[None], axis=0)[0])


def mean(probabilities: ProbabilityArray) -> ProbabilityArray:
    """The mean of the probabilities."""
    _require_answers(probabilities)
    return np.asarray(probabilities.mean(axis=0), dtype=np.float32)


def log_mean(probabilities: ProbabilityArray) -> ProbabilityArray:
    """The probability whose logit is the mean of the logits; probabilities are kept 1e-6 away from 0 and 1."""
    _require_answers(probabilities)
    return sigmoid(logit(probabilities).mean(axis=0, dtype=np.float32))


def inverse_uncertainty(probabilities: ProbabilityArray) -> ProbabilityArray:
    """The mean weighted by 1 / (p (1 - p)), the inverse variance of each answer as a coin toss."""
    _require_answers(probabilities)
    weights = 1 / (probabilities * (1 - probabilities) + np.float32(EPSILON))
    return np.asarray((weights * probabilities).sum(axis=0) / weights.sum(axis=0), dtype=np.float32)


def triangulate(
    if_inside: ProbabilityArray, if_outside: ProbabilityArray, inside: ProbabilityArray | float
) -> ProbabilityArray:
    """The answer to a click x by way of a second point y: the law of total probability over whether y is in the mask.

    P(z | x) = P(z | y in m) · P(y in m | x) + P(z | y not in m) · (1 - P(y in m | x)).

    Args:
        if_inside: (...) P(z in mask | y in mask), the answer to a positive click at y.
        if_outside: (...) P(z in mask | y not in mask), the answer to a negative click at y.
        inside: P(y in mask | click x), one number or an array that broadcasts.
    """
    weight = np.asarray(inside, dtype=np.float32)
    return np.asarray(if_inside * weight + if_outside * (1 - weight), dtype=np.float32)


Rule: TypeAlias = Callable[[ProbabilityArray], ProbabilityArray]
"""What joins the answers (N, ...) to N clicks into one (...)."""

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "max-certainty": max_certainty,
        "mean": mean,
        "log-mean": log_mean,
        "inverse-uncertainty": inverse_uncertainty,
    }
)
"""The rules by the name that the command line uses."""


def _require_answers(probabilities: ProbabilityArray) -> None:
    if not len(probabilities):
        raise InputError("there is no answer to combine: give at least one click")

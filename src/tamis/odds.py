"""Probabilities and their logarithmic odds."""

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-6
"""How near to 0 and 1 probabilities come, unless another distance is given."""


def logit(probability: NDArray[np.float32], epsilon: float = EPSILON) -> NDArray[np.float32]:
    """Logarithmic odds of probabilities, which are kept `epsilon` away from 0 and 1.

    >>> logit(np.array([0.5, 1.0], np.float32), 0.01).round(2).tolist()
    [0.0, 4.599999904632568]
    """
    kept = np.clip(probability, np.float32(epsilon), np.float32(1) - np.float32(epsilon))
    return np.asarray(np.log(kept) - np.log1p(-kept), np.float32)


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Probabilities for logits of any depth, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(np.float32(0.5) * logits)), np.float32)

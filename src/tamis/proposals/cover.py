"""Few masks for many: each next one is what adds most to what those before hold of all."""

import heapq

import numpy as np
from numpy.typing import NDArray


def covering(similar: NDArray[np.float32], weights: NDArray[np.float32], least: float = 0.0) -> NDArray[np.int64]:
    """Indices of candidates, each the one that adds most to Σ weight · max IoU with one before it.

    Every mask is a guess of what may be wanted, as likely as its weight says, and the sum is the expected IoU of the
    best of the candidates taken. It is submodular, so greedy choice is within 1 - 1/e of the best set of that size
    (Nemhauser, Wolsey, Fisher, "An analysis of approximations for maximizing submodular set functions", 1978), and
    gains only fall, so that few need be computed anew (Minoux, "Accelerated greedy algorithms", 1978).

    Args:
        similar: (K, N) float32, IoUs of K candidates and N masks.
        weights: (N,) float32, not negative.
        least: stop when the next would add less than this share of what the first did.
    """
    held = np.zeros(similar.shape[1], np.float32)
    heap = [(-gain, index) for index, gain in enumerate((similar @ weights).tolist())]
    heapq.heapify(heap)
    first = -heap[0][0] if heap else 0.0
    taken: list[int] = []
    while heap:
        _, index = heapq.heappop(heap)
        gain = float(np.maximum(similar[index] - held, 0) @ weights)
        if heap and -heap[0][0] > gain:
            heapq.heappush(heap, (-gain, index))
            continue
        if gain < least * first:
            break
        taken.append(index)
        np.maximum(held, similar[index], out=held)
    return np.array(taken, np.int64)

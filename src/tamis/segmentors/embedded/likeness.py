"""What an image itself tells of where a mask ends: ridge regression on the pixels around its border, in closed form.

The network over pixels knows where things end in general, the mask so far what this one looks like on either side: most
of its border is right, and what is learned from all of it corrects the rest.
"""

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ProbabilityArray
from tamis.mask import boundaries
from tamis.odds import sigmoid
from tamis.regions.at_pixels import at_pixels

TAUGHT = 12
"""Pixels of the working size: what lies so far from the border teaches. 12, 24 and 48 are alike."""

SETTLED = 6
"""The same: so far from the border what is learned has a say."""

SAY = 0.5
"""Of what is learned, beside the network's."""

SAMPLED = 3000
"""Pixels that teach, at most."""

LEAST = 200
"""Below so many, nothing is learned."""

LEAST_SHARE = 0.1
"""Of the pixels that teach: fewer on a side do not weigh more."""

RIDGE = 0.01
GAIN = 8.0
"""From the regression's answer, 0 outside and 1 inside, to a logit."""


def settled(seen: ProbabilityArray, features: NDArray[np.float32], around: NDArray[np.float32]) -> ProbabilityArray:
    """(h, w) float32: probabilities (h, w) of a mask, around its border half of what the image tells of it.

    Args:
        seen: (h, w), whose mask at .5 teaches.
        features: (h', w', D) float32, of its pixels on a coarser grid.
        around: (h, w, C) float32, the surroundings of each.
    """
    import cv2

    mask = seen > 0.5
    apart = cv2.distanceTransform((~boundaries(mask.view(np.uint8))).view(np.uint8), cv2.DIST_L2, 3)
    near = np.flatnonzero(apart <= TAUGHT)
    if len(near) < LEAST:
        return seen
    chosen = np.random.default_rng(0).choice(near, min(len(near), SAMPLED), replace=False)
    inside = mask.ravel()[chosen]
    share = float(inside.mean())
    weights = np.where(inside, 0.5 / max(share, LEAST_SHARE), 0.5 / max(1 - share, LEAST_SHARE)).astype(np.float32)
    flat = around.reshape(-1, around.shape[2])
    one = np.ones((len(chosen), 1), np.float32)
    columns = np.concatenate([one, at_pixels(features, chosen, mask.shape), flat[chosen]], axis=1)
    # Half of the weight on either side: the product of a matrix with itself takes half the time of one with another.
    root = np.sqrt(weights / len(chosen))
    columns *= root[:, None]
    gram = columns.T @ columns + np.float32(RIDGE) * np.eye(columns.shape[1], dtype=np.float32)
    learned = np.linalg.solve(gram, columns.T @ (root * inside))
    one_weight, of_features, of_surroundings = np.split(learned, (1, 1 + features.shape[2]))
    # Sums may be enlarged in the place of what they are of.
    coarse = cv2.resize(features @ of_features, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    settling = np.flatnonzero(apart <= SETTLED)
    told = sigmoid(GAIN * (one_weight + coarse.ravel()[settling] + flat[settling] @ of_surroundings - 0.5))
    mixed = seen.copy()
    mixed.ravel()[settling] += SAY * (told - mixed.ravel()[settling])
    return mixed

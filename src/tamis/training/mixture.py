"""What photographs training sees, and how often: data sets by their shares, scenes made on the fly, pasted objects."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from tamis.training.photographs import Kind, Photograph
from tamis.training.synthetic import synthetic_photograph


class Mixture:
    """A source of photographs."""

    def __init__(
        self,
        training: Mapping[str, Sequence[Photograph]],
        shares: Mapping[str, float],
        synthetic: float = 0.0,
        paste: float = 0.0,
    ) -> None:
        """Take photographs by data set.

        Args:
            training: photographs of each data set.
            shares: how often each data set is drawn; they need not sum to 1.
            synthetic: share of scenes made on the fly.
            paste: chance that an object of another photograph is pasted in.
        """
        self.names, self.training = list(training), training
        self.shares = np.array([shares[name] for name in self.names])
        self.shares = self.shares / self.shares.sum()
        self.synthetic, self.paste = synthetic, paste

    def draw(self, rng: np.random.Generator) -> Photograph:
        """A photograph, or a synthetic scene; sometimes with an object of another pasted in."""
        if rng.random() < self.synthetic:
            return synthetic_photograph(rng)
        photograph = self._any(rng)
        if self.paste and photograph.kind is not Kind.PARTITION and rng.random() < self.paste:
            other = self._any(rng)
            if other.kind is not Kind.PARTITION:
                return paste_object(photograph, other, rng)
        return photograph

    def _any(self, rng: np.random.Generator) -> Photograph:
        those = self.training[self.names[int(rng.choice(len(self.names), p=self.shares))]]
        return those[int(rng.integers(len(those)))]


def paste_object(photograph: Photograph, other: Photograph, rng: np.random.Generator) -> Photograph:
    """An object of `other` pasted somewhere into `photograph`, as one more mask, its outline softened by a pixel."""
    labels = np.unique(other.maps[0])
    labels = labels[labels > 0]
    if not labels.size:
        return photograph
    mask = (other.maps[0] == labels[int(rng.integers(labels.size))]).astype(np.float32)
    height, width = photograph.image.shape[:2]
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    scale = max(height, width) * rng.uniform(0.2, 0.6) / side
    flip = -1.0 if rng.random() < 0.5 else 1.0
    linear = np.diag([scale * flip, scale])
    middle = np.array([(columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2])
    matrix = np.concatenate([linear, (rng.random(2) * [width, height] - linear @ middle)[:, None]], axis=1)
    pixels = cv2.warpAffine(other.image, matrix, (width, height), flags=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(cv2.warpAffine(mask, matrix, (width, height)), (3, 3), 0)
    image = photograph.image + (pixels.astype(np.float32) - photograph.image) * soft[:, :, None]
    labels_here = photograph.maps[0].copy()
    labels_here[soft > 0.5] = labels_here.max() + 1
    # The salient object was alone; with a second one its outside is no longer a mask.
    return Photograph(photograph.dataset, photograph.name, Kind.INSTANCES, image.astype(np.uint8), (labels_here,))

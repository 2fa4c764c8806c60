"""The encoder as ImageNet left it, as an encoder of `tamis retrieve`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.regions.appearance import unit
from tamis.segmentors.embedded.sizes import at_working_size
from tamis.training.encoders import SHA256, EfficientNetLite, load_imagenet

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class ImageNet:
    """`efficientnet-lite2`: the encoder as ImageNet left it, which tells things apart better than the trained one."""

    name: str = "efficientnet-lite2"

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the package's file."""
        return SHA256

    @cached_property
    def _network(self) -> EfficientNetLite:
        return load_imagenet(EfficientNetLite()).eval()

    def encode(self, images: Sequence[ImageArray]) -> Float32:
        """(N, 352)."""
        found = []
        for image in images:
            pixels = torch.from_numpy(at_working_size(image).transpose(2, 0, 1)[None].copy()).float() / 255
            with torch.inference_mode():
                found.append(self._network(pixels)[-1].mean(dim=(2, 3))[0].numpy())
        return unit(np.stack(found))

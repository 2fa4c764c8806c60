"""FocalClick's second look: a small network that corrects the mask within a crop around the last click.

Source: Chen et al., arXiv 2204.02574; XavierCHEN34/ClickSEG, `RefineLayer` in `isegm/model/is_segformer_model.py` and
`is_hrnet_model.py`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.segmentors.clickseg.layers import to_size

WIDTH = 32


class Step(nn.Module):
    """Convolution, batch norm, ramp."""

    def __init__(self, given: int, made: int, side: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, made, side, stride=stride, padding=side // 2)
        self.norm = nn.BatchNorm2d(made)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, H, W) → (B, made, h, w)."""
        return F.relu(self.norm(self.conv(pixels)))


class Separable(nn.Module):
    """A 3 × 3 filter for each channel, a 1 × 1 filter over them, batch norm, ramp."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv3x3 = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.conv1x1 = nn.Conv2d(width, width, 1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, width, h, w) → the same shape."""
        return F.relu(self.norm(self.conv1x1(self.conv3x3(pixels))))


class Refiner(nn.Module):
    """The network.

    Args:
        features: channels of the features of the first look.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.image_conv1 = Step(6, WIDTH, 3, 2)
        self.image_conv2 = Separable(WIDTH)
        self.image_conv3 = Separable(WIDTH)
        self.refine_fusion = Step(features, WIDTH, 1, 1)
        self.refine_fusion2 = Separable(WIDTH)
        self.refine_fusion3 = Separable(WIDTH)
        self.refine_pred = nn.Conv2d(WIDTH, 1, 3, padding=1)
        self.refine_trimap = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, image: Tensor, disks: Tensor, features: Tensor, logits: Tensor) -> Tensor:
        """(B, 1, s, s) logits: new ones where the trimap says so, those of the first look elsewhere.

        Args:
            image: (B, 3, s, s) of 0 to 1, the crop; it is not normalised here.
            disks: (B, 2, s, s) of the clicks in it.
            features: (B, C, h, w) of the first look, cut to the crop.
            logits: (B, 1, s, s) of the first look, cut to the crop.
        """
        seen = self.image_conv1(torch.cat([image, disks, torch.sigmoid(logits)], dim=1))
        seen = self.image_conv3(self.image_conv2(seen))
        both = to_size(self.refine_fusion(features), seen) + seen
        both = self.refine_fusion3(self.refine_fusion2(both))
        border = torch.sigmoid(to_size(self.refine_trimap(both), image))
        return to_size(self.refine_pred(both), image) * border + logits * (1 - border)

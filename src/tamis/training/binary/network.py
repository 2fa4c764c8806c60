"""DeepLabv3 on MobileNetV3-Large, as torchvision has it, so that its checkpoints are ours.

Parameters are called as in torchvision's `deeplabv3_mobilenet_v3_large` (Howard et al., arXiv 1905.02244; Chen et al.,
arXiv 1706.05587), whose wheels need a build of torch of their own: with one output and the same weights both give the
same answers.
"""

import pickle
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from tamis.errors import InputError

BLOCKS = (
    # kernel, expanded, out, squeezed to (0: not), hard swish, stride, dilation
    (3, 16, 16, 0, False, 1, 1),
    (3, 64, 24, 0, False, 2, 1),
    (3, 72, 24, 0, False, 1, 1),
    (5, 72, 40, 24, False, 2, 1),
    (5, 120, 40, 32, False, 1, 1),
    (5, 120, 40, 32, False, 1, 1),
    (3, 240, 80, 0, True, 2, 1),
    (3, 200, 80, 0, True, 1, 1),
    (3, 184, 80, 0, True, 1, 1),
    (3, 184, 80, 0, True, 1, 1),
    (3, 480, 112, 120, True, 1, 1),
    (3, 672, 112, 168, True, 1, 1),
    (5, 672, 160, 168, True, 1, 2),
    (5, 960, 160, 240, True, 1, 2),
    (5, 960, 160, 240, True, 1, 2),
)
"""Table 1 of the paper, the last three with dilation in the place of a stride."""

RATES = (12, 24, 36)
DEEP, HEAD = 960, 256


class _Squeeze(nn.Module):
    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, squeezed, 1), nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.fc1(functional.adaptive_avg_pool2d(x, 1)))
        return x * functional.hardsigmoid(self.fc2(inner))


def _conv(
    width: int, out: int, kernel: int, act: nn.Module | None, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    padding = (kernel - 1) // 2 * dilation
    parts: list[nn.Module] = [
        nn.Conv2d(width, out, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(out, eps=1e-3, momentum=0.01),
    ]
    return nn.Sequential(*parts, *([act] if act is not None else []))


class _Block(nn.Module):
    def __init__(
        self, width: int, kernel: int, expanded: int, out: int, squeezed: int, hard: bool, stride: int, dilation: int
    ) -> None:
        super().__init__()

        def act() -> nn.Module:
            return nn.Hardswish() if hard else nn.ReLU()

        parts: list[nn.Module] = [] if expanded == width else [_conv(width, expanded, 1, act())]
        parts.append(_conv(expanded, expanded, kernel, act(), 1 if dilation > 1 else stride, dilation, expanded))
        parts += [_Squeeze(expanded, squeezed)] if squeezed else []
        parts.append(_conv(expanded, out, 1, None))
        self.block = nn.Sequential(*parts)
        self.adds = stride == 1 and width == out

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.block(x)
        return made + x if self.adds else made


class _Pool(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        pooled = functional.adaptive_avg_pool2d(x, 1)
        for part in list(self)[1:]:
            pooled = part(pooled)
        return functional.interpolate(pooled, size=x.shape[-2:], mode="bilinear", align_corners=False)


class _Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def branch(kernel: int, rate: int) -> nn.Sequential:
            conv = nn.Conv2d(DEEP, HEAD, kernel, padding=rate if kernel > 1 else 0, dilation=rate, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(HEAD), nn.ReLU())

        pool = _Pool(nn.Identity(), nn.Conv2d(DEEP, HEAD, 1, bias=False), nn.BatchNorm2d(HEAD), nn.ReLU())
        self.convs = nn.ModuleList([branch(1, 1), *(branch(3, rate) for rate in RATES), pool])
        self.project = nn.Sequential(
            nn.Conv2d(5 * HEAD, HEAD, 1, bias=False), nn.BatchNorm2d(HEAD), nn.ReLU(), nn.Dropout(0.5)
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.project(torch.cat([branch(x) for branch in self.convs], dim=1))
        return made


class BinaryNetwork(nn.Module):
    """One logit for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        width, blocks = 16, []
        for block in BLOCKS:
            blocks.append(_Block(width, *block))
            width = block[2]
        first = _conv(3, 16, 3, nn.Hardswish(), stride=2)
        parts = [first, *blocks, _conv(width, DEEP, 1, nn.Hardswish())]
        self.backbone = nn.Sequential(OrderedDict((str(number), part) for number, part in enumerate(parts)))
        self.classifier = nn.Sequential(
            _Pyramid(),
            nn.Conv2d(HEAD, HEAD, 3, padding=1, bias=False),
            nn.BatchNorm2d(HEAD),
            nn.ReLU(),
            nn.Conv2d(HEAD, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) logits of (N, 3, H, W) images, normalised as ImageNet is."""
        coarse = self.classifier(self.backbone(images))
        return functional.interpolate(coarse, size=images.shape[-2:], mode="bilinear", align_corners=False)


def load_start(network: BinaryNetwork, file: Path) -> None:
    """Begin with torchvision's checkpoint of 21 classes, or one of ours; another last layer stays as it was drawn.

    Raises:
        InputError: the file is missing, damaged, or of another network.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        given = {name: value for name, value in state.items() if not name.startswith("aux_classifier.")}
        own = network.state_dict()
        if set(given) != set(own):
            raise ValueError("its parameters are others")
        fitting = {name: value for name, value in given.items() if value.shape == own[name].shape}
        if others := [name for name in own if name not in fitting and not name.startswith("classifier.4.")]:
            raise ValueError(f"{others[0]} has another shape")
    except FileNotFoundError:
        raise InputError(f"--start {file}: there is no such file") from None
    except (OSError, ValueError, RuntimeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"--start {file}: is no checkpoint of deeplabv3_mobilenet_v3_large ({str(error)[:120]})"
        ) from None
    network.load_state_dict(fitting, strict=False)

"""HRNet with object-contextual representations (OCR): the network of RITM, and one of FocalClick's.

Sources: Sun et al., arXiv 1904.04514; Yuan et al., arXiv 1909.11065; SamsungLabs/ritm_interactive_segmentation,
`isegm/model/modeling/{hrnet_ocr,ocr,resnetv1b}.py`. Parameters are called as in their checkpoints.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.segmentors.clickseg.layers import filtered, to_size


class Basic(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, width, h, w) → the same shape."""
        inner = F.relu(self.bn1(self.conv1(pixels)))
        return F.relu(self.bn2(self.conv2(inner)) + pixels)


class Bottleneck(nn.Module):
    """Narrow, 3 × 3, four times as wide again, beside a shortcut that is widened where it has to be."""

    def __init__(self, given: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = filtered(given, 4 * width, 1, relu=False) if given != 4 * width else None

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, h, w) → (B, 4 width, h, w)."""
        inner = F.relu(self.bn1(self.conv1(pixels)))
        inner = F.relu(self.bn2(self.conv2(inner)))
        shortcut = pixels if self.downsample is None else self.downsample(pixels)
        return F.relu(self.bn3(self.conv3(inner)) + shortcut)


class Exchange(nn.Module):
    """Branches of halving resolution, each through its blocks, then each the sum of all.

    Args:
        widths: channels of the branches, the finest first.
        blocks: in each branch.
    """

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(Basic(width) for _ in range(blocks))) for width in widths)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_path(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps in, maps of the same shapes out."""
        maps = [branch(each) for branch, each in zip(self.branches, maps, strict=True)]
        fused = []
        for target, paths in enumerate(self.fuse_layers):
            assert isinstance(paths, nn.ModuleList)
            total = maps[target].new_zeros(())
            for source, (path, each) in enumerate(zip(paths, maps, strict=True)):
                part = path(each)
                total = total + (to_size(part, maps[target]) if source > target else part)
            fused.append(F.relu(total))
        return fused


def _path(widths: Sequence[int], source: int, target: int) -> nn.Module:
    """From one branch to another: a 1 × 1 filter upwards, 3 × 3 filters of stride 2 downwards."""
    if source == target:
        return nn.Identity()
    if source > target:
        return filtered(widths[source], widths[target], 1, relu=False)
    steps = target - source
    return nn.Sequential(
        *(filtered(widths[source], widths[source], stride=2) for _ in range(steps - 1)),
        filtered(widths[source], widths[target], stride=2, relu=False),
    )


class ObjectAttention(nn.Module):
    """What each pixel takes from the object's mean."""

    def __init__(self, width: int, key: int) -> None:
        super().__init__()
        self.f_pixel = _twice(width, key)
        self.f_object = _twice(width, key)
        self.f_down = _once(width, key)
        self.f_up = _once(key, width)
        self.key = key

    def forward(self, pixels: Tensor, objects: Tensor) -> Tensor:
        """(B, width, h, w) and (B, width, K, 1) → (B, width, h, w)."""
        query = self.f_pixel(pixels).flatten(2).transpose(1, 2)
        key = self.f_object(objects).flatten(2)
        value = self.f_down(objects).flatten(2).transpose(1, 2)
        share = torch.softmax(query @ key * self.key**-0.5, dim=-1)
        taken = (share @ value).transpose(1, 2).reshape(pixels.shape[0], self.key, *pixels.shape[2:])
        result: Tensor = self.f_up(taken)
        return result


def _once(given: int, made: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, made, 1, bias=False),
        nn.Sequential(nn.BatchNorm2d(made), nn.ReLU()),
    )


def _twice(given: int, made: int) -> nn.Sequential:
    return nn.Sequential(*_once(given, made), *_once(made, made))


class Context(nn.Module):
    """OCR: pixels beside what they take from the object."""

    def __init__(self, width: int, key: int) -> None:
        super().__init__()
        self.object_context_block = ObjectAttention(width, key)
        self.conv_bn_dropout = nn.Sequential(*_once(2 * width, width), nn.Dropout2d(0.05))

    def forward(self, pixels: Tensor, objects: Tensor) -> Tensor:
        """(B, width, h, w) → the same shape."""
        taken = self.object_context_block(pixels, objects)
        result: Tensor = self.conv_bn_dropout(torch.cat([taken, pixels], dim=1))
        return result


class HRNet(nn.Module):
    """The network.

    Args:
        width: channels of the finest branch: 18 or 32.
        ocr: half the channels of the last maps: 48, 64 or 128.
        small: whether it is the shorter one, HRNet18s.
    """

    def __init__(self, width: int, ocr: int, small: bool) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]
        blocks = 2 if small else 4
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(blocks - 1)))
        self.transition1 = nn.ModuleList([filtered(256, widths[0]), nn.Sequential(filtered(256, widths[1], stride=2))])
        self.stage2 = _stage(widths[:2], blocks, 1)
        self.transition2 = _wider(widths, 2)
        self.stage3 = _stage(widths[:3], blocks, 3 if small else 4)
        self.transition3 = _wider(widths, 3)
        self.stage4 = _stage(widths, blocks, 2 if small else 3)
        total = sum(widths)
        self.conv3x3_ocr = nn.Sequential(nn.Conv2d(total, 2 * ocr, 3, padding=1), nn.BatchNorm2d(2 * ocr), nn.ReLU())
        self.ocr_distri_head = Context(2 * ocr, ocr)
        self.cls_head = nn.Conv2d(2 * ocr, 1, 1)
        self.aux_head = nn.Sequential(
            nn.Conv2d(total, total, 1), nn.BatchNorm2d(total), nn.ReLU(), nn.Conv2d(total, 1, 1)
        )

    def forward(self, image: Tensor, clicks: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, h, w) and features (B, 2 ocr, h, w) at a quarter of the image's size.

        Args:
            image: (B, 3, H, W), normalised.
            clicks: (B, 64, H / 2, W / 2), added to the first maps.
        """
        stem = F.relu(self.bn1(self.conv1(image))) + clicks
        stem = self.layer1(F.relu(self.bn2(self.conv2(stem))))
        maps = self.stage2([transition(stem) for transition in self.transition1])
        maps = self.stage3(_with_next(maps, self.transition2))
        maps = self.stage4(_with_next(maps, self.transition3))
        joined = torch.cat([maps[0], *(to_size(each, maps[0]) for each in maps[1:])], dim=1)
        first = self.aux_head(joined)
        pixels = self.conv3x3_ocr(joined)
        share = torch.softmax(first.flatten(2), dim=2)
        objects = (share @ pixels.flatten(2).transpose(1, 2)).transpose(1, 2)[..., None]
        features = self.ocr_distri_head(pixels, objects)
        return self.cls_head(features), features


class _Stage(nn.Sequential):
    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        for exchange in self:
            maps = exchange(maps)
        return maps


def _stage(widths: Sequence[int], blocks: int, exchanges: int) -> _Stage:
    return _Stage(*(Exchange(widths, blocks) for _ in range(exchanges)))


def _wider(widths: Sequence[int], branches: int) -> nn.ModuleList:
    """What makes one more branch of the coarsest of `branches`."""
    further = nn.Sequential(filtered(widths[branches - 1], widths[branches], stride=2))
    return nn.ModuleList([*(nn.Identity() for _ in range(branches)), further])


def _with_next(maps: list[Tensor], transition: nn.ModuleList) -> list[Tensor]:
    return [*maps, transition[-1](maps[-1])]

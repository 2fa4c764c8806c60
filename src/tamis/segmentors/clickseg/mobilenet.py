"""MobileNetV2 with a light R-ASPP head: the smallest network of ClickSEG.

Sources: Sandler et al., arXiv 1801.04381; Howard et al., arXiv 1905.02244; XavierCHEN34/ClickSEG,
`isegm/model/modeling/mobilenet/`. Parameters are called as in its checkpoints.
"""

from torch import Tensor, nn

from tamis.segmentors.clickseg.layers import to_size

STAGES = (
    ((1, 16, 1, 1),),
    ((6, 24, 2, 2),),
    ((6, 32, 3, 2),),
    ((6, 64, 4, 2), (6, 96, 3, 1)),
    ((6, 160, 3, 2), (6, 320, 1, 1)),
)
"""For each of the five blocks: expansion, channels, repetitions, stride."""

DILATIONS = (1, 1, 1, 2, 4)
"""Where a dilation stands, it takes the place of the stride, in the first layer of a repetition alone."""


class Step(nn.Module):
    """Convolution, batch norm and a ramp up to 6."""

    def __init__(self, given: int, made: int, side: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> None:
        super().__init__()
        padding = dilation if side == 3 else 0
        self.conv = nn.Conv2d(given, made, side, stride, padding, dilation, groups, bias=False)
        self.bn = nn.BatchNorm2d(made)
        self.relu = nn.ReLU6()

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, H, W) → (B, made, h, w)."""
        result: Tensor = self.relu(self.bn(self.conv(pixels)))
        return result


class Inverted(nn.Module):
    """Wide within, narrow without, beside a shortcut where the shapes allow it."""

    def __init__(self, given: int, made: int, stride: int, expansion: int, dilation: int) -> None:
        super().__init__()
        inner = given * expansion
        self.short = stride == 1 and given == made
        self.conv = nn.Sequential(
            *([Step(given, inner, 1)] if expansion != 1 else []),
            Step(inner, inner, 3, stride, dilation, inner),
            nn.Conv2d(inner, made, 1, bias=False),
            nn.BatchNorm2d(made),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, H, W) → (B, made, h, w)."""
        result: Tensor = self.conv(pixels)
        return pixels + result if self.short else result


class MobileNetV2(nn.Module):
    """The five blocks; strides 2, 4, 8, 8 and 8."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Step(3, 32, 3, 2)
        given = 32
        for number, (repetitions, dilation) in enumerate(zip(STAGES, DILATIONS, strict=True), 1):
            layers: list[nn.Module] = []
            for expansion, channels, count, stride in repetitions:
                layers.append(Inverted(given, channels, stride if dilation == 1 else 1, expansion, dilation))
                layers += [Inverted(channels, channels, 1, expansion, 1) for _ in range(count - 1)]
                given = channels
            setattr(self, f"block{number}", nn.Sequential(*layers))

    def forward(self, image: Tensor, clicks: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) and (B, 32, H / 2, W / 2) → maps (B, 24, H / 4, W / 4) and (B, 320, H / 8, W / 8)."""
        pixels = self.conv1(image) + clicks
        maps = [pixels]
        for number in range(1, 6):
            maps.append(getattr(self, f"block{number}")(maps[-1]))
        return maps[2], maps[5]


class Light(nn.Module):
    """R-ASPP: pixels times what a 2 × 2 mean of the picture says."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.b0 = nn.Sequential(nn.Conv2d(given, made, 1, bias=False), nn.BatchNorm2d(made), nn.ReLU())
        self.b1 = nn.Sequential(nn.AdaptiveAvgPool2d((2, 2)), nn.Conv2d(given, made, 1, bias=False), nn.Sigmoid())

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, given, h, w) → (B, made, h, w)."""
        result: Tensor = self.b0(pixels) * to_size(self.b1(pixels), pixels)
        return result


class MobileSeg(nn.Module):
    """The whole."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = MobileNetV2()
        self.lraspp = Light(320, 128)
        self.fusion_conv1 = nn.Conv2d(128, 16, 1)
        self.fusion_conv2 = nn.Conv2d(24, 16, 1)
        self.head = nn.Conv2d(16, 1, 1)
        self.aux_head = nn.Conv2d(16, 1, 1)

    def forward(self, image: Tensor, clicks: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, h, w) and features (B, 16, h, w) at a quarter of the size."""
        fine, coarse = self.backbone(image, clicks)
        coarse = self.fusion_conv1(to_size(self.lraspp(coarse), fine))
        features = self.fusion_conv2(fine) + coarse
        return self.head(features), features

"""The networks as a whole: image, mask so far and clicks in, logits of the image's size and features out.

All take the image (B, 3, H, W) of 0 to 1 and maps (B, 3, H, W): mask so far, disks of positive and of negative clicks.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from tamis.segmentors.clickseg.hrnet import HRNet
from tamis.segmentors.clickseg.layers import Normalised, click_layers, to_size
from tamis.segmentors.clickseg.mobilenet import MobileSeg
from tamis.segmentors.clickseg.refiner import Refiner
from tamis.segmentors.clickseg.segformer import MixShape, SegFormer
from tamis.segmentors.plain_vit.encoder import Encoder, EncoderShape, Patches
from tamis.segmentors.plain_vit.pyramid import Fused, Pyramid


class Ritm(nn.Module):
    """RITM with an HRNet; the clicks join after the first convolution."""

    def __init__(self, width: int, ocr: int, small: bool, leaky: bool) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.maps_transform = click_layers(1, 64, (1, 2), leaky)
        self.feature_extractor = HRNet(width, ocr, small)

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, H, W) and features at a quarter of it."""
        logits, features = self.feature_extractor(self.normalised(image), self.maps_transform(maps))
        return to_size(logits, image), features


class FocalHRNet(Ritm):
    """FocalClick with an HRNet: RITM's network and a second look; S1 sees the crop at half its size."""

    def __init__(self, width: int, ocr: int, small: bool, leaky: bool, halved: bool) -> None:
        super().__init__(width, ocr, small, leaky)
        self.halved = halved
        self.refiner = Refiner(2 * ocr)

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, H, W) and features."""
        pixels = self.normalised(image)
        if self.halved:
            pixels, maps = _half(pixels), _half(maps)
        logits, features = self.feature_extractor(pixels, self.maps_transform(maps))
        return to_size(logits, image), features


class FocalSegFormer(nn.Module):
    """FocalClick with a SegFormer and a second look."""

    def __init__(self, shape: MixShape, halved: bool) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.halved = halved
        self.feature_extractor = SegFormer(shape)
        self.refiner = Refiner(shape.head)

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, H, W) and features."""
        pixels = self.normalised(image)
        if self.halved:
            pixels, maps = _half(pixels), _half(maps)
        logits, features = self.feature_extractor(pixels, maps)
        return to_size(logits, image), features


class Mobile(nn.Module):
    """ClickSEG's baseline with a MobileNetV2; no second look."""

    def __init__(self, leaky: bool = True) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.maps_transform = click_layers(3, 32, (2, 1), leaky)
        self.feature_extractor = MobileSeg()

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, H, W) and features."""
        logits, features = self.feature_extractor(self.normalised(image), self.maps_transform(maps))
        return to_size(logits, image), features


class VitHead(Fused):
    """SimpleClick's head, whose logits may be of two or four times the finest map's size."""

    def __init__(self, widths: tuple[int, ...], channels: int, upsample: int) -> None:
        super().__init__(widths, channels * upsample)
        wide = channels * upsample
        self.up_conv1 = _doubled(wide) if upsample > 1 else None
        self.up_conv2 = _doubled(wide // 2) if upsample > 2 else None
        self.conv_seg = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """(B, 1, h, w)."""
        pixels = self.fused(maps)
        for larger in (self.up_conv1, self.up_conv2):
            pixels = pixels if larger is None else larger(pixels)
        logits: Tensor = self.conv_seg(pixels)
        return logits


class SimpleClick(nn.Module):
    """SimpleClick: mask so far and clicks are patches too, added to the image's before the transformer."""

    def __init__(self, shape: EncoderShape, widths: tuple[int, int, int, int], channels: int, upsample: int) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.patch_embed_coords = Patches(shape.patch, shape.width)
        self.backbone = Encoder(shape)
        self.neck = Pyramid(shape.width, widths)
        self.head = VitHead(widths, channels, upsample)

    def forward(self, image: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, 1, side, side) and the tokens."""
        tokens = self.backbone(self.normalised(image), self.patch_embed_coords(maps))
        return to_size(self.head(self.neck(tokens)), image), tokens


def _half(values: Tensor) -> Tensor:
    return F.interpolate(values, scale_factor=0.5, mode="bilinear", align_corners=True)


def _doubled(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(width, width // 2, 2, stride=2),
        nn.GroupNorm(1, width // 2),
        nn.Conv2d(width // 2, width // 2, 1),
        nn.GroupNorm(1, width // 2),
        nn.GELU(),
    )

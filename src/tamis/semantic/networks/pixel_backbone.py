"""The encoder of the model in the box as a backbone, with the weights that ship with tamis.

The shipped file is ONNX for inference: every batch norm has become part of the filter before it. For training the norms
are needed again; `unfold` finds, from photographs, the statistics with which the network with norms is the same
function as the one without.
"""

from importlib.resources import files
from typing import cast

import torch
from torch import Tensor, nn

from tamis.errors import InputError, UnavailableError
from tamis.semantic.networks.backbone import Backbone
from tamis.training.networks import EmbeddingShape, PixelNetwork

WEIGHTS = "embedded_pixels.onnx"
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""What images were normalised with, RGB: undone here, since the encoder wants [0, 1]."""
SHAPE = EmbeddingShape()
"""Of the shipped weights."""
CALIBRATION = 16
"""Images from which statistics are measured."""


class PixelBackbone(Backbone):
    """The encoder of the click model and its feature pyramid: one map of 64 channels at stride 4.

    Images whose sides are no multiples of 32 are padded at the right and below.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: EmbeddingShape = SHAPE) -> None:
        super().__init__()
        self.network = PixelNetwork(shape)
        for part in ("fine", "fine_lateral", "fine_smooth", "boundary", "boundary4", "boundary8", "embed"):
            delattr(self.network, part)  # heads of the click model
        del self.network.margin
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) / 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) / 255, persistent=False)
        self.channels = (shape.widths[0],)
        self.depth = len(shape.stages) + 1

    def maps(self, images: Tensor) -> list[Tensor]:
        """The finest level of the pyramid, (B, 64, ⌈H/4⌉, ⌈W/4⌉)."""
        height, width = images.shape[-2:]
        # Where the network's own normalisation is zero.
        padded = nn.functional.pad(images * self.std + self.mean, (0, -width % 32, 0, -height % 32), value=127 / 255)
        _, *levels = self.network.encoder(padded)
        *_, top = self.network.pyramid(levels)
        return [top[:, :, : -(-height // 4), : -(-width // 4)]]

    def depth_of(self, name: str) -> int:
        """0 for the stem, then the number of the stage; the pyramid lies at the end."""
        _, part, *rest = name.split(".")
        if part != "encoder":
            return self.depth
        return int(rest[1]) + 1 if rest[0] == "stages" else 0


def with_shipped_weights(backbone: PixelBackbone) -> PixelBackbone:
    """The backbone with the weights of the model in the box; its norms pass everything on until `unfold`.

    Raises:
        UnavailableError: this installation lacks the weights, or the package onnx.
        InputError: the shipped weights are of a network of another shape.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError:
        raise UnavailableError("reading the embedded weights needs onnx: run pip install 'tamis[hub]'") from None
    place = files("tamis.weights").joinpath(WEIGHTS)
    if not place.is_file():
        raise UnavailableError(f"this installation of tamis lacks its weights {WEIGHTS}: install it again")
    found = {
        weight.name.removesuffix("_half"): torch.from_numpy(numpy_helper.to_array(weight).copy()).float()
        for weight in onnx.load_from_string(place.read_bytes()).graph.initializer
    }
    for name, convolution, norm in filters(backbone.network):
        weight, bias = found.get(f"network.{name}.weight"), found.get(f"network.{name}.bias")
        if weight is None or bias is None or weight.shape != convolution.weight.shape:
            raise InputError(f"{WEIGHTS} holds no filter {name} of this encoder: train from scratch")
        with torch.no_grad():
            convolution.weight.copy_(weight)
            pass_on(norm, bias)
    normed = {convolution.weight for _, convolution, _ in filters(backbone.network)}
    norms = {parameter for _, _, norm in filters(backbone.network) for parameter in norm.parameters()}
    for name, parameter in backbone.network.named_parameters():
        if parameter in normed or parameter in norms:
            continue
        value = found.get(f"network.{name}")
        if value is None or value.shape != parameter.shape:
            raise InputError(f"{WEIGHTS} holds no {name} of this encoder: train from scratch")
        with torch.no_grad():
            parameter.copy_(value)
    return backbone


def filters(network: PixelNetwork) -> list[tuple[str, nn.Conv2d, nn.BatchNorm2d]]:
    """Every filter that has a norm after it, with its name in the network."""
    return [
        (f"{name}.0", cast(nn.Conv2d, module[0]), module[1])
        for name, module in network.named_modules()
        if isinstance(module, nn.Sequential) and len(module) >= 2 and isinstance(module[1], nn.BatchNorm2d)
    ]


@torch.no_grad()
def pass_on(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    """Make a norm, as at inference, add a bias and do nothing else."""
    norm.running_mean = torch.zeros_like(bias)
    norm.running_var = torch.ones_like(bias) - norm.eps
    norm.weight.fill_(1.0)
    norm.bias.copy_(bias)


@torch.no_grad()
def unfold(backbone: PixelBackbone, images: Tensor) -> None:
    """Give every norm the statistics that its inputs have over some images, and the scale that undoes them.

    Afterwards the network at inference is the function that it was, and in training, where a norm uses its batch's
    own statistics, nearly so.

    Args:
        backbone: whose norms pass everything on.
        images: (B, 3, H, W) normalised, such as it will be trained on.
    """
    kept: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = []
    pairs = filters(backbone.network)
    for name, convolution, _ in pairs:

        def keep(module: nn.Module, given: object, output: Tensor, name: str = name) -> None:
            kept[name] = output.mean(dim=(0, 2, 3)), output.var(dim=(0, 2, 3), unbiased=False)

        hooks.append(convolution.register_forward_hook(keep))
    was_training = backbone.training
    backbone.eval()
    backbone(images)
    backbone.train(was_training)
    for hook in hooks:
        hook.remove()
    for name, _, norm in pairs:
        mean, variance = kept[name]
        scale = torch.sqrt(variance + norm.eps)
        norm.running_mean, norm.running_var = mean, variance
        norm.bias.copy_(norm.bias + mean)
        norm.weight.copy_(scale)

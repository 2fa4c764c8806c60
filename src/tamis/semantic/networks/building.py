"""From a recipe to its network."""

import torch
from torch import nn

from tamis.errors import InputError
from tamis.semantic.networks.backbones import ARCHITECTURES, frozen, make_backbone
from tamis.semantic.networks.heads import ConvolutionalHead, FCNHead, LinearHead
from tamis.semantic.networks.knet import KNetHead
from tamis.semantic.networks.network import Decoded, SemanticNetwork, has_batch_norm, with_group_norms
from tamis.semantic.networks.upernet import UPerHead
from tamis.semantic.recipes import Recipe
from tamis.training.loop import placed

LEAST_BATCH = 8
"""Images below which the statistics of a batch are too rough: UPerNet's coarsest pool gives one value for each."""
AUXILIARY_WIDTH = 256


def make_network(recipe: Recipe, classes: int, pretrained: bool | None = None) -> SemanticNetwork:
    """The network of a recipe, before its norms are chosen.

    Args:
        recipe: which.
        classes: of the labels.
        pretrained: instead of the recipe's own; false where weights are loaded afterwards.

    Raises:
        InputError: the recipe names what there is not.
        UnavailableError: weights are not here.
    """
    given = recipe.pretrained if pretrained is None else pretrained
    if recipe.head in ("mask2former", "segformer"):
        from tamis.semantic.networks.from_transformers import make_mask2former, make_segformer

        make = make_mask2former if recipe.head == "mask2former" else make_segformer
        return make(recipe.backbone, classes, given, recipe.sizes or None)
    if recipe.backbone not in ARCHITECTURES and recipe.backbone != "embedded" and "timm:" not in recipe.backbone:
        raise InputError(f"'{recipe.backbone}' is a whole network, not a backbone for the head '{recipe.head}'")
    backbone = make_backbone(recipe.backbone, given, recipe.blocks, recipe.drop_path, recipe.sizes or None)
    if recipe.frozen:
        frozen(backbone)
    channels = backbone.channels
    head: nn.Module
    if recipe.head == "linear":
        head = LinearHead(channels, classes)
    elif recipe.head == "convolutional":
        head = ConvolutionalHead(channels, recipe.width, classes)
    elif len(channels) != 4:
        raise InputError(f"the head '{recipe.head}' needs four maps, but '{recipe.backbone}' gives {len(channels)}")
    elif recipe.head == "upernet":
        head = UPerHead(channels, recipe.width, classes)
    else:
        head = KNetHead(channels, recipe.width, classes, updated=min(256, recipe.width))
    auxiliary = None
    if recipe.auxiliary:
        auxiliary = FCNHead(channels[2], min(AUXILIARY_WIDTH, recipe.width), classes, level=2)
    return Decoded(backbone, head, auxiliary)


def chosen_norm(recipe: Recipe, network: nn.Module, together: int) -> tuple[str, str]:
    """What batch norms do in a run, and the sentence that says so.

    Args:
        recipe: may leave it open.
        network: of the recipe.
        together: images whose statistics are taken together: those on one device, or on all where norms are synced.

    Returns:
        `none`, `batch`, `frozen` or `group`, and the sentence.
    """
    if not has_batch_norm(network):
        return "none", "norms: none that looks at its batch"
    kind = recipe.norm
    if kind == "auto":
        kind = "batch" if together >= LEAST_BATCH else "group"
    images = f"{together} image{'s' if together != 1 else ''} at once"
    said = {
        "batch": f"norms: batch statistics of {images}",
        "frozen": "norms: batch norms with frozen statistics, whose scale is learned",
        "group": f"norms: group norms in place of batch norms, since {images} give too rough statistics "
        f"(fewer than {LEAST_BATCH})",
    }
    if recipe.norm == "group":
        said["group"] = "norms: group norms in place of batch norms"
    return kind, said[kind]


def with_norm(network: SemanticNetwork, kind: str) -> SemanticNetwork:
    """The network with group norms, if they were chosen."""
    if kind == "group":
        with_group_norms(network)
    return network


def placed_on(network: SemanticNetwork, device: torch.device) -> SemanticNetwork:
    """The network on a device; the filters of the embedded model's encoder laid out channels last, which is quicker."""
    from tamis.semantic.networks.pixel_backbone import PixelBackbone

    if isinstance(network, Decoded) and isinstance(network.backbone, PixelBackbone):
        return placed(network, device)
    return network.to(device)

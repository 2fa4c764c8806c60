"""From the official checkpoints to networks. Needs torch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tamis.errors import InputError
from tamis.segmentors.checkpoints import NAMED, Peer, load_state, read_peer
from tamis.segmentors.clickseg.networks import FocalHRNet, FocalSegFormer, Mobile, Ritm, SimpleClick
from tamis.segmentors.clickseg.segformer import SHAPES
from tamis.segmentors.clickseg.settings import FOCALCLICK, MOBILE, RITM, SIMPLECLICK, Showing
from tamis.segmentors.plain_vit.encoder import EncoderShape, require_divisible, resized_positions


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network and what else its checkpoint decides.

    Attributes:
        family: ritm, simpleclick or focalclick.
        network: filled, in evaluation mode.
        showing: how it sees an image.
        unused: names in the checkpoint that nothing reads.
    """

    family: str
    network: nn.Module
    showing: Showing
    unused: tuple[str, ...]


def load_network(file: Path, size: int | None = None) -> Loaded:
    """The network of a checkpoint of RITM, SimpleClick or FocalClick.

    Args:
        file: as their programs write it.
        size: at which crops are shown, instead of their usual one.

    Raises:
        InputError: it is none, or has missing or unexpected names; those that nothing reads are told by `unused`.
    """
    peer = read_peer(file)
    if peer.options.get("with_prev_mask", True) is not True or peer.options.get("clicks_groups") is not None:
        raise InputError(f"{file}: is of a network without the mask so far, or with groups of clicks, not supported")
    state = dict(peer.state)
    family, network, showing, unused = _made(peer, state, size)
    showing = replace(showing, binary=bool(peer.options.get("binary_prev_mask", False)))
    left = tuple(name for name in state if unused is not None and re.match(unused, name))
    load_state(network, state, file, frozenset(left))
    return Loaded(family, network.eval(), showing, left)


def _made(peer: Peer, state: dict[str, Tensor], size: int | None) -> tuple[str, nn.Module, Showing, str | None]:
    options = peer.options
    leaky = bool(options.get("use_leaky_relu", True))
    try:
        if "patch_embed_coords.proj.weight" in state:
            return _simpleclick(options, state, size)
        if "refiner.refine_pred.weight" in state:
            halved = str(options.get("pipeline_version", "s1")) == "s1"
            showing = _sized(FOCALCLICK, size)
            if any(name.startswith("feature_extractor.backbone.patch_embed1") for name in state):
                version = str(options["model_version"])
                if version not in SHAPES:
                    raise InputError(f"{peer.file}: a SegFormer '{version}' is not known, but {', '.join(SHAPES)}")
                network: nn.Module = FocalSegFormer(SHAPES[version], halved)
                unused = r"maps_transform\.|refiner\.feature_gate\."
                return "focalclick", network, replace(showing, radius=3 if halved else 5), unused
            network = FocalHRNet(
                int(options["width"]), int(options["ocr_width"]), bool(options["small"]), leaky, halved
            )
            return "focalclick", network, replace(showing, radius=2 if halved else 5), None
        if "feature_extractor.lraspp.b0.0.weight" in state:
            return "focalclick", Mobile(leaky), _sized(MOBILE, size), None
        if "feature_extractor.ocr_distri_head.conv_bn_dropout.0.weight" in state:
            if options.get("use_disks", True) is not True:
                raise InputError(f"{peer.file}: encodes clicks as distances, not as disks, which is not supported")
            width, ocr = int(options["width"]), int(options["ocr_width"])
            showing = replace(_sized(RITM, size), radius=float(options.get("norm_radius", 5)))
            return "ritm", Ritm(width, ocr, bool(options.get("small", False)), leaky), showing, None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{peer.file}: its configuration does not describe its network ({error})") from error
    if "visual_prompts_encoder.proj.weight" in state:
        raise InputError(f"{peer.file}: is a checkpoint of segnext; ask for segnext:{peer.file}")
    raise InputError(
        f"{peer.file}: is of none of RITM, SimpleClick and FocalClick; its first names are "
        f"{', '.join(list(state)[:NAMED])}"
    )


def _simpleclick(
    options: Mapping[str, Any], state: dict[str, Tensor], size: int | None
) -> tuple[str, nn.Module, Showing, str]:
    backbone, head = options["backbone_params"], options["head_params"]
    depth = int(backbone["depth"])
    shape = EncoderShape(
        size or int(backbone["img_size"][0]),
        int(backbone["patch_size"][0]),
        int(backbone["embed_dim"]),
        depth,
        int(backbone["num_heads"]),
        6 if depth == 12 else depth // 4,
        float(backbone.get("mlp_ratio", 4)),
    )
    wrong = require_divisible(shape)
    if wrong:
        raise InputError(f"SimpleClick at {shape.side} pixels: {wrong[0]}; choose a multiple of {14 * shape.patch}")
    state["backbone.pos_embed"] = resized_positions(state["backbone.pos_embed"], shape.grid)
    widths = [int(width) for width in options["neck_params"]["out_dims"]]
    upsample = int(str(head.get("upsample", "x1")).removeprefix("x"))
    network = SimpleClick(shape, (widths[0], widths[1], widths[2], widths[3]), int(head["channels"]), upsample)
    unused = [r"backbone\.(cls_token|fc_norm\.|head\.)", *([r"head\.up_conv1\."] if upsample < 2 else [])]
    unused += [r"head\.up_conv2\."] if upsample < 4 else []
    return "simpleclick", network, replace(SIMPLECLICK, size=shape.side), "|".join(unused)


def _sized(showing: Showing, size: int | None) -> Showing:
    return showing if size is None else replace(showing, size=size)

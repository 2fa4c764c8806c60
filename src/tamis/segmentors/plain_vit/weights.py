"""SegNext's checkpoints, official ones and ours, and weights of plain ViTs to begin training with. Needs torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tamis.errors import InputError
from tamis.results.files import replacing
from tamis.segmentors.checkpoints import NAMED, Peer, load_state, read_peer, read_tensors
from tamis.segmentors.plain_vit.encoder import EncoderShape, require_divisible, resized_positions
from tamis.segmentors.plain_vit.network import SegNext, SegNextShape

CLASS = "isegm.model.is_plainvit_model.PlainVitModel"
"""What SegNext calls the class of its network in a checkpoint."""

UNUSED = frozenset({"backbone.fc_norm.weight", "backbone.fc_norm.bias"})
"""What its checkpoints hold and its network never uses: a last norm."""

OWN = "visual_prompts_encoder.proj.weight"
"""A name that no network but SegNext's has."""


def load_segnext(file: Path, side: int | None = None) -> SegNext:
    """The network of a checkpoint, official or ours; no name may be missing or unexpected.

    Args:
        file: written by SegNext's code, by `tamis train segnext`, or a state alone.
        side: of another square than it was trained on; positions are then interpolated.

    Raises:
        InputError: it is another network's, holds code, or was cut off.
    """
    return network_of(read_peer(file), side)


def network_of(peer: Peer, side: int | None = None) -> SegNext:
    """The network of a checkpoint that has been read.

    Raises:
        InputError: it is another network's.
    """
    state = dict(peer.state)
    if OWN not in state:
        raise InputError(
            f"{peer.file}: is of another network than SegNext: lacks {OWN}, and has {', '.join(list(state)[:NAMED])}"
        )
    shape = shape_of_config(peer.options) if peer.options else shape_of_state(state, peer.file)
    if side is not None:
        shape = shape.at(side)
        state["backbone.pos_embed"] = resized_positions(state["backbone.pos_embed"], shape.encoder.grid)
    wrong = require_divisible(shape.encoder)
    if wrong:
        raise InputError(f"{peer.file}: {wrong[0]}")
    network = SegNext(shape)
    load_state(network, state, peer.file, UNUSED)
    return network


def shape_of_config(options: Mapping[str, Any]) -> SegNextShape:
    """The shape that SegNext's configuration describes.

    Raises:
        InputError: it describes something that is not supported.
    """
    try:
        backbone, head = options["backbone_params"], options["head_params"]
        fusion = options["fusion_params"]
        four, eight, sixteen, last = options["neck_params"]["out_dims"]
        if fusion["type"] not in ("self_attention", "naive"):
            raise InputError(f"SegNext's fusion '{fusion['type']}' is not supported, but self_attention and naive")
        return SegNextShape(
            EncoderShape(
                int(backbone["img_size"][0]),
                int(backbone["patch_size"][0]),
                int(backbone["embed_dim"]),
                int(backbone["depth"]),
                int(backbone["num_heads"]),
                max(1, int(backbone["global_atten_freq"])),
                float(backbone.get("mlp_ratio", 4)),
            ),
            int(fusion.get("depth", 0)) if fusion["type"] == "self_attention" else 0,
            (int(four), int(eight), int(sixteen), int(last)),
            int(head["out_channels"]),
            float(head.get("dropout_ratio", 0.1)),
            int(options.get("norm_radius", 5)),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"the configuration in the checkpoint is not SegNext's ({error})") from error


def config_of_shape(shape: SegNextShape) -> dict[str, Any]:
    """SegNext's own configuration of a shape, so that its code reads our checkpoints."""
    encoder = shape.encoder
    attention = {"dim": encoder.width, "num_heads": encoder.heads, "mlp_ratio": encoder.mlp, "qkv_bias": True}
    options = {
        "backbone_params": {
            "img_size": (encoder.side, encoder.side),
            "patch_size": (encoder.patch, encoder.patch),
            "in_chans": 3,
            "embed_dim": encoder.width,
            "depth": encoder.depth,
            "global_atten_freq": encoder.everywhere,
            "num_heads": encoder.heads,
            "mlp_ratio": encoder.mlp,
            "qkv_bias": True,
        },
        "neck_params": {"in_dim": encoder.width, "out_dims": list(shape.widths)},
        "head_params": {
            "in_channels": list(shape.widths),
            "in_select_index": [0, 1, 2, 3],
            "dropout_ratio": shape.dropout,
            "num_classes": 1,
            "out_channels": shape.channels,
        },
        "fusion_params": (
            {"type": "self_attention", "depth": shape.fusion, "params": attention}
            if shape.fusion
            else {"type": "naive"}
        ),
        "norm_radius": shape.radius,
        "use_disks": True,
    }
    params = {name: {"type": "builtin", "value": value, "specified": True} for name, value in options.items()}
    return {"class": CLASS, "params": params}


def shape_of_state(state: Mapping[str, Tensor], file: Path) -> SegNextShape:
    """The shape of a state without a configuration; heads are as many as 64 go into the width, as in all ViTs.

    Raises:
        InputError: the state is not SegNext's.
    """
    try:
        filters = state["backbone.patch_embed.proj.weight"]
        width, patch = filters.shape[0], filters.shape[-1]
        grid = round((state["backbone.pos_embed"].shape[1] - 1) ** 0.5)
        depth = 1 + max(int(found[1]) for name in state if (found := re.match(r"backbone\.blocks\.(\d+)\.", name)))
        blocks = {found[1] for name in state if (found := re.match(r"fusion_blocks\.(\d+)\.", name))}
        widths = [state[f"head.convs.{level}.conv.weight"].shape[1] for level in range(4)]
        channels = state["head.seg_conv.weight"].shape[1]
        hidden = state["backbone.blocks.0.mlp.fc1.weight"].shape[0]
    except (KeyError, ValueError) as error:
        raise InputError(f"{file}: is of another network than SegNext: lacks {error}") from error
    encoder = EncoderShape(grid * patch, patch, width, depth, max(1, width // 64), max(1, depth // 4), hidden / width)
    return SegNextShape(encoder, len(blocks), (widths[0], widths[1], widths[2], widths[3]), channels)


def save_segnext(file: Path, network: SegNext) -> None:
    """Write a checkpoint that both we and SegNext's own code read, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    state = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
    width = network.shape.encoder.width
    state |= {"backbone.fc_norm.weight": torch.ones(width), "backbone.fc_norm.bias": torch.zeros(width)}
    with replacing(file) as stream:
        torch.save({"state_dict": state, "config": config_of_shape(network.shape)}, stream)


def start_encoder(network: SegNext, file: Path) -> int:
    """Fill the encoder with weights of MAE, of timm's ViTs or of a SegNext; refuse what does not fill all of it.

    A training whose encoder silently began with random numbers loses tens of points of mIoU, so every parameter has to
    come from the file. Decoders, classifiers and last norms in it are left out.

    Args:
        network: whose encoder is filled; positions are interpolated to its grid.
        file: .pth or .safetensors.

    Returns:
        How many parameters were filled.

    Raises:
        InputError: a parameter is not in the file, or has another size there; the message names the first.
    """
    given = _encoder_state(file)
    own = network.backbone.state_dict()
    if "pos_embed" in given:
        given["pos_embed"] = resized_positions(given["pos_embed"].float(), network.shape.encoder.grid)
    missing = [name for name in own if name not in given]
    sizes = [
        f"{name} is {tuple(given[name].shape)} and should be {tuple(value.shape)}"
        for name, value in own.items()
        if name in given and given[name].shape != value.shape
    ]
    if missing or sizes:
        first = f"it lacks {', '.join(missing[:NAMED])}" if missing else sizes[0]
        raise InputError(
            f"--start {file}: does not fill the encoder ({len(missing)} of {len(own)} parameters missing, {len(sizes)} "
            f"of another size; {first}): training would begin with random numbers. Choose weights of a plain ViT of "
            f"width {network.shape.encoder.width} and depth {network.shape.encoder.depth}"
        )
    network.backbone.load_state_dict({name: given[name] for name in own})
    return len(own)


def _encoder_state(file: Path) -> dict[str, Tensor]:
    """The state of an encoder by our names, whatever else is in the file."""
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            content: Any = load_file(file)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{file}: cannot be read as safetensors ({error}); fetch it again") from error
    else:
        content = read_tensors(file)
    for key in ("model", "state_dict", "module"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds no weights by name; choose a file of MAE, timm or SegNext")
    state = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    inside = {name.removeprefix("backbone."): value for name, value in state.items() if name.startswith("backbone.")}
    return inside or state

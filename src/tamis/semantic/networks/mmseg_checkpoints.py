"""Official checkpoints of mmsegmentation for UPerNet and K-Net on Swin and ConvNeXt, under our names.

The decoders here carry mmsegmentation's names, so that only the backbone is renamed. Two things are more than names:
Swin's query, key and value are one matrix there, and its patch merging takes the four neighbours of a cell in the
order of `nn.Unfold` (channel, row, column), whereas the original and transformers take (column, row, channel).
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tamis.errors import InputError

_SWIN_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.w_msa.proj": "attention.o_proj",
    "ffn.layers.0.0": "mlp.fc1",
    "ffn.layers.1": "mlp.fc2",
}
_CONVNEXT_BLOCK = {
    "depthwise_conv": "dwconv",
    "norm": "layernorm",
    "pointwise_conv1": "pwconv1",
    "pointwise_conv2": "pwconv2",
}
_TABLE = "relative_position_bias_table"


def is_mmseg(content: Any) -> bool:
    """Whether the content of a file looks like a checkpoint of mmsegmentation."""
    state = content.get("state_dict") if isinstance(content, dict) else None
    return isinstance(state, dict) and any(key.startswith("decode_head.") for key in state)


def class_count(state: Mapping[str, Tensor]) -> int:
    """The number of classes that a decoder tells apart.

    Raises:
        InputError: it has no classifier.
    """
    for key in ("decode_head.conv_seg.weight", "decode_head.kernel_generate_head.conv_seg.weight"):
        if key in state:
            return len(state[key])
    raise InputError("the checkpoint has no classifier 'conv_seg': only those of UPerNet and K-Net can be read")


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an official checkpoint under the names of `tamis.semantic.networks.network.Decoded`.

    Raises:
        InputError: the backbone is neither a Swin nor a ConvNeXt.
    """
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.startswith(("decode_head.", "auxiliary_head.")):
            found[key] = value
        elif key.startswith("backbone."):
            found |= {
                f"backbone.network.{name}": part for name, part in _backbone(key.removeprefix("backbone."), value)
            }
    return found


def _backbone(key: str, value: Tensor) -> list[tuple[str, Tensor]]:
    for match, made in (
        (re.fullmatch(r"patch_embed\.(projection|norm)\.(\w+)", key), _swin_embedding),
        (re.fullmatch(r"stages\.(\d+)\.blocks\.(\d+)\.(.+)", key), _swin_block),
        (re.fullmatch(r"stages\.(\d+)\.downsample\.(norm|reduction)\.(\w+)", key), _swin_merging),
        (re.fullmatch(r"norm(\d)\.(\w+)", key), _norm_of_map),
        (re.fullmatch(r"downsample_layers\.(\d)\.(\d)\.(\w+)", key), _convnext_merging),
        (re.fullmatch(r"stages\.(\d+)\.(\d+)\.(.+)", key), _convnext_block),
    ):
        if match is not None:
            return made(match, value)
    raise InputError(f"backbone.{key} belongs to neither a Swin nor a ConvNeXt: other backbones cannot be read")


def _swin_embedding(match: re.Match[str], value: Tensor) -> list[tuple[str, Tensor]]:
    part = "patch_embeddings.projection" if match[1] == "projection" else "norm"
    return [(f"swin.embeddings.{part}.{match[2]}", value)]


def _swin_block(match: re.Match[str], value: Tensor) -> list[tuple[str, Tensor]]:
    block, rest = f"swin.encoder.layers.{match[1]}.blocks.{match[2]}", match[3]
    if rest.endswith("relative_position_index"):
        return []  # follows from the size of the window
    if rest.endswith(_TABLE):
        return [(f"{block}.attention.relative_position_bias.{_TABLE}", value)]
    name, _, kind = rest.rpartition(".")
    if name == "attn.w_msa.qkv":
        parts = zip(("q_proj", "k_proj", "v_proj"), value.chunk(3), strict=True)
        return [(f"{block}.attention.{part}.{kind}", each) for part, each in parts]
    if name not in _SWIN_BLOCK:
        raise InputError(f"backbone.stages.{match[1]}.blocks.{match[2]}.{rest} is no part of a Swin of mmsegmentation")
    return [(f"{block}.{_SWIN_BLOCK[name]}.{kind}", value)]


def _swin_merging(match: re.Match[str], value: Tensor) -> list[tuple[str, Tensor]]:
    name = f"swin.encoder.layers.{match[1]}.downsample.{match[2]}.{match[3]}"
    return [(name, merging_order(value))]


def merging_order(value: Tensor) -> Tensor:
    """(…, 4·C) of `nn.Unfold` (channel, row, column) to (column, row, channel)."""
    *rest, four = value.shape
    return value.reshape(*rest, four // 4, 2, 2).transpose(-3, -1).reshape(value.shape)


def _norm_of_map(match: re.Match[str], value: Tensor) -> list[tuple[str, Tensor]]:
    return [(f"hidden_states_norms.stage{int(match[1]) + 1}.{match[2]}", value)]


def _convnext_merging(match: re.Match[str], value: Tensor) -> list[tuple[str, Tensor]]:
    if match[1] == "0":
        return [(f"embeddings.{('patch_embeddings', 'layernorm')[int(match[2])]}.{match[3]}", value)]
    return [(f"encoder.stages.{match[1]}.downsampling_layer.{match[2]}.{match[3]}", value)]


def _convnext_block(match: re.Match[str], value: Tensor) -> list[tuple[str, Tensor]]:
    block, rest = f"encoder.stages.{match[1]}.layers.{match[2]}", match[3]
    if rest == "gamma":
        return [(f"{block}.layer_scale_parameter", value)]
    name, _, kind = rest.rpartition(".")
    if name not in _CONVNEXT_BLOCK:
        raise InputError(f"backbone.stages.{match[1]}.{match[2]}.{rest} is no part of a ConvNeXt of mmsegmentation")
    return [(f"{block}.{_CONVNEXT_BLOCK[name]}.{kind}", value)]


def load_into(network: torch.nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load an official checkpoint into a network of ours.

    Raises:
        InputError: it is of another network; the message names the first parts that differ.
    """
    try:
        network.load_state_dict(renamed(state))
    except RuntimeError as error:
        told = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise InputError(f"the checkpoint is of another network than the recipe: {told[:300]}") from error

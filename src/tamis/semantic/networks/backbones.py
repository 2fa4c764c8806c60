"""Backbones: from (B, 3, H, W) normalised images to maps of features, the finest first."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.errors import InputError, UnavailableError
from tamis.hub.quiet import quiet_transformers
from tamis.semantic.networks.backbone import Backbone
from tamis.semantic.networks.catalogue import find_pretrained, require_weights

STAGES = ("stage1", "stage2", "stage3", "stage4")

ARCHITECTURES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "swin-t": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]},
        "swin-s": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24]},
        "swin-l": {"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48]},
        "convnext-t": {"depths": [3, 3, 9, 3], "hidden_sizes": [96, 192, 384, 768]},
        "dinov2-s": {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6},
        "dinov2-b": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12},
        "dinov2-l": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
        "dinov2-g": {
            "hidden_size": 1536,
            "num_hidden_layers": 40,
            "num_attention_heads": 24,
            "use_swiglu_ffn": True,
        },
        "dinov3-s": {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12, "num_attention_heads": 6},
        "dinov3-b": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        "dinov3-l": {
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
        },
    }
)
"""Sizes by name: what is built where random weights are asked for. Pre-trained weights bring their own."""


def frozen(backbone: Backbone) -> Backbone:
    """The backbone, with weights that are not learned."""
    backbone.frozen = True
    backbone.requires_grad_(False)
    backbone.train(False)
    return backbone


class Pyramid(Backbone):
    """Swin (arXiv 2103.14030), and what is like it: four maps at strides 4 to 32, each with a norm."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        if hasattr(network, "swin"):
            network.swin.layernorm = nn.Identity()  # each map has a norm of its own; nothing reads this one
        self.channels = tuple(network.channels)
        self.depths = tuple(network.config.depths)
        self.depth = sum(self.depths) + 1

    def maps(self, images: Tensor) -> list[Tensor]:
        """Four maps."""
        return list(self.network(images).feature_maps)

    def depth_of(self, name: str) -> int:
        """0 for the patch embedding, then one more for each block; a merging lies with the blocks before it."""
        found = re.search(r"layers\.(\d+)\.(?:blocks\.(\d+))?", name)
        if "embeddings." in name:
            return 0
        if found is None:
            return self.depth
        before: int = sum(self.depths[: int(found[1])])
        return before + (int(found[2]) + 1 if found[2] else self.depths[int(found[1])])


class ConvNext(Pyramid):
    """ConvNeXt (arXiv 2201.03545), whose published rates fall by stage and not by block."""

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        self.depth = 7  # mmsegmentation's `num_layers` of 6 and one: the last stage has .9³ of the rate, not .9

    def depth_of(self, name: str) -> int:
        """0 for the patch embedding and all mergings, the number of the stage from 1 for its blocks."""
        if "embeddings." in name or "downsampling_layer." in name:
            return 0
        found = re.search(r"stages\.(\d+)\.layers\.", name)
        return int(found[1]) + 1 if found else self.depth


class PatchTokens(Backbone):
    """A vision transformer of the DINO family: the patch tokens of one or several blocks, after the last norm.

    Images whose sides are no multiples of the patch are padded on both sides alike, as DINOv2's own evaluation does.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.channels = tuple(network.channels)
        self.patch = int(network.config.patch_size)
        self.depth = int(network.config.num_hidden_layers) + 1

    def maps(self, images: Tensor) -> list[Tensor]:
        """One map for each chosen block, all at stride `patch`."""
        return list(self.network(centred(images, self.patch)).feature_maps)

    def depth_of(self, name: str) -> int:
        """0 for embeddings, then one more for each block."""
        if "embeddings." in name:
            return 0
        parts = name.split(".")
        if "layer" in parts and parts[parts.index("layer") + 1].isdigit():
            return int(parts[parts.index("layer") + 1]) + 1
        return self.depth


class TimmFeatures(Backbone):
    """Any network of timm that gives maps of features; timm is installed by who wants it."""

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        try:
            import timm
        except ImportError:
            raise UnavailableError(f"the backbone timm:{name} needs timm: run pip install timm") from None
        try:
            self.network = timm.create_model(name, pretrained=pretrained, features_only=True)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"timm has no backbone '{name}' with maps of features ({error})") from error
        self.channels = tuple(self.network.feature_info.channels())[-4:]
        self.depth = 1

    def maps(self, images: Tensor) -> list[Tensor]:
        """The last four maps."""
        return list(self.network(images))[-4:]


def centred(images: Tensor, multiple: int) -> Tensor:
    """Images padded with 0 to multiples, half of it before and half after (the larger half after)."""
    height, width = images.shape[-2:]
    rows, columns = -height % multiple, -width % multiple
    return F.pad(images, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))


def make_backbone(
    name: str, pretrained: bool = True, blocks: int = 1, drop_path: float = 0.0, sizes: Mapping[str, Any] | None = None
) -> Backbone:
    """A backbone by name.

    Args:
        name: of `ARCHITECTURES`, `timm:NAME`, or `embedded` (see `pixel_backbone`).
        pretrained: whether with its weights or random ones.
        blocks: how many last blocks of a vision transformer give maps.
        drop_path: the largest share of blocks skipped at random.
        sizes: instead of those of `ARCHITECTURES`, for random weights: small networks of the same kind.

    Raises:
        InputError: there is no such backbone.
        UnavailableError: its weights are not here.
    """
    if name.startswith("timm:"):
        return TimmFeatures(name.removeprefix("timm:"), pretrained)
    if name == "embedded":
        from tamis.semantic.networks.pixel_backbone import PixelBackbone, with_shipped_weights

        return with_shipped_weights(PixelBackbone()) if pretrained else PixelBackbone()
    if name not in ARCHITECTURES:
        raise InputError(f"'{name}' is no backbone: choose one of embedded, {', '.join(ARCHITECTURES)} or timm:NAME")
    kind = find_pretrained(name).kind
    config_class, network_class = _CLASSES[kind]
    wanted: dict[str, Any] = {"drop_path_rate": drop_path}
    if kind in ("swin", "convnext"):
        wanted["out_features"] = list(STAGES)
    if pretrained:
        folder = require_weights(name)
        if kind in ("dinov2", "dinov3"):
            wanted |= _last_blocks(config_class.from_pretrained(folder).num_hidden_layers, blocks)
        network = _loaded(network_class, folder, wanted)
    else:
        chosen = dict(ARCHITECTURES[name] if sizes is None else sizes)
        if kind in ("dinov2", "dinov3"):
            chosen = {"image_size": 518, "patch_size": 14} | chosen if kind == "dinov2" else chosen
            wanted |= _last_blocks(chosen["num_hidden_layers"], blocks)
        network = network_class(config_class(**chosen, **wanted))
    made: dict[str, type[Pyramid] | type[PatchTokens]] = {"swin": Pyramid, "convnext": ConvNext}
    return made.get(kind, PatchTokens)(network)


_CLASSES: dict[str, tuple[Any, Any]] = {
    "swin": (transformers.SwinConfig, transformers.SwinBackbone),
    "convnext": (transformers.ConvNextConfig, transformers.ConvNextBackbone),
    "dinov2": (transformers.Dinov2Config, transformers.Dinov2Backbone),
    "dinov3": (transformers.DINOv3ViTConfig, transformers.DINOv3ViTBackbone),
}
_ABSENT = ("hidden_states_norms.",)
"""Parts that a classifier's weights lack: the norms of the maps begin anew."""


def _last_blocks(layers: int, blocks: int) -> dict[str, Any]:
    if not 1 <= blocks <= layers:
        raise InputError(f"{blocks} blocks were asked for, but the backbone has {layers}: give --override blocks=N")
    names: Sequence[str] = [f"stage{i}" for i in range(layers - blocks + 1, layers + 1)]
    return {"out_features": list(names), "apply_layernorm": True, "reshape_hidden_states": True}


def _loaded(network_class: Any, folder: str, wanted: Mapping[str, Any]) -> Any:
    try:
        with quiet_transformers():
            network, found = network_class.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **wanted,
            )
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{folder}: holds no {network_class.__name__} ({first})") from error
    missing = sorted(key for key in found["missing_keys"] if not key.startswith(_ABSENT))
    if missing:
        raise InputError(
            f"{folder}: the weights are another model's: {len(missing)} parts of {network_class.__name__} are missing, "
            f"such as {missing[0]}; put the right model.safetensors there"
        )
    return network

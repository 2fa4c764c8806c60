"""The original programs of SAM and SAM 2, small, with the weights of a network of transformers.

Their predictors import torchvision, whose wheels fit few builds of torch. What they use of it is small and written
down here from its documentation, where it is not installed: Pillow's resizing, torch's interpolation with
antialiasing, normalisation, suppression of overlapping boxes. Everything else is theirs.

segment-anything is installed with what the tests need. sam2 has no wheel, and is compared with where it is there:
SAM2_BUILD_CUDA=0 pip install --no-build-isolation --no-deps sam2==1.1.0, besides hydra-core and iopath.
"""

import re
import sys
import warnings
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from tests.segmentors.sam.tiny import SIDE


def sam_predictor(network: Any) -> Any:
    """segment-anything's SamPredictor over a small SAM with the weights of `tiny.sam`."""
    with_torchvision()
    from segment_anything import SamPredictor
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    original = Sam(
        image_encoder=ImageEncoderViT(
            depth=2,
            embed_dim=32,
            img_size=SIDE,
            mlp_ratio=2,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=16,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[1],
            window_size=4,
            out_chans=32,
        ),
        prompt_encoder=PromptEncoder(32, (16, 16), (SIDE, SIDE), 4),
        mask_decoder=MaskDecoder(
            transformer_dim=32,
            transformer=TwoWayTransformer(2, 32, 2, 64),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=32,
        ),
    )
    weights = {_sam_name(name): tensor for name, tensor in network.state_dict().items() if "shared_image" not in name}
    original.load_state_dict(weights)
    return SamPredictor(original.eval())


def sam2_predictor(network: Any) -> Any:
    """sam2's SAM2ImagePredictor over a small SAM 2 with the weights of `tiny.sam2`."""
    with_torchvision()
    with warnings.catch_warnings(action="ignore"):
        import sam2  # noqa: F401  # its configuration library uses what is deprecated
    from sam2.modeling.backbones.hieradet import Hiera
    from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
    from sam2.modeling.position_encoding import PositionEmbeddingSine
    from sam2.modeling.sam.mask_decoder import MaskDecoder
    from sam2.modeling.sam.prompt_encoder import PromptEncoder
    from sam2.modeling.sam.transformer import TwoWayTransformer
    from sam2.modeling.sam2_base import SAM2Base
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    original = SAM2Base(
        image_encoder=ImageEncoder(
            trunk=Hiera(
                embed_dim=8,
                num_heads=1,
                stages=(1, 1, 2, 1),
                global_att_blocks=(3,),
                window_pos_embed_bkg_spatial_size=(4, 4),
                window_spec=(8, 4, 4, 4),
            ),
            neck=FpnNeck(
                position_encoding=PositionEmbeddingSine(num_pos_feats=32),
                d_model=32,
                backbone_channel_list=[64, 32, 16, 8],
                fpn_top_down_levels=[2, 3],
                fpn_interp_model="nearest",
            ),
            scalp=1,
        ),
        memory_attention=None,
        memory_encoder=None,
        image_size=SIDE,
        directly_add_no_mem_embed=True,
        use_high_res_features_in_sam=True,
        iou_prediction_use_sigmoid=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        sam_mask_decoder_extra_args={
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        },
    )
    # The sizes of its decoder are written into the class: a smaller one takes its place.
    original.sam_prompt_encoder = PromptEncoder(32, (16, 16), (SIDE, SIDE), 4)
    original.sam_mask_decoder = MaskDecoder(
        transformer_dim=32,
        transformer=TwoWayTransformer(2, 32, 2, 64),
        num_multimask_outputs=3,
        iou_head_depth=3,
        iou_head_hidden_dim=32,
        use_high_res_features=True,
        iou_prediction_use_sigmoid=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        **original.sam_mask_decoder_extra_args,
    )
    weights: dict[str, Any] = {}
    for name, tensor in network.state_dict().items():
        if name == "prompt_encoder.point_embed.weight":
            weights |= {f"sam_prompt_encoder.point_embeddings.{i}.weight": tensor[i : i + 1] for i in range(4)}
        elif "shared_image" not in name:
            weights[_sam2_name(name)] = tensor
    found = original.load_state_dict(weights, strict=False)
    assert not found.unexpected_keys, found
    assert all(re.match("maskmem|no_mem_pos|mask_downsample|obj_ptr|no_obj", key) for key in found.missing_keys), found
    with warnings.catch_warnings(action="ignore"):  # it compiles its transforms in a way that torch gives up
        predictor = SAM2ImagePredictor(original.eval())
    predictor._bb_feat_sizes = [(64, 64), (32, 32), (16, 16)]
    return predictor


def _renamed(name: str, rules: list[tuple[str, str]]) -> str:
    for pattern, place in rules:
        name = re.sub(pattern, place, name)
    return name


_DECODER_RULES = [
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"((?:mlps\.\d|iou_prediction_head|score_head))\.layers\.0", r"\1.layers.1"),
    (r"((?:mlps\.\d|iou_prediction_head|score_head))\.proj_in", r"\1.layers.0"),
    (r"((?:mlps\.\d|iou_prediction_head|score_head))\.proj_out", r"\1.layers.2"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"(transformer\.layers\.\d)\.layer_norm", r"\1.norm"),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"shared_embedding\.positional_embedding", "pe_layer.positional_encoding_gaussian_matrix"),
]


def _sam_name(name: str) -> str:
    return _renamed(
        name,
        [
            *_DECODER_RULES,
            (r"encoder\.point_embed\.", "encoder.point_embeddings."),
            (r"neck\.conv1", "neck.0"),
            (r"neck\.layer_norm1", "neck.1"),
            (r"neck\.conv2", "neck.2"),
            (r"neck\.layer_norm2", "neck.3"),
            (r"patch_embed\.projection", "patch_embed.proj"),
            (r"vision_encoder\.layers", "image_encoder.blocks"),
            (r"vision_encoder", "image_encoder"),
            (r"layer_norm", "norm"),
        ],
    )


def _sam2_name(name: str) -> str:
    return _renamed(
        name,
        [
            *_DECODER_RULES,
            (r"(transformer\.layers\.\d\.mlp)\.proj_in", r"\1.layers.0"),
            (r"(transformer\.layers\.\d\.mlp)\.proj_out", r"\1.layers.1"),
            (r"(transformer.*)\.o_proj", r"\1.out_proj"),
            (r"^(prompt_encoder|mask_decoder)", r"sam_\1"),
            (r"no_memory_embedding", "no_mem_embed"),
            (r"vision_encoder\.backbone", "image_encoder.trunk"),
            (r"vision_encoder\.neck\.convs\.(\d)", r"image_encoder.neck.convs.\1.conv"),
            (r"patch_embed\.projection", "patch_embed.proj"),
            (r"(trunk\.blocks\.\d)\.layer_norm", r"\1.norm"),
            (r"(trunk\.blocks\.\d\.mlp)\.proj_in", r"\1.layers.0"),
            (r"(trunk\.blocks\.\d\.mlp)\.proj_out", r"\1.layers.1"),
        ],
    )


class _Resize(nn.Module):
    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.height, self.width = size

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(
            image[None], (self.height, self.width), mode="bilinear", align_corners=False, antialias=True
        )[0]


class _Normalize(nn.Module):
    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean = torch.tensor(mean)[:, None, None]
        self.std = torch.tensor(std)[:, None, None]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image - self.mean) / self.std


def _box_area(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _batched_nms(boxes: torch.Tensor, scores: torch.Tensor, idxs: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Boxes that overlap a better one by more than the threshold go; there is a single class."""
    order = scores.argsort(descending=True, stable=True).tolist()
    kept: list[int] = []
    for i in order:
        corners = boxes[kept]
        sides = torch.minimum(corners[:, 2:], boxes[i, 2:]) - torch.maximum(corners[:, :2], boxes[i, :2])
        both = sides.clamp(min=0).prod(dim=1)
        union = _box_area(corners) + _box_area(boxes[i : i + 1]) - both
        if not (both / union > iou_threshold).any():
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)


def _to_tensor(image: "np.ndarray[Any, Any]") -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1).copy()).float() / 255


def with_torchvision() -> None:
    """Put the stand-in for torchvision in place where it is not installed."""
    if "torchvision" in sys.modules or find_spec("torchvision") is not None:
        return
    parts: dict[str, dict[str, Any]] = {
        "torchvision": {},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": _batched_nms, "box_area": _box_area},
        "torchvision.transforms": {"Resize": _Resize, "Normalize": _Normalize, "ToTensor": lambda: _to_tensor},
        "torchvision.transforms.functional": {
            "to_pil_image": Image.fromarray,
            "resize": lambda image, size: image.resize((size[1], size[0]), Image.Resampling.BILINEAR),
        },
    }
    for name, members in parts.items():
        module = ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module

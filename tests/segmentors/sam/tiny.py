"""Small models of every family with random weights: the classes of the real ones, a 256-pixel square, 32 channels."""

from pathlib import Path
from typing import Any

import torch
import transformers

SIDE = 256
_PROMPTS = {"hidden_size": 32, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 4}
_DECODER = {"hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32}


def sam() -> Any:
    return _random(
        transformers.SamModel(
            transformers.SamConfig(vision_config=_VIT, prompt_encoder_config=_PROMPTS, mask_decoder_config=_DECODER)
        )
    )


def sam_hq() -> Any:
    return _random(
        transformers.SamHQModel(
            transformers.SamHQConfig(
                vision_config=_VIT, prompt_encoder_config=_PROMPTS, mask_decoder_config={**_DECODER, "vit_dim": 32}
            )
        )
    )


def sam2() -> Any:
    config = transformers.Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "num_attention_heads": 1,
                "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 4, 8],
                "window_size_per_stage": [8, 4, 4, 4],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[64, 64], [32, 32], [16, 16]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config=_PROMPTS,
        mask_decoder_config=_DECODER,
    )
    return _random(transformers.Sam2Model(config))


def sam3() -> Any:
    config = transformers.Sam3TrackerConfig(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 252,
                "patch_size": 14,
                "window_size": 6,
                "global_attn_indexes": [1],
                "pretrain_image_size": 84,
            },
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[72, 72], [36, 36], [18, 18]],
        },
        prompt_encoder_config={**_PROMPTS, "image_size": 252, "patch_size": 14},
        mask_decoder_config=_DECODER,
    )
    return _random(transformers.Sam3TrackerModel(config))


def edgetam() -> Any:
    """Needs timm and torchvision for its backbone."""
    config = transformers.EdgeTamConfig(
        vision_config={
            "model_type": "edgetam_vision_model",
            "backbone_config": {
                "model_type": "timm_wrapper",
                "architecture": "repvit_m1",
                "do_pooling": False,
                "num_classes": 2,
                "model_args": {
                    "in_chans": 3,
                    "features_only": True,
                    "out_indices": [0, 1, 2, 3],
                    "embed_dim": [8, 16, 24, 32],
                    "depth": [1, 1, 1, 1],
                },
            },
            "backbone_channel_list": [32, 24, 16, 8],
            "backbone_feature_sizes": [[64, 64], [32, 32], [16, 16]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config=_PROMPTS,
        mask_decoder_config=_DECODER,
    )
    return _random(transformers.EdgeTamModel(config))


def write(network: Any, folder: Path) -> Path:
    """Write a model as the hub has it: config.json and model.safetensors."""
    transformers.utils.logging.disable_progress_bar()
    network.save_pretrained(folder)
    return folder


_VIT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": 16,
    "output_channels": 32,
    "window_size": 4,
    "global_attn_indexes": [1],
    "mlp_dim": 64,
    "num_pos_feats": 16,
}


def _random(network: Any) -> Any:
    """Weights so large that the answers differ: those of a new network say nearly the same everywhere."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in network.named_parameters():
        if "norm" in name and name.endswith("weight"):
            continue
        fan = parameter[0].numel() if parameter.ndim > 1 else parameter.numel()
        parameter.data = torch.randn(parameter.shape, generator=generator) * (1.5 / fan**0.5)
    positions = torch.randn(2, 16, generator=generator)
    network.shared_image_embedding.positional_embedding.data = positions
    network.prompt_encoder.shared_embedding.positional_embedding.data = positions.clone()
    return network.eval()

"""A tracker of the real class, small and with random weights."""

from pathlib import Path

import torch
import transformers

from tamis.personal.pseudo_video import PseudoVideo, tracker_in
from tamis.segmentors.sam.catalogue import FAMILIES
from tests.segmentors.sam import tiny

WIDTH = 128  # more than the 64 numbers of a memory, as in the real models


def tiny_tracker(folder: Path) -> PseudoVideo:
    """SAM 2's tracker, its files in a folder."""
    image = tiny.sam2().config
    torch.manual_seed(0)
    config = transformers.Sam2VideoConfig(
        vision_config={**image.vision_config.to_dict(), "fpn_hidden_size": WIDTH},
        prompt_encoder_config={**image.prompt_encoder_config.to_dict(), "hidden_size": WIDTH},
        mask_decoder_config={**image.mask_decoder_config.to_dict(), "hidden_size": WIDTH},
        image_size=tiny.SIDE,
        memory_attention_hidden_size=WIDTH,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[16, 16],
        memory_encoder_hidden_size=WIDTH,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=WIDTH,
        memory_fuser_embed_dim=WIDTH,
        memory_fuser_intermediate_dim=32,
        memory_fuser_num_layers=1,
    )
    transformers.Sam2VideoModel(config).eval().save_pretrained(folder)
    return tracker_in("tiny", FAMILIES["sam2.1"], "Sam2VideoModel", folder, "0" * 64)

"""What is said where files are missing, are others, or do not fit the memory."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tamis.clicks import Click
from tamis.errors import InputError, UnavailableError
from tamis.hub.folder import RECORD, folder_of
from tamis.hub.model import HubModel
from tamis.segmentors import find_model, load_segmentor
from tamis.segmentors.sam.catalogue import FAMILIES, MODELS, find_hub_model
from tamis.segmentors.sam.loading import load_weights
from tamis.segmentors.sam.model import Answers, Prompts
from tamis.segmentors.sam.torch_model import TorchModel, in_batches
from tests.segmentors.sam import tiny

Placed = Callable[[str], Path]

_MEMORY = {
    "memory_attention_hidden_size": 32,
    "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": 32,
    "memory_encoder_hidden_size": 32,
    "memory_encoder_output_channels": 8,
    "mask_downsampler_embed_dim": 32,
    "memory_fuser_embed_dim": 32,
    "memory_fuser_intermediate_dim": 32,
}
"""What only films need, small."""


def test_the_catalogue_is_consistent() -> None:
    assert len({model.name for model in MODELS}) == len(MODELS)
    for model in MODELS:
        assert hasattr(transformers, FAMILIES[model.family].network)
        assert len(model.revision) in (0, 40)
        assert len(model.sha256) in (0, 64)
        assert model.revision or not model.sha256, "a checksum belongs to a revision"


def test_offline_use_says_which_files_go_where(own_cache: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        load_segmentor("sam2.1-base-plus")
    said = str(caught.value)
    assert "run tamis models pull sam2.1-base-plus" in said
    assert "put config.json and model.safetensors of facebook/sam2.1-hiera-base-plus at revision b7320756" in said
    assert said.endswith(f"into {own_cache / 'models' / 'sam2.1-base-plus'}")
    assert find_model("sam2.1-base-plus").missing == "tamis models pull sam2.1-base-plus"


def test_files_put_there_by_hand_are_taken_and_remembered(placed: Placed) -> None:
    folder = placed("sam-vit-base")
    assert find_model("sam-vit-base").available
    digest = load_segmentor("sam-vit-base").weights_sha256  # type: ignore[attr-defined]
    assert json.loads((folder / RECORD).read_text())["files"]["model.safetensors"]["sha256"] == digest


def test_changed_weights_are_refused_and_stay(placed: Placed) -> None:
    folder = placed("sam-vit-base")
    load_segmentor("sam-vit-base")
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"model.safetensors: its SHA-256 is .* but should be .*; nothing was deleted"):
        load_segmentor("sam-vit-base")
    assert (folder / "model.safetensors").read_bytes() == content


def test_weights_other_than_the_pinned_ones_are_refused() -> None:
    tiny.write(tiny.sam2(), folder_of("sam2.1-tiny"))
    with pytest.raises(InputError, match=f"but should be {find_hub_model('sam2.1-tiny').sha256}"):
        load_segmentor("sam2.1-tiny")


def test_pickles_are_refused_unopened() -> None:
    folder = folder_of("sam-vit-huge")
    folder.mkdir(parents=True)
    (folder / "sam_vit_h_4b8939.pth").write_bytes(b"no pickle at all")
    with pytest.raises(InputError, match=r"sam_vit_h_4b8939.pth: this format can hold code .* put model.safetensors"):
        load_segmentor("sam-vit-huge")


def test_another_models_weights_are_told_by_their_first_keys(placed: Placed, tmp_path: Path) -> None:
    other = tiny.write(tiny.sam2(), tmp_path / "other")
    folder = placed("sam-vit-base")
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(
        InputError, match=r"another model's, not SAM's: the file lacks mask_decoder\.\S+, .* and \d+ more"
    ):
        load_segmentor("sam-vit-base")


def test_the_same_family_in_another_size_is_told(placed: Placed) -> None:
    folder = placed("sam-vit-base")
    config = json.loads((folder / "config.json").read_text())
    config["mask_decoder_config"]["iou_head_hidden_dim"] = 16
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"has in another size mask_decoder.iou_prediction_head"):
        load_segmentor("sam-vit-base")


@pytest.mark.parametrize("content", [b"", b"{", b'{"model_type": "sam"', b"[]"])
def test_damaged_files_are_told(placed: Placed, content: bytes) -> None:
    folder = placed("sam-vit-base")
    (folder / "config.json").write_bytes(content)
    with pytest.raises(InputError, match="holds no model of the family SAM"):
        load_segmentor("sam-vit-base")
    folder = placed("sam2.1-tiny")
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"holds no model of the family SAM 2\.1"):
        load_segmentor("sam2.1-tiny")


def test_a_video_models_weights_serve_its_image_model(tmp_path: Path) -> None:
    """The hub has SAM 2.1 as a video model; what only films need is no fault."""
    small = tiny.sam2().config.to_dict()
    parts = {name: small[name] for name in ("vision_config", "prompt_encoder_config", "mask_decoder_config")}
    config = transformers.Sam2VideoConfig(
        **parts,
        **_MEMORY,
        image_size=256,
        memory_attention_rope_feat_sizes=[16, 16],
    )
    folder = tiny.write(transformers.Sam2VideoModel(config), tmp_path / "video")
    assert json.loads((folder / "config.json").read_text())["model_type"] == "sam2_video"
    loaded = load_weights(HubModel("small", "sam2.1", "nobody/small", 1), folder)
    assert loaded.encode(np.zeros((20, 30, 3), np.uint8)).probability([Click(4, 4)]).shape == (20, 30)


def test_the_whole_of_sam_3_serves_its_tracker(tmp_path: Path) -> None:
    """The hub has SAM 3 as one file: a detector that finds words, and the tracker, which sees through its eyes."""
    small = tiny.sam3().config.to_dict()
    sees = {**small["vision_config"], "model_type": "sam3_vision_model"}
    few = {"hidden_size": 32, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.Sam3VideoConfig(
        detector_config={
            "vision_config": sees,
            "text_config": {
                "hidden_size": 32,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 32,
                "projection_dim": 32,
                "vocab_size": 100,
                "bos_token_id": 0,
                "eos_token_id": 1,
            },
            "geometry_encoder_config": few,
            "detr_encoder_config": few,
            "detr_decoder_config": {**few, "num_queries": 5},
            "mask_decoder_config": {"hidden_size": 32, "num_upsampling_stages": 2, "num_attention_heads": 2},
        },
        tracker_config={
            "vision_config": sees,
            "prompt_encoder_config": small["prompt_encoder_config"],
            "mask_decoder_config": small["mask_decoder_config"],
            **_MEMORY,
            "image_size": 252,
            "memory_attention_rope_feat_sizes": [18, 18],
        },
    )
    whole = transformers.Sam3VideoModel(config)
    folder = tiny.write(whole, tmp_path / "whole")
    # transformers writes the tracker's prefix twice here; the hub's file has it once.
    weights = load_file(folder / "model.safetensors")
    once = {name.replace("tracker_model.tracker_model.", "tracker_model."): part for name, part in weights.items()}
    save_file(once, folder / "model.safetensors", metadata={"format": "pt"})
    loaded = load_weights(HubModel("small", "sam3", "nobody/small", 1), folder)
    assert loaded.encode(np.zeros((20, 30, 3), np.uint8)).probability([Click(4, 4)]).shape == (20, 30)
    eyes = whole.detector_model.vision_encoder.state_dict()
    assert isinstance(loaded.model, TorchModel)
    for name, part in loaded.model.network.vision_encoder.state_dict().items():
        if name.startswith("backbone."):
            assert torch.equal(part, eyes[name])


def test_the_encoder_may_run_in_half_precision(placed: Placed) -> None:
    """As on graphics cards, where it is the rule; the decoder keeps its precision."""
    folder = placed("sam2.1-tiny")
    full = load_weights(replace(find_hub_model("sam2.1-tiny"), sha256=""), folder, "cpu")
    assert isinstance(full.model, TorchModel)
    half = replace(full, model=replace(full.model, precision=torch.bfloat16))
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    fine, coarse = full.encode(image), half.encode(image)
    assert 0 < np.abs(fine.embedding[0] - coarse.embedding[0]).max() < 0.1 * np.abs(fine.embedding[0]).max()
    assert coarse.decoder.several(coarse.together([Click(9, 9)])).logits.dtype == np.float32


def prompts(count: int) -> Prompts:
    return Prompts(np.arange(count * 2, dtype=np.float32).reshape(count, 1, 2), np.ones((count, 1), np.int64))


def test_too_many_prompts_for_the_memory_are_asked_in_smaller_batches() -> None:
    sizes: list[int] = []

    def run(part: Prompts) -> Answers:
        sizes.append(len(part))
        if len(part) > 20:
            raise torch.OutOfMemoryError("full")
        return Answers(part.points[:, :, :, None], part.points[:, :, 0], None)

    found = in_batches(run, prompts(64), 64)
    assert (found.ious == prompts(64).points[:, :, 0]).all()
    assert sizes == [64, 32, 16, 16, 16, 16]


def test_too_little_memory_for_one_prompt_is_a_sentence() -> None:
    def run(part: Prompts) -> Answers:
        raise torch.OutOfMemoryError("full")

    with pytest.raises(UnavailableError, match="does not suffice even for one prompt; choose a smaller model"):
        in_batches(run, prompts(3), 3)

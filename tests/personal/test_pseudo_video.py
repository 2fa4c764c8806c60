"""The tracker, small and with random weights, held against transformers' own way through a video."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from tamis.arrays import ImageArray, MaskArray
from tamis.errors import InputError
from tamis.personal.memory_file import load_memories, save_memories
from tamis.personal.protocol import Reference
from tamis.personal.pseudo_video import PseudoVideo
from tests.personal.trackers import tiny_tracker
from tests.segmentors.sam import tiny

Scene = tuple[ImageArray, MaskArray]


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> PseudoVideo:
    return tiny_tracker(tmp_path_factory.mktemp("tracker"))


def theirs(tracker: PseudoVideo, scene: Scene, target: ImageArray) -> Any:
    """Both frames in one session, as transformers documents it."""
    session = transformers.Sam2VideoInferenceSession(
        video=torch.stack([tracker._square(scene[0]), tracker._square(target)]),
        video_height=target.shape[0],
        video_width=target.shape[1],
        dtype=torch.float32,
    )
    mask = torch.nn.functional.interpolate(
        torch.from_numpy(scene[1])[None, None].float(), (tiny.SIDE, tiny.SIDE), mode="bilinear", antialias=True
    )
    session.add_mask_inputs(session.obj_id_to_idx(1), 0, (mask >= 0.5).float())
    session.obj_with_new_inputs = [1]
    with torch.inference_mode():
        tracker.network(inference_session=session, frame_idx=0)
        return tracker.network(inference_session=session, frame_idx=1)


def test_a_remembered_reference_gives_what_a_video_of_two_frames_gives(tracker: PseudoVideo, scene: Scene) -> None:
    memory = tracker.remember([Reference(*scene)])
    for target in (np.roll(scene[0], 20, 1), np.ascontiguousarray(scene[0][:60])):
        located = memory.locate(tracker.look(target))
        expected = theirs(tracker, scene, target)
        full = torch.nn.functional.interpolate(expected.pred_masks, target.shape[:2], mode="bilinear")[0, 0]
        np.testing.assert_allclose(located.probability, torch.sigmoid(full), atol=1e-4)
        assert located.presence == pytest.approx(float(torch.sigmoid(expected.object_score_logits.reshape(-1)[0])))
        assert 0 <= located.predicted_iou <= 1
        assert memory.present(tracker.look(target)) == located.presence


@pytest.mark.parametrize("family", ["sam2.1", "edgetam", "sam3"])
def test_the_first_self_attention_of_every_tracker_is_computed_with_the_target(family: str) -> None:
    """What the tracker comes to by itself, whose memory attention has nothing before it but the target."""
    kinds = {"sam2.1": "Sam2Video", "edgetam": "EdgeTamVideo", "sam3": "Sam3TrackerVideo"}
    torch.manual_seed(0)
    config = getattr(transformers, f"{kinds[family]}Config")(
        memory_attention_rope_feat_sizes=[8, 8], memory_attention_rope_k_sizes=[4, 4], memory_attention_num_layers=1
    )
    module = import_module(type(config).__module__.replace("configuration", "modeling"))
    attention = getattr(module, f"{kinds[family]}MemoryAttention")(config).eval()
    network = SimpleNamespace(memory_attention=attention)
    count, width = len(attention.position_ids), config.memory_attention_hidden_size
    features, places = torch.randn(count, 1, width), torch.randn(count, 1, width)
    memory = torch.randn(count, 1, 64)
    told: list[torch.Tensor] = []
    attention.layers[0].self_attn.register_forward_hook(lambda module, given, found: told.append(found[0]))
    with torch.inference_mode():
        found = PseudoVideo("any", network, (0, 0, 0), (1, 1, 1), "")._attended(features, places)
        spatial = {"num_spatial_memory_tokens": 1} if family == "edgetam" else {}
        if family == "edgetam":
            memory = memory[: len(attention.position_ids_k)]
        attention(features, memory, places, memory, 0, **spatial)
    torch.testing.assert_close(found, told[-1])


def test_several_references_and_a_file(tracker: PseudoVideo, scene: Scene, tmp_path: Path) -> None:
    other = Reference(np.roll(scene[0], 9, 0), np.roll(scene[1], 9, 0))
    memory = tracker.remember([Reference(*scene), other])
    assert len(memory.frames) == 2
    save_memories(tmp_path / "objects.npz", tracker, {"disc": memory})
    again = load_memories(tmp_path / "objects.npz", tracker)["disc"]
    seen = tracker.look(scene[0])
    np.testing.assert_allclose(again.locate(seen).probability, memory.locate(seen).probability, atol=1e-6)
    with pytest.raises(InputError, match="at least one reference"):
        tracker.remember([])

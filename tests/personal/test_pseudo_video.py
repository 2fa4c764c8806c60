"""The tracker, small and with random weights, held against transformers' own way through a video."""

from pathlib import Path
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

"""Method of trackers: references and target as the frames of a video, through SAM 2.1, EdgeTAM or SAM 3's tracker.

The masks of the references are prompts of the first frames, the target is the next. What the tracker keeps of the
references is computed once, for any number of targets. Import it inside functions: torch takes seconds.
"""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.hub.folder import folder_of, require_files, verified
from tamis.hub.model import WEIGHTS
from tamis.personal.protocol import Location, Reference
from tamis.results.run import file_hash
from tamis.segmentors.sam.catalogue import FAMILIES, Family, find_hub_model
from tamis.segmentors.sam.torch_model import load_network

VIDEO = {"sam2.1": "Sam2VideoModel", "edgetam": "EdgeTamVideoModel", "sam3": "Sam3TrackerVideoModel"}
"""The class of transformers that tracks, of each family."""

KEPT = ("maskmem_features", "maskmem_pos_enc", "object_pointer", "pred_masks", "object_score_logits")
"""What a tracker keeps of a frame."""


def load_tracker(name: str, presence: Path | None = None) -> "PseudoVideo":
    """The tracker of a name in the catalogue of the SAM family.

    Args:
        name: of the model.
        presence: weights of the head that predicts IoUs, by `tamis train presence`.

    Raises:
        InputError: there is none, or its files are another model's.
        UnavailableError: its files are not here; the message says how to get them.
    """
    model = find_hub_model(name)
    folder = folder_of(name)
    require_files(model, folder)
    digest = verified(folder, {WEIGHTS: model.sha256} if model.sha256 else {})
    made = tracker_in(name, FAMILIES[model.family], VIDEO[model.family], folder, digest)
    return made if presence is None else with_head(made, presence)


def with_head(tracker: "PseudoVideo", path: Path) -> "PseudoVideo":
    """The tracker with another head for predicted IoUs, which then tells presence too; its network is changed.

    Raises:
        InputError: the file is missing, damaged, or of another model.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            state = {name: torch.from_numpy(stored[name]) for name in stored.files}
        tracker.network.mask_decoder.iou_prediction_head.load_state_dict(state)
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        said = str(error).splitlines()[0]
        raise InputError(f"--presence {path}: is no head of {tracker.name} ({said}); make it anew") from None
    digest = hashlib.sha256(f"{tracker.weights_sha256} {file_hash(path)}".encode()).hexdigest()
    return replace(tracker, weights_sha256=digest, trained=True)


def tracker_in(name: str, family: Family, network: str, folder: Path, digest: str) -> "PseudoVideo":
    """The same from a folder with config.json and model.safetensors, whose SHA-256 is known."""
    loaded = load_network(Family(family.name, network, family.fit, family.mean, family.std), folder)
    return PseudoVideo(name, loaded, family.mean, family.std, digest)


@dataclass(frozen=True, eq=False)
class EncodedTarget:
    """A target as the tracker's encoder sees it.

    Attributes:
        features: of the encoder, ready for the tracker.
        attended: what the first layer of the tracker's memory attention makes of the target alone, before it has looked
            at any memory: the same for all objects, and one eighth of SAM 2.1's attention.
        shape: (height, width) of the image.
    """

    features: dict[str, Any]
    attended: Tensor
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class PseudoVideo:
    """The method.

    Attributes:
        name: of the model.
        network: of transformers, in evaluation mode.
        mean: of the channels, 0 to 255.
        deviation: of the channels.
        weights_sha256: of the weights.
        trained: whether the predicted IoU, by a head trained for it, tells presence, instead of the object score.
    """

    name: str
    network: Any
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    weights_sha256: str
    trained: bool = False

    @property
    def side(self) -> int:
        """Pixels of the square that the network sees."""
        return int(self.network.image_size)

    def look(self, image: ImageArray) -> EncodedTarget:
        """Encode a target (H, W, 3) uint8 RGB, squashed by bicubic interpolation as in the original."""
        with torch.inference_mode():
            found = self.network.get_image_features(self._square(image)[None], return_dict=True)
            attended = self._attended(found.fpn_hidden_states[-1], found.fpn_position_encoding[-1])
        features = {"vision_feats": found.fpn_hidden_states, "vision_pos_embeds": found.fpn_position_encoding}
        return EncodedTarget(features, attended, (image.shape[0], image.shape[1]))

    def _attended(self, features: Tensor, places: Tensor) -> Tensor:
        """The first self-attention of the memory attention, as its own `forward` comes to it, (1, 1, N, C)."""
        attention = self.network.memory_attention
        queries = (features + 0.1 * places).transpose(0, 1)
        query = attention.layers[0].layer_norm1(queries.unsqueeze(1))
        turned = attention.rotary_emb(queries, attention.position_ids)
        found: Tensor = attention.layers[0].self_attn(query=query, key=query, value=query, position_embeddings=turned)[
            0
        ]
        return found

    def remember(self, references: Sequence[Reference]) -> "TrackedMemory":
        """Let the tracker see the references as the first frames of a video, each with its mask.

        Raises:
            InputError: there is none.
        """
        if not references:
            raise InputError("an object needs at least one reference: an image and its mask")
        session = self._session()
        with torch.inference_mode():
            for number, each in enumerate(references):
                mask = torch.from_numpy(each.mask.astype(np.float32))[None, None]
                size = (self.side, self.side)
                squashed = F.interpolate(mask, size, mode="bilinear", align_corners=False, antialias=True) >= 0.5
                session.add_mask_inputs(session.obj_id_to_idx(1), number, squashed.float())
                session.obj_with_new_inputs = [1]
                self.network(inference_session=session, frame=self._square(each.image), frame_idx=number)
        kept = session.output_dict_per_obj[0]["cond_frame_outputs"]
        return TrackedMemory(self, [{name: _tensor(kept[number][name]) for name in KEPT} for number in sorted(kept)])

    def recalled(self, arrays: Mapping[str, NDArray[Any]]) -> "TrackedMemory":
        """The memory whose `arrays()` these are."""
        frames = 1 + max(int(name.partition("f")[2].partition("_")[0]) for name in arrays)
        return TrackedMemory(
            self, [{name: torch.from_numpy(arrays[f"f{number}_{name}"]) for name in KEPT} for number in range(frames)]
        )

    def _square(self, image: ImageArray) -> Tensor:
        picture = Image.fromarray(image).resize((self.side, self.side), Image.Resampling.BICUBIC)
        values = torch.from_numpy(np.asarray(picture, np.float32))
        normalised = (values - torch.tensor(self.mean)) / torch.tensor(self.deviation)
        return normalised.permute(2, 0, 1).contiguous()

    def _session(self) -> Any:
        made: Any = getattr(transformers, type(self.network).__name__.replace("Model", "InferenceSession"))
        return made(inference_device=self.network.device, dtype=torch.float32)


@dataclass(frozen=True, eq=False)
class TrackedMemory:
    """What the tracker keeps of the references: one frame for each.

    Attributes:
        method: that made it.
        frames: tensors by the names in `KEPT`.
    """

    method: PseudoVideo
    frames: list[dict[str, Tensor]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All frames' tensors in float32."""
        return {
            f"f{number}_{name}": value.float().cpu().numpy()
            for number, frame in enumerate(self.frames)
            for name, value in frame.items()
        }

    def locate(self, seen: EncodedTarget) -> Location:
        """Track the object into the target.

        Presence is the sigmoid of the tracker's object score, the predicted IoU the best of its answers'; both are read
        from the mask decoder, which the tracker itself does not report. One call at a time: the network is listened to.
        """
        small, presence, predicted = self._tracked(seen)
        logits = F.interpolate(small.float(), seen.shape, mode="bilinear", align_corners=False)[0, 0]
        return Location(torch.sigmoid(logits).cpu().numpy(), presence, predicted)

    def present(self, seen: EncodedTarget) -> float:
        """The presence of `locate`; no mask is made as large as the target."""
        return self._tracked(seen)[1]

    def _tracked(self, seen: EncodedTarget) -> tuple[Tensor, float, float]:
        """Logits of the mask (1, 1, h, w), presence and predicted IoU."""
        network, session, last = self.method.network, self.method._session(), len(self.frames)
        index = session.obj_id_to_idx(1)
        session.output_dict_per_obj[index]["cond_frame_outputs"] = dict(enumerate(self.frames))
        session.processed_frames = dict.fromkeys(range(last + 1))  # only their number counts: features are given
        session.cache.cache_vision_features(last, seen.features)
        told: list[Tensor] = []
        hook = network.mask_decoder.register_forward_hook(lambda module, given, found: told.append(found[1]))
        try:
            with torch.inference_mode(), _known(network.memory_attention.layers[0].self_attn, seen.attended):
                found = network(inference_session=session, frame_idx=last, run_mem_encoder=False)
        finally:
            hook.remove()
        presence = float(torch.sigmoid(found.object_score_logits.float().reshape(-1)[0]))
        predicted = float(told[-1].max().clamp(0, 1))
        return found.pred_masks, predicted if self.method.trained else presence, predicted


@contextmanager
def _known(attention: Any, found: Tensor) -> Iterator[None]:
    """Let an attention give what it gave before, instead of computing it again."""
    attention.forward = lambda **given: (found, None)
    try:
        yield
    finally:
        del attention.forward


def _tensor(value: Any) -> Tensor:
    last: Tensor = value[-1] if isinstance(value, list | tuple) else value
    return last

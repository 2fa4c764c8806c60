"""Exported click tools run by onnxruntime: no torch."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.results.run import file_hash
from tamis.segmentors.clickseg.model import ClickTool
from tamis.segmentors.clickseg.settings import Showing, Zoom
from tamis.segmentors.onnx_session import session
from tamis.segmentors.plain_vit.model import SegNextSegmentor
from tamis.segmentors.protocol import Segmentor

Array = NDArray[np.float32]

NOTES = "export.json"
ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
LOOK, REFINE = "look.onnx", "refine.onnx"


@dataclass(frozen=True, eq=False)
class OnnxSegNext:
    """Encoder and decoder; may be used by several threads."""

    encoder: Any
    decoder: Any
    side: int
    radius: int

    def encode(self, square: Array) -> Array:
        """(3, side, side) → (1, C, g, g)."""
        features: Array = self.encoder.run(None, {"square": square[None]})[0]
        return features

    def logits(self, features: Array, prompts: Array) -> Array:
        """(N, 3, side, side) → (N, h, w)."""
        parts = [self.decoder.run(None, {"features": features, "prompts": each[None]})[0][:, 0] for each in prompts]
        edge = 4 * features.shape[-1]
        return np.concatenate(parts) if parts else np.zeros((0, edge, edge), np.float32)


@dataclass(frozen=True, eq=False)
class OnnxLooks:
    """First look, and second where there is one; may be used by several threads."""

    first: Any
    second: Any

    def look(self, image: Array, maps: Array) -> tuple[Array, Array]:
        """(B, 3, h, w) and (B, 3, h, w) → logits and features."""
        parts = [self.first.run(None, {"image": image[i : i + 1], "maps": maps[i : i + 1]}) for i in range(len(image))]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def refine(self, image: Array, disks: Array, features: Array, logits: Array) -> Array:
        """See `clickseg.model.Runner`."""
        given = {"image": image, "disks": disks, "features": features, "logits": logits}
        refined: Array = self.second.run(None, given)[0]
        return refined


def load_export(family: str, folder: Path) -> Segmentor:
    """Load an exported click tool.

    Raises:
        InputError: the folder holds none, or one of another family.
    """
    try:
        notes = json.loads((folder / NOTES).read_bytes())
        is_of = notes["family"]
    except FileNotFoundError:
        raise InputError(
            f"{folder}: holds no {NOTES}; make it by tamis models export {family}:CHECKPOINT --out {folder}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{folder / NOTES}: is none of an exported click tool ({error}); export it again") from error
    if is_of != family:
        raise InputError(f"{folder}: is an export of {is_of}; ask for {is_of}:{folder}")
    digest = hashlib.sha256("".join(file_hash(folder / name) for name in sorted(notes["files"])).encode()).hexdigest()
    if family == "segnext":
        sessions = session(folder / ENCODER), session(folder / DECODER)
        return SegNextSegmentor(family, OnnxSegNext(*sessions, int(notes["side"]), int(notes["radius"])), digest)
    showing = Showing(**{**notes["showing"], "zoom": Zoom(**notes["showing"]["zoom"])})
    second = session(folder / REFINE) if REFINE in notes["files"] else None
    return ClickTool(family, OnnxLooks(session(folder / LOOK), second), showing, digest)

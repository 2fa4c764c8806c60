"""Exported models of the SAM family run by onnxruntime: no torch, no transformers."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError, UnavailableError
from tamis.results.run import file_hash
from tamis.segmentors.onnx_session import session
from tamis.segmentors.sam.catalogue import FAMILIES
from tamis.segmentors.sam.exported import EXPORT_FILES, EXPORTED, is_exported
from tamis.segmentors.sam.model import PROMPTS_ON_A_PROCESSOR, Answers, Embedding, Prompts, in_parts
from tamis.segmentors.sam.promptable import EncodedPresence, EncodedPrompts, Promptable

ENCODER, ONE, SEVERAL, NOTES = EXPORT_FILES


@dataclass(frozen=True)
class Notes:
    """What export.json says.

    Attributes:
        family: a key of `FAMILIES`.
        side: pixels along the side of the square that the model sees.
        low: pixels along the side of its masks.
        says_presence: whether its decoder scores presence.
        quantised: whether the encoder's weights have 8 bits.
        agreement: mean IoU of the masks of one click with those of the full precision, where it was measured.
    """

    family: str
    side: int
    low: int
    says_presence: bool
    quantised: bool = False
    agreement: float | None = None


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """Three sessions and what they need to know; may be used by several threads."""

    encoder: Any
    heads: tuple[Any, Any]
    low: int
    says_presence: bool

    def embed(self, square: NDArray[np.float32]) -> Embedding:
        """Encode an image."""
        return tuple(self.encoder.run(None, {"image": square[None]}))

    def decoder(self, embedding: Embedding) -> "OnnxDecoder":
        """The decoder for an image."""
        return OnnxDecoder(self, embedding)


@dataclass(frozen=True, eq=False)
class OnnxDecoder:
    """The answers about one image."""

    model: OnnxModel
    embedding: Embedding

    def one(self, prompts: Prompts) -> Answers:
        """The answer for each prompt."""
        return self._asked(self.model.heads[0], prompts)

    def several(self, prompts: Prompts) -> Answers:
        """From part to whole for each prompt."""
        return self._asked(self.model.heads[1], prompts)

    def _asked(self, head: Any, prompts: Prompts) -> Answers:
        on_processor = head.get_providers()[0] == "CPUExecutionProvider"
        size = PROMPTS_ON_A_PROCESSOR if on_processor else max(1, len(prompts))
        return in_parts(lambda part: self._decoded(part, head), prompts, size)

    def _decoded(self, prompts: Prompts, head: Any) -> Answers:
        low = self.model.low
        mask = prompts.mask if prompts.mask is not None else np.zeros((low, low), np.float32)
        given = {
            "points": prompts.points,
            "labels": prompts.labels,
            "mask": mask[None, None],
            "has_mask": np.array([prompts.mask is not None], np.float32),
            **{f"part{i}": part for i, part in enumerate(self.embedding)},
        }
        # The exporter leaves out what a graph does not use.
        taken = {entry.name for entry in head.get_inputs()}
        logits, ious, presence = head.run(None, {name: value for name, value in given.items() if name in taken})
        return Answers(logits, ious, presence if self.model.says_presence else None)


def load_export(name: str, folder: Path) -> Promptable:
    """Load an exported model.

    Args:
        name: of the segmentor.
        folder: with `EXPORT_FILES`.

    Raises:
        UnavailableError: the files are not there; the message says how to make them.
        InputError: they are none of an exported model.
    """
    if not is_exported(folder):
        raise UnavailableError(
            f"'{name}' is not here: run tamis models export {name.removesuffix(EXPORTED)}, on this computer or on one "
            f"with torch, and put {', '.join(EXPORT_FILES)} into {folder}"
        )
    try:
        notes = Notes(**json.loads((folder / NOTES).read_bytes()))
        family = FAMILIES[notes.family]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{folder / NOTES}: is none of an exported model ({error}); export it again") from error
    geometry = family.geometry(notes.side)
    heads = session(folder / ONE), session(folder / SEVERAL)
    model = OnnxModel(session(folder / ENCODER), heads, notes.low, notes.says_presence)
    digest = hashlib.sha256("".join(file_hash(folder / file) for file in EXPORT_FILES).encode()).hexdigest()
    return Promptable(
        name,
        model,
        geometry,
        EncodedPresence if notes.says_presence else EncodedPrompts,
        digest,
        f"{type(geometry).__name__} {geometry.side} onnxruntime",
    )

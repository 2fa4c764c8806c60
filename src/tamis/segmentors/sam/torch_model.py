"""Models of the SAM family run by torch, built by transformers. Import it inside functions: it takes seconds."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from tamis.errors import InputError, UnavailableError
from tamis.hub.quiet import quiet_transformers
from tamis.segmentors.sam.catalogue import Family
from tamis.segmentors.sam.model import NOTHING, PROMPTS_ON_A_PROCESSOR, Answers, Embedding, Prompts, in_parts

_NAMED = 3
"""How many differing keys a message names."""


@dataclass(frozen=True)
class TorchModel:
    """A model on a processor or graphics card.

    Attributes:
        network: of transformers, in float32 and in evaluation mode.
        device: where it runs.
        precision: of the encoder; the decoder, whose point coordinates need it, always has float32.
    """

    network: Any
    device: torch.device
    precision: torch.dtype

    @property
    def low(self) -> int:
        """Four times the side of the image embedding."""
        size = self.network.prompt_encoder.image_embedding_size
        return 4 * int(size[0])

    @property
    def side(self) -> int:
        """Of the square that the network sees."""
        return int(self.network.prompt_encoder.input_image_size)

    @property
    def says_presence(self) -> bool:
        """Whether the decoder tells how sure it is that there is an object."""
        return hasattr(self.network.mask_decoder, "pred_obj_score_head")

    def embed(self, square: NDArray[np.float32]) -> Embedding:
        """Encode an image.

        Raises:
            UnavailableError: the graphics card's memory does not suffice.
        """
        pixels = torch.from_numpy(square)[None].to(self.device)
        try:
            with torch.inference_mode(), self._precise():
                parts = embedding_of(self.network, pixels)
            return tuple(part.float().cpu().numpy() for part in parts)
        except torch.OutOfMemoryError as error:
            raise _too_large(self.device) from error

    def decoder(self, embedding: Embedding) -> "TorchDecoder":
        """The decoder for an image."""
        return TorchDecoder(self.network, tuple(torch.from_numpy(part).to(self.device) for part in embedding))

    def _precise(self) -> AbstractContextManager[None]:
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.precision)


@dataclass(frozen=True, eq=False)
class TorchDecoder:
    """The answers about one image; prompts that do not fit the memory together are asked in smaller batches."""

    network: Any
    embedding: tuple[Tensor, ...]

    def one(self, prompts: Prompts) -> Answers:
        """The answer for each prompt."""
        return self._asked(One(self.network), prompts)

    def several(self, prompts: Prompts) -> Answers:
        """From part to whole for each prompt."""
        return self._asked(Several(self.network), prompts)

    def _asked(self, head: "_Head", prompts: Prompts) -> Answers:
        size = PROMPTS_ON_A_PROCESSOR if self.embedding[0].device.type == "cpu" else max(1, len(prompts))
        return in_batches(lambda part: self._decoded(part, head), prompts, size)

    def _decoded(self, prompts: Prompts, head: "_Head") -> Answers:
        device = self.embedding[0].device
        low = 4 * self.network.prompt_encoder.image_embedding_size[0]
        given = prompts.mask is not None
        mask = prompts.mask if prompts.mask is not None else np.zeros((low, low), np.float32)
        with torch.inference_mode():
            logits, ious, presence = head(
                torch.from_numpy(prompts.points).to(device),
                torch.from_numpy(prompts.labels).to(device),
                torch.from_numpy(mask)[None, None].to(device),
                torch.full((1,), float(given), device=device),
                list(self.embedding),
            )
        says = hasattr(self.network.mask_decoder, "pred_obj_score_head")
        return Answers(
            logits.float().cpu().numpy(), ious.float().cpu().numpy(), presence.float().cpu().numpy() if says else None
        )


class Encoding(nn.Module):
    """The encoder as a function of arrays: (1, 3, side, side) to the parts of an embedding."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, square: Tensor) -> tuple[Tensor, ...]:
        """The parts, the coarse map first."""
        return embedding_of(self.network, square)


class _Head(nn.Module):
    """Prompt encoder and mask decoder as one function of arrays, the same for all families.

    The prompt encoders of the families differ in how they take boxes; here a box is two points with labels of their
    own, as in the original programs, so that any prompt is points, labels and a mask.
    """

    multimask: bool

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, points: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor, embedding: list[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, M, low, low), predicted IoUs (N, M) and presence (N,), 1 of models that do not say."""
        encoder, decoder = self.network.prompt_encoder, self.network.mask_decoder
        image, extra = _decoder_inputs(decoder, embedding)
        dense = has_mask * encoder.mask_embed(mask) + (1 - has_mask) * encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
        found = decoder(
            image_embeddings=image,
            image_positional_embeddings=self.network.get_image_wide_positional_embeddings(),
            sparse_prompt_embeddings=_sparse(encoder, points, labels)[None],
            dense_prompt_embeddings=dense,
            multimask_output=self.multimask,
            **extra,
        )
        logits, ious = found[0][0], found[1][0]
        presence = torch.sigmoid(found[3][0, :, 0]) if len(found) > 3 else torch.ones_like(ious[:, 0])
        return logits, ious, presence


class One(_Head):
    """The head with a single mask for each prompt."""

    multimask = False


class Several(_Head):
    """The head with masks from part to whole."""

    multimask = True


def load_network(family: Family, folder: Path) -> Any:
    """Build a network and read its weights.

    Args:
        family: what it has to be.
        folder: with config.json and model.safetensors; no other file of weights is read, since others can hold code.

    Raises:
        InputError: the weights are another model's; the message names the first keys that differ.
    """
    made = getattr(transformers, family.network)
    try:
        with quiet_transformers():
            network, found = made.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,  # they are told below, with all others
                output_loading_info=True,
            )
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, SafetensorError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{folder}: holds no model of the family {family.name} ({first})") from error
    missing, unexpected = sorted(found["missing_keys"]), sorted(found["unexpected_keys"])
    other = sorted(str(entry[0]) for entry in found["mismatched_keys"])
    for what, keys in (("lacks", missing), ("also has", unexpected), ("has in another size", other)):
        if keys:
            more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
            raise InputError(
                f"{folder}: the weights are another model's, not {family.name}'s: the file {what} "
                f"{', '.join(keys[:_NAMED])}{more}; put the right model.safetensors there"
            )
    return network.eval()


def load(family: Family, folder: Path, device: str | None = None) -> TorchModel:
    """Load a model onto the graphics card if torch sees one, else onto the processor.

    On a CUDA card the encoder runs in bfloat16, on older ones in float16; elsewhere in float32.

    Args:
        family: what it has to be.
        folder: with config.json and model.safetensors.
        device: of torch, to choose another.

    Raises:
        InputError: the weights are another model's.
        UnavailableError: the graphics card's memory does not suffice.
    """
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    precision = torch.float32
    if where.type == "cuda":
        precision = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    try:
        return TorchModel(load_network(family, folder).to(where), where, precision)
    except torch.OutOfMemoryError as error:
        raise _too_large(where) from error


def embedding_of(network: Any, pixels: Tensor) -> tuple[Tensor, ...]:
    """Everything about an image that a decoder needs: the coarse map first, then what refines it.

    SAM has the coarse map alone, SAM-HQ an early one of the encoder besides, SAM 2 and its kin two finer maps.
    """
    found = network.get_image_embeddings(pixels)
    if isinstance(found, Tensor):
        return (found,)
    if isinstance(found, list):
        return (found[-1], *found[:-1])
    coarse, early = found
    return coarse, early[0]


def in_batches(run: Callable[[Prompts], Answers], prompts: Prompts, size: int) -> Answers:
    """Ask for `size` prompts at a time, or for ever fewer while the memory does not suffice.

    Raises:
        UnavailableError: it does not suffice for a single prompt.
    """
    while True:
        try:
            return in_parts(run, prompts, size)
        except torch.OutOfMemoryError as error:
            if size == 1:
                raise _too_large(torch.device("cuda")) from error
            size = (min(size, len(prompts)) + 1) // 2


def _sparse(encoder: Any, points: Tensor, labels: Tensor) -> Tensor:
    """(N, P, C): the tokens of points. A point that is `NOTHING` has a token of its own, wherever it lies."""
    side = encoder.input_image_size
    placed = encoder.shared_embedding((points + 0.5)[None], (side, side))[0]
    kinds = encoder.point_embed
    single = isinstance(kinds, nn.Embedding)
    table: Tensor = kinds.weight if single else torch.cat([kinds[kind].weight for kind in range(len(kinds))])
    named = placed + table[labels.clamp(min=0)]
    return torch.where((labels == NOTHING)[..., None], encoder.not_a_point_embed.weight, named)


def _decoder_inputs(decoder: Any, embedding: list[Tensor]) -> tuple[Tensor, dict[str, Any]]:
    coarse, finer = embedding[0], embedding[1:]
    if hasattr(decoder, "hq_token"):
        return coarse, {"intermediate_embeddings": finer, "hq_token_only": False}
    if finer:
        return coarse, {"high_resolution_features": finer}
    return coarse, {}


def _too_large(device: torch.device) -> UnavailableError:
    return UnavailableError(
        f"the memory of {device} does not suffice even for one prompt; choose a smaller model (see `tamis models`), "
        "or hide the graphics card: CUDA_VISIBLE_DEVICES= tamis ..."
    )

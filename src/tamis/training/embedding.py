"""Stage A: boundaries and embeddings of pixels, learned from crops and clicks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.arrays import ImageArray, ProbabilityArray
from tamis.odds import sigmoid
from tamis.segmentors.embedded.sizes import WORKING_SIZE, at_working_size
from tamis.training.album import Album
from tamis.training.crops import CropBatch, CropOptions, draw_crops
from tamis.training.loop import half_precision, placed
from tamis.training.losses import boundary_consensus, own_mask_bce, pairwise_bce, soft_iou
from tamis.training.mixture import Mixture
from tamis.training.networks import EmbeddingShape, PixelNetwork, PixelOutputs, click_logits
from tamis.training.photographs import Photograph
from tamis.training.validate import Answer, measure, picture_of_clicks


@dataclass(frozen=True, slots=True)
class Phase:
    """Size of crops and batch from a share of the run on: small crops first, as they are cheap.

    The product of batch and area stays the same, and so does the time of a step.
    """

    start: float
    size: int
    batch: int
    scales: tuple[float, float]


PHASES = (
    Phase(0.0, 256, 7, (0.5, 1.25)),
    Phase(0.42, 352, 4, (0.65, 1.35)),
)
"""Few sizes: the first batch of each costs a GPU ten seconds. The last is almost a photograph: what an object is shows
in all of it, and where crops were smaller, answers about small objects were worse."""


@dataclass(frozen=True, slots=True)
class EmbeddingOptions:
    """What stage A trains on and how."""

    shape: EmbeddingShape = field(default_factory=EmbeddingShape)
    phases: tuple[Phase, ...] = PHASES
    crops: CropOptions = field(default_factory=CropOptions)
    boundary_weight: float = 1.0
    encoder_rate: float = 0.25
    """How fast the encoder learns, relative to the rest."""
    frozen_stages: int = 0
    """If above 0: the encoder's stem and so many stages stay as they are."""
    batch_factor: int = 1
    """Multiplies all batch sizes: 1 for two CPU cores, 24 for a GPU."""


class EmbeddingTask:
    """Stage A as a task of the training loop."""

    def __init__(
        self,
        training: Mapping[str, Sequence[Photograph]],
        shares: Mapping[str, float],
        held_out: Sequence[Photograph],
        options: EmbeddingOptions,
        device: torch.device,
        half: bool = True,
    ) -> None:
        self.mixture = Mixture(training, shares)
        self.album = Album.of((photograph for each in training.values() for photograph in each), device)
        self.held_out = held_out
        self.options = options
        self.device = device
        self.half = half
        self.pixels = placed(PixelNetwork(options.shape), device)
        self.pixels.encoder.freeze(options.frozen_stages)

    @property
    def network(self) -> nn.Module:
        """The pixel network."""
        return self.pixels

    def rate(self, name: str) -> float:
        """The encoder has learned before."""
        return self.options.encoder_rate if name.startswith("encoder.") else 1.0

    def batch(self, rng: np.random.Generator, progress: float) -> CropBatch:
        """Crops of the phase that `progress` lies in."""
        return self._crops([phase for phase in self.options.phases if phase.start <= progress][-1], rng)

    def largest_batches(self) -> Iterator[CropBatch]:
        """A batch of every size there is, for warming up."""
        rng = np.random.default_rng(0)
        yield from (self._crops(phase, rng) for phase in self.options.phases)

    def _crops(self, phase: Phase, rng: np.random.Generator) -> CropBatch:
        options = replace(self.options.crops, size=phase.size, scales=phase.scales)
        numbers = self.mixture.draw(rng, phase.batch * self.options.batch_factor)
        chance = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        batch = draw_crops(self.album, numbers, rng, chance, options)
        return batch._replace(images=batch.images.contiguous(memory_format=torch.channels_last))

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Click and boundary losses, and the mean IoU of the training clicks."""
        with half_precision(self.device, self.half):
            outputs = self.pixels(batch.images)
        clicks, iou = click_loss(outputs, self.pixels.margin, batch)
        boundary = pyramid_boundary_loss(outputs, batch.boundary, batch.boundary_weight)
        loss = clicks + self.options.boundary_weight * boundary
        return {"loss": loss, "clicks": clicks, "boundary": boundary, "iou": iou}

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """mIoU@1 of embedding answers on the held-out photographs, per data set and in the mean."""
        assert isinstance(network, PixelNetwork)
        encode = PixelAnswers(network, self.device)
        picture_of_clicks(encode, self.held_out[:: max(1, len(self.held_out) // 12)], folder / "clicks.jpg")
        return measure(encode, self.held_out, repeats=2)


def click_loss(outputs: PixelOutputs, margin: Tensor, batch: CropBatch) -> tuple[Tensor, Tensor]:
    """Weighted mean over clicks of BCE + ½ BCE on the own mask + (1 − soft IoU); and their mean IoU at .5."""
    logits = click_logits(outputs, margin, batch.cells).flatten(0, 1)
    labels = batch.labels.flatten(1)
    count = batch.cells.shape[1]
    targets = (labels[:, None] == batch.masks[:, :, None]).float().flatten(0, 1)
    known = (labels != -1).float()[:, None].expand(-1, count, -1).flatten(0, 1)
    each = pairwise_bce(logits, targets, known) + 0.5 * own_mask_bce(logits, targets, known)
    each = each + soft_iou(logits, targets, known)
    weights = batch.weights.flatten()
    total = weights.sum().clamp_min(1e-6)
    with torch.no_grad():
        answer = (logits > 0).float()
        both = (answer * targets * known).sum(1)
        either = (((answer + targets) > 0).float() * known).sum(1)
        iou = (both / either.clamp_min(1) * weights).sum() / total
    return (each * weights).sum() / total, iou


def pyramid_boundary_loss(outputs: PixelOutputs, consensus: Tensor, weight: Tensor) -> Tensor:
    """Boundary consensus at stride 2, and half as much at strides 4 and 8 against max-pooled targets."""
    loss = torch.zeros((), device=consensus.device)
    consensus, weight = consensus[:, None], weight[:, None]
    for factor, logits in ((1.0, outputs.boundary), (0.5, outputs.boundary4), (0.5, outputs.boundary8)):
        if factor < 1:
            consensus, weight = F.max_pool2d(consensus, 2), F.max_pool2d(weight, 2)
        loss = loss + factor * boundary_consensus(logits.float(), consensus, weight)
    return loss


class PixelAnswers:
    """Answers of the pixel network alone, at stride 4, enlarged bilinearly."""

    def __init__(self, network: PixelNetwork, device: torch.device, size: int = WORKING_SIZE) -> None:
        self.network, self.device, self.size = network, device, size

    def __call__(self, image: ImageArray) -> Answer:
        """Encode an image; the result answers clicks."""
        shape = image.shape[0], image.shape[1]
        small = at_working_size(image, self.size)
        height, width = small.shape[:2]
        pixels = torch.from_numpy(small).to(self.device).permute(2, 0, 1)[None].float().div(255)
        if self.device.type == "cuda":  # which takes ten seconds for the first image of every shape: all get one
            pixels = F.pad(pixels, (0, self.size - width, 0, self.size - height), mode="replicate")
        with torch.no_grad():
            outputs = self.network(pixels.contiguous(memory_format=torch.channels_last))
        rows, columns = outputs.embedding.shape[2:]

        def answer(pixel: tuple[int, int]) -> ProbabilityArray:
            row, column = pixel[0] * (height // 4) // shape[0], pixel[1] * (width // 4) // shape[1]
            cell = torch.tensor([[row * columns + column]], device=self.device)
            with torch.no_grad():
                logits = click_logits(outputs, self.network.margin, cell).view(rows, columns)
            inside = logits[: height // 4, : width // 4].float().cpu().numpy()
            enlarged = cv2.resize(inside, shape[::-1], interpolation=cv2.INTER_LINEAR)
            return sigmoid(np.asarray(enlarged, np.float32))

        return answer

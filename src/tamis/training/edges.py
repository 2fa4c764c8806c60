"""The stage between A and B: edges, learned from photographs of which people drew all parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.datasets.supervision import Kind
from tamis.errors import InputError
from tamis.evaluation.boundaries import BorderCounts, best_f, border_counts, drawn_borders
from tamis.segmentors.embedded.pixel_network import edge_strength
from tamis.segmentors.embedded.sizes import at_working_size
from tamis.training.album import Album
from tamis.training.crops import CropBatch, CropOptions, draw_crops
from tamis.training.edge_network import EdgeNetwork, Edges
from tamis.training.losses import balanced_borders
from tamis.training.mixture import Mixture
from tamis.training.networks import PixelNetwork
from tamis.training.photographs import Photograph

THRESHOLDS = np.arange(1, 20) / 20
"""Of the validation, which is looked at for its best."""


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """What edges are learned from and how."""

    batch: int = 4
    """Crops per step."""
    crops: CropOptions = field(
        default_factory=lambda: CropOptions(size=320, scales=(0.6, 1.25), rotated=0.0, quarter_turns=0.67, clicks=1)
    )
    """Most lie on their side: the pixel network knows the photographs that it was trained on, but not so."""
    coarse_weight: float = 0.4
    """Of the losses at strides 4 and 8 each."""


class EdgeTask:
    """Edges as a task of the training loop."""

    def __init__(
        self,
        training: Mapping[str, Sequence[Photograph]],
        shares: Mapping[str, float],
        held_out: Sequence[Photograph],
        pixels: PixelNetwork,
        options: EdgeOptions,
        device: torch.device,
    ) -> None:
        whole = {name: parted for name, those in training.items() if (parted := _parted(those))}
        if not whole:
            raise InputError("edges are learned where people cut whole images into parts: name --data bsds500=ROOT")
        self.mixture = Mixture(whole, {name: shares[name] for name in whole})
        self.album = Album.of((photograph for each in whole.values() for photograph in each), device)
        self.held_out = _parted(held_out)
        self.pixels, self.options, self.device = pixels.eval(), options, device
        self.edges = EdgeNetwork(pixels.shape).to(device)

    @property
    def network(self) -> nn.Module:
        """What tells edges."""
        return self.edges

    def rate(self, name: str) -> float:
        """All learn alike."""
        return 1.0

    def batch(self, rng: np.random.Generator, progress: float) -> CropBatch:
        """Some crops."""
        numbers = self.mixture.draw(rng, self.options.batch)
        chance = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        return draw_crops(self.album, numbers, rng, chance, self.options.crops)

    def largest_batches(self) -> Iterator[CropBatch]:
        """All are alike."""
        yield self.batch(np.random.default_rng(0), 0.0)

    def losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """The loss at stride 2, and with those of the coarser ones."""
        with torch.no_grad():
            seen = self.pixels.features(batch.images)
        told = self.edges(seen)
        drawn, known = batch.boundary[:, None], batch.boundary_weight[:, None]
        fine, *coarse = (
            balanced_borders(logits, F.max_pool2d(drawn, stride), F.max_pool2d(known, stride))
            for logits, stride in zip(told, (1, 2, 4), strict=True)
        )
        return {"loss": fine + self.options.coarse_weight * sum(coarse, torch.zeros(())), "edges": fine}

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """ODS and OIS on the held-out photographs, by the rules of BSDS500."""
        assert isinstance(network, EdgeNetwork)
        ods, ois = best_f([self._counts(network, photograph) for photograph in self.held_out])
        return {"ods": round(ods, 4), "ois": round(ois, 4)}

    def _counts(self, network: EdgeNetwork, photograph: Photograph) -> BorderCounts:
        small = torch.from_numpy(at_working_size(photograph.image)).to(self.device)
        told: Edges = network(self.pixels.features(small.permute(2, 0, 1)[None].float().div(255)))
        strength = edge_strength(told.fine[0, 0].cpu().numpy(), photograph.image.shape[:2])
        return border_counts(strength, [drawn_borders(labels) for labels in photograph.maps], THRESHOLDS)


def _parted(photographs: Sequence[Photograph]) -> list[Photograph]:
    return [photograph for photograph in photographs if photograph.kind is Kind.PARTITION]

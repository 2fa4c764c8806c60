"""The network that corrects a mask: messages between regions along the matrix of answers, one logit for each."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tamis.regions.corrections import LAST, TOKENS

KEPT = 3.0
"""Logit, up and down, that a region begins with where the mask so far has it, or has it not."""

GAIN = 4.0
"""Of the last layer."""


@dataclass(frozen=True, slots=True)
class CorrectionShape:
    """Sizes of the network."""

    features: int = 64
    """Numbers of what an encoding knows of each region besides its answers."""
    width: int = 96
    layers: int = 3
    affinities: int = 3
    """Ways in which the middle answers become weights of messages; finer and coarser ones give one more each, and
    another follows borders."""
    likenesses: int = 8
    """Ways in which features are alike."""

    @property
    def heads(self) -> int:
        """Kinds of messages; they divide the width."""
        return self.affinities + 3


class MessageLayer(nn.Module):
    """Regions hear the others along fixed weights, each head along its own; then a perceptron. Norms come first.

    The weights come from the matrix alone: they are the same in every layer and for every correction of an image, where
    attention would compare all pairs anew.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.value = nn.Linear(width, width)
        self.merge = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(2 * width, width),
        )

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """(B, R, width) and (heads, R, R), whose rows sum to one, to (B, R, width)."""
        batch, count, width = x.shape
        value = self.value(self.norm(x)).view(batch, count, self.heads, -1).permute(2, 1, 0, 3)
        heard = torch.bmm(weights.to(value.dtype), value.reshape(self.heads, count, -1))
        heard = heard.view(self.heads, count, batch, -1).permute(2, 1, 0, 3).reshape(batch, count, width)
        x = x + self.merge(heard)
        result: Tensor = x + self.perceptron(x)
        return result


class Likeness(nn.Module):
    """How alike each region is to the one clicked last, to the mask so far, and to all the rest."""

    def __init__(self, shape: CorrectionShape) -> None:
        super().__init__()
        self.ways = shape.likenesses
        self.norm = nn.LayerNorm(shape.features)
        self.project = nn.Linear(shape.features, 8 * shape.likenesses)

    def forward(self, features: Tensor, tokens: Tensor, areas: Tensor) -> Tensor:
        """(R, features), (B, R, TOKENS) and (R,) to (B, R, 3 ways)."""
        described = self.project(self.norm(features)).unflatten(-1, (self.ways, -1))
        described = described / described.square().sum(-1, keepdim=True).add(1e-4).sqrt()
        shares = (tokens[..., 0] + 1) / 2
        inside, outside = shares * areas, (1 - shares) * areas
        those = torch.stack([tokens[..., LAST], inside, outside], dim=1)
        those = those / those.sum(-1, keepdim=True).clamp_min(1e-4)
        flat = described.flatten(1)
        sought = (those.to(flat.dtype) @ flat).unflatten(-1, (self.ways, -1))
        alike = (sought[:, :, :, None] * described.transpose(0, 1)).sum(-1)
        result: Tensor = alike.flatten(1, 2).transpose(1, 2)
        return result


class CorrectionNetwork(nn.Module):
    """From tokens of `tamis.regions.corrections` to the logit of every region; it begins by keeping the mask so far."""

    def __init__(self, shape: CorrectionShape = CorrectionShape()) -> None:
        super().__init__()
        self.shape = shape
        self.enter = nn.Linear(TOKENS, shape.width)
        self.likeness = Likeness(shape)
        self.alike = nn.Linear(3 * shape.likenesses, shape.width)
        self.appear = nn.Sequential(nn.LayerNorm(shape.features), nn.Linear(shape.features, shape.width))
        both = torch.linspace(0, 4, shape.affinities)
        relations = torch.stack([both, both.flip(0)], dim=1)
        self.relate = nn.Parameter(torch.cat([relations, torch.full((2, 2), 2.0)]))
        self.layers = nn.ModuleList(MessageLayer(shape.width, shape.heads) for _ in range(shape.layers))
        self.leave = nn.Sequential(nn.LayerNorm(shape.width), nn.Linear(shape.width, 1))
        nn.init.zeros_(self.leave[1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.leave[1].bias)  # type: ignore[arg-type]

    def weights(self, answers: Tensor, areas: Tensor, neighbours: Tensor) -> Tensor:
        """(heads, R, R) weights of messages, which do not depend on clicks.

        Args:
            answers: (3, R, R), P(region s in mask | click in region r) of a part, an object and a whole.
            areas: (R,).
            neighbours: (R, R), whose rows sum to one.
        """
        part, middle, whole = (2 * answers - 1).unbind(0)
        asked = torch.stack([*[middle] * self.shape.affinities, part, whole])
        there, back = self.relate[:, 0, None, None], self.relate[:, 1, None, None]
        scores = there * asked + back * asked.transpose(1, 2) + torch.log(areas)
        return torch.cat([torch.softmax(scores, dim=-1), neighbours[None]])

    def forward(self, tokens: Tensor, features: Tensor, areas: Tensor, weights: Tensor) -> Tensor:
        """Logits (B, R) of P(region in mask | all clicks, the mask so far).

        Args:
            tokens: (B, R, TOKENS).
            features: (R, features).
            areas: (R,).
            weights: (heads, R, R).
        """
        x = self.enter(tokens) + self.alike(self.likeness(features, tokens, areas)) + self.appear(features)
        for layer in self.layers:
            x = layer(x, weights)
        logits: Tensor = KEPT * tokens[..., 0] + GAIN * self.leave(x)[..., 0].float()
        return logits

"""The network that corrects a mask: messages between regions along the matrix of answers, one logit for each."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tamis.regions.corrections import TOKENS

KEPT = 3.0
"""Logit, up and down, that a region begins with where the mask so far has it, or has it not."""

GAIN = 4.0
"""Of the last layer."""


@dataclass(frozen=True, slots=True)
class CorrectionShape:
    """Sizes of the network."""

    width: int = 64
    layers: int = 3
    affinities: int = 3
    """Ways in which the matrix of answers becomes weights of messages; one more follows borders."""


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


class CorrectionNetwork(nn.Module):
    """From tokens of `tamis.regions.corrections` to the logit of every region; it begins by keeping the mask so far."""

    def __init__(self, shape: CorrectionShape = CorrectionShape()) -> None:
        super().__init__()
        self.shape = shape
        self.enter = nn.Linear(TOKENS, shape.width)
        both = torch.linspace(0, 4, shape.affinities)
        self.relate = nn.Parameter(torch.stack([both, both.flip(0)], dim=1))
        self.layers = nn.ModuleList(MessageLayer(shape.width, shape.affinities + 1) for _ in range(shape.layers))
        self.leave = nn.Sequential(nn.LayerNorm(shape.width), nn.Linear(shape.width, 1))
        nn.init.zeros_(self.leave[1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.leave[1].bias)  # type: ignore[arg-type]

    def weights(self, middle: Tensor, areas: Tensor, neighbours: Tensor) -> Tensor:
        """(heads, R, R) weights of messages.

        Args:
            middle: (R, R), P(region s in mask | click in region r).
            areas: (R,).
            neighbours: (R, R), whose rows sum to one.
        """
        asked = 2 * middle - 1
        there, back = self.relate[:, 0, None, None], self.relate[:, 1, None, None]
        scores = there * asked + back * asked.T + torch.log(areas)
        return torch.cat([torch.softmax(scores, dim=-1), neighbours[None]])

    def forward(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """Tokens (B, R, TOKENS) and `weights` to logits (B, R) of P(region in mask | all clicks, the mask so far)."""
        x = self.enter(tokens)
        for layer in self.layers:
            x = layer(x, weights)
        logits: Tensor = KEPT * tokens[..., 0] + GAIN * self.leave(x)[..., 0].float()
        return logits

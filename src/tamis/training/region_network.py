"""The second network: a small transformer over the regions of an image, and an answer for every pair of them."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.segmentors.embedded_regions import EXTRA_NUMBERS, PAIR_NUMBERS

GAIN = 8.0
"""Answers are so many times the last layer: logits must grow by several units, and Adam's steps are of a fixed size."""


@dataclass(frozen=True, slots=True)
class RegionShape:
    """Sizes of the region network."""

    features: int = 64
    embedding: int = 24
    width: int = 96
    heads: int = 4
    layers: int = 3
    hidden: int = 16
    """Numbers per pair of regions."""
    rank: int = 8
    """Length of the products of row and column that make each of them."""
    granularities: int = 1
    dropout: float = 0.1

    @property
    def tokens(self) -> int:
        """Numbers per region."""
        return self.features + self.embedding + 1 + EXTRA_NUMBERS


class Mix(nn.Linear):
    """A linear map over the first axis: (C, R, S) to (C', R, S), without moving memory."""

    def forward(self, x: Tensor) -> Tensor:
        """(C, R, S) to (C', R, S)."""
        mixed = torch.addmm(self.bias[:, None], self.weight, x.flatten(1))
        return mixed.view(-1, x.shape[1], x.shape[2])


class Layer(nn.Module):
    """Attention among regions, biased by what is known of each pair, and a perceptron; norms come first."""

    def __init__(self, shape: RegionShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.norm = nn.LayerNorm(shape.width)
        self.project = nn.Linear(shape.width, 3 * shape.width)
        self.merge = nn.Linear(shape.width, shape.width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(shape.width),
            nn.Linear(shape.width, 3 * shape.width),
            nn.GELU(approximate="tanh"),
            nn.Dropout(shape.dropout),
            nn.Linear(3 * shape.width, shape.width),
        )

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """(R, W) tokens and (heads, R, R) bias of attention to (R, W)."""
        count, width = tokens.shape
        query, key, value = self.project(self.norm(tokens)).view(count, 3, self.heads, -1).permute(1, 2, 0, 3)
        score = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=(width // self.heads) ** -0.5)
        mixed = (torch.softmax(score, dim=-1) @ value).permute(1, 0, 2).reshape(count, width)
        mixed_in: Tensor = tokens + self.merge(mixed)
        result: Tensor = mixed_in + self.perceptron(mixed_in)
        return result


class RegionNetwork(nn.Module):
    """From what is known of regions and of pairs of regions to the logit of P(region s in mask | click in region r).

    The first layer of the pair perceptron splits into a part per row, a part per column, a low-rank product of the two
    and a small part per pair.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: RegionShape = RegionShape()) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.tokens))
        self.register_buffer("deviation", torch.ones(shape.tokens))
        self.enter = nn.Linear(shape.tokens, shape.width)
        self.relate = nn.Sequential(Mix(PAIR_NUMBERS, 8), nn.ReLU(), Mix(8, shape.heads))
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        self.row = nn.Linear(shape.width, shape.hidden * shape.rank)
        self.column = nn.Linear(shape.width, shape.hidden * shape.rank)
        self.row_bias = nn.Linear(shape.width, shape.hidden)
        self.column_bias = nn.Linear(shape.width, shape.hidden)
        self.pair = Mix(PAIR_NUMBERS, shape.hidden)
        self.deep = Mix(shape.hidden, shape.hidden)
        self.answer = Mix(shape.hidden, shape.granularities)
        self.shortcut = Mix(PAIR_NUMBERS, shape.granularities)
        self.drop = nn.Dropout(shape.dropout)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)
        with torch.no_grad():  # begin with the embedding's own answer, less where a border runs between
            self.shortcut.weight.zero_()
            self.shortcut.weight[:, 0] = -3.0 / GAIN
            self.shortcut.weight[:, 1] = 4.0 / GAIN
            self.shortcut.bias.zero_()

    def set_statistics(self, tokens: Tensor) -> None:
        """Standardise tokens by the mean and deviation of some of them, (N, T)."""
        self.mean.copy_(tokens.mean(0))
        self.deviation.copy_(tokens.std(0).clamp_min(1e-3))

    def forward(self, tokens: Tensor, pairs: Tensor, areas: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits of the answers.

        Args:
            tokens: (R, T), as `region_inputs` gives them.
            pairs: (P, R, R).
            areas: (R,).
            rows: (K,) int64, the regions clicked; all by default.

        Returns:
            (G, K, R) float.
        """
        x = self.drop(((tokens - self.mean) / self.deviation).clamp(-6, 6))
        x = self.enter(x)
        # All layers share one bias: it is as large as the answers, and memory is what bounds the speed.
        bias = self.relate(pairs) + torch.log(areas).to(pairs.dtype)
        for layer in self.layers:
            x = layer(x, bias)
        x = self.norm(x)
        clicked = x if rows is None else x[rows]
        seen = pairs if rows is None else pairs[:, rows]
        query = self.row(clicked).view(-1, self.shape.hidden, self.shape.rank).transpose(0, 1)
        key = self.column(x).view(-1, self.shape.hidden, self.shape.rank).permute(1, 2, 0)
        product = query @ (key * self.shape.rank**-0.5)
        hidden = F.relu(
            product + self.row_bias(clicked).T[:, :, None] + self.column_bias(x).T[:, None] + self.pair(seen)
        )
        answers: Tensor = GAIN * (self.answer(F.relu(self.deep(hidden))) + self.shortcut(seen))
        return answers

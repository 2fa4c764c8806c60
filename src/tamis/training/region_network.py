"""The second network: a small transformer over the regions of an image, and an answer for every pair of them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tamis.regions.features import EXTRA_NUMBERS, NODE_NUMBERS, PAIR_NUMBERS

GAIN = 8.0
"""Answers are so many times the last layer: logits must grow by several units, and Adam's steps are of a fixed size."""

SPREAD = 2.0
"""Logit by which the coarsest answer begins above the middle one, and the finest below it."""

DEPTH = 12
"""Two to this power is the deepest tree there can be: as many as the regions of an image."""


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
    node: int = 32
    """Numbers per node of the tree."""
    granularities: int = 3
    """Answers per click, the finest first: a part, an object, a whole."""
    rating: int = 32
    """Width of the perceptron that predicts the IoU of each."""
    dropout: float = 0.1

    @property
    def middle(self) -> int:
        """The granularity that learns from every click."""
        return self.granularities // 2

    @property
    def tokens(self) -> int:
        """Numbers per region."""
        return self.features + self.embedding + 1 + EXTRA_NUMBERS


class RegionOutputs(NamedTuple):
    """What the region network says of K clicked regions, each of G answers a row over all R regions."""

    answers: Tensor
    """(G, K, R) logits of P(region in mask | click)."""
    by_tree: Tensor
    """(K, R) logits, those of the tree alone."""
    ratings: Tensor
    """(G, K) logits of the IoU that each answer probably has; no gradient passes from them to the answers."""


class Mix(nn.Linear):
    """A linear map over the first axis: (C, R, S) to (C', R, S), without moving memory."""

    def forward(self, x: Tensor) -> Tensor:
        """(C, R, S) to (C', R, S)."""
        mixed = torch.addmm(self.bias[:, None], self.weight, x.flatten(1))
        return mixed.view(-1, x.shape[1], x.shape[2])

    def onto(self, start: Tensor, x: Tensor, gain: float = 1.0) -> Tensor:
        """`start` (C', R, S) and `gain` times the map of x (C, R, S) without its bias, in one pass over memory."""
        return torch.addmm(start.flatten(1), gain * self.weight, x.flatten(1)).view_as(start)


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


class Nodes(nn.Module):
    """How likely each node of the tree is to be what a person means: a score from its regions and its own numbers.

    The mask of a click in region r is node A around r with a probability proportional to exp(score(A)). With C(A) the
    sum of exp(score) over A and all nodes around it, P(region s in mask | click in r) is C(least node with r and s)
    / C(r).
    """

    def __init__(self, shape: RegionShape) -> None:
        super().__init__()
        self.project = nn.Linear(shape.width, shape.node)
        last = nn.Linear(shape.node, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.score = nn.Sequential(nn.Linear(shape.node + NODE_NUMBERS, shape.node), nn.GELU(approximate="tanh"), last)

    def forward(
        self, tokens: Tensor, areas: Tensor, nodes: Tensor, order: Tensor, ranges: Tensor, parents: Tensor
    ) -> Tensor:
        """C of every node, (N,) float32, from tokens (R, W) and the tree as `RegionInputs` has it."""
        projected = self.project(tokens)
        weights = areas[order, None]
        # A node is a range of regions: its mean is a difference of two cumulative sums.
        weighted = torch.cat([projected[order] * weights, weights], dim=1).float()
        sums = torch.cat([torch.zeros_like(weighted[:1]), weighted.cumsum(0)])
        total = sums[ranges[:, 1]] - sums[ranges[:, 0]]
        mean = total[:, :-1] / total[:, -1:].clamp_min(1e-7)
        score = self.score(torch.cat([mean.to(projected.dtype), nodes.to(projected.dtype)], dim=1))[:, 0]
        mass = torch.cat([score.float().clamp(-12, 12).exp(), torch.zeros_like(total[:1, 0])])
        jump = torch.cat([parents, parents[-1:]])
        for _ in range(DEPTH):  # each step doubles how far up the sum reaches
            mass, jump = mass + mass[jump], jump[jump]
        return mass[:-1]


def node_logits(inside: Tensor, own: Tensor) -> Tensor:
    """Logits (K, R) of P(region s in mask | click in region r) = C(common) / C(r), kept between -8 and 8.

    Args:
        inside: (K, R) C of the least node that holds both.
        own: (K,) C of the clicked regions.
    """
    outside = torch.maximum(own[:, None] - inside, own[:, None] * 1e-5)
    return (inside / outside).log().clamp(-8, 8)


class Rating(nn.Module):
    """The IoU that each answer probably has, from what is known of the clicked region and from the answer itself.

    It begins with how alike two masks would be that are drawn from the probabilities, one region at a time: what they
    share in the mean, the sum of P², over what they cover, the sum of 2 P - P².
    """

    def __init__(self, shape: RegionShape) -> None:
        super().__init__()
        last = nn.Linear(shape.rating, shape.granularities)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.clicked = nn.Sequential(nn.Linear(shape.width, shape.rating), nn.GELU(approximate="tanh"), last)
        self.trust = nn.Parameter(torch.ones(shape.granularities))

    def ahead(self, x: Tensor) -> Tensor:
        """(G, R), how much better than their probabilities say answers to a click in each region are; x is (R, W)."""
        ahead: Tensor = self.clicked(x).T
        return ahead

    def forward(self, ahead: Tensor, probabilities: Tensor, areas: Tensor) -> Tensor:
        """Logits (G, K) of the IoU at one half.

        Args:
            ahead: (G, K), of the clicked regions.
            probabilities: (G, K, R).
            areas: (R,).
        """
        # Sums and no products of matrices: those would be of half precision in training, and slow for a single column.
        weighted = probabilities * areas
        one, both = weighted.sum(dim=-1), (weighted * probabilities).sum(dim=-1)
        ratings: Tensor = ahead.float() + self.trust[:, None] * torch.logit(both / (2 * one - both), 1e-3)
        return ratings


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
        self.nodes = Nodes(shape)
        self.pair = Mix(PAIR_NUMBERS + 1, shape.hidden)
        self.deep = Mix(shape.hidden, shape.hidden)
        self.answer = Mix(shape.hidden, shape.granularities)
        self.shortcut = Mix(PAIR_NUMBERS + 1, shape.granularities)
        self.rating = Rating(shape)
        self.drop = nn.Dropout(shape.dropout)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)
        with torch.no_grad():  # begin with the embedding's own answer and the tree's, less where a border runs between
            self.shortcut.weight.zero_()
            self.shortcut.weight[:, 0] = -3.0 / GAIN
            self.shortcut.weight[:, 1] = 4.0 / GAIN
            self.shortcut.weight[:, -1] = 4.0 / GAIN
            self.shortcut.bias.zero_()
            if shape.granularities > 1:  # otherwise nothing tells them apart, and one of them takes all clicks
                self.shortcut.bias.copy_(torch.linspace(-SPREAD, SPREAD, shape.granularities) / GAIN)

    def set_statistics(self, tokens: Tensor) -> None:
        """Standardise tokens by the mean and deviation of some of them, (N, T)."""
        self.mean.copy_(tokens.mean(0))
        self.deviation.copy_(tokens.std(0).clamp_min(1e-3))

    def forward(
        self,
        tokens: Tensor,
        pairs: Tensor,
        areas: Tensor,
        nodes: Tensor,
        order: Tensor,
        ranges: Tensor,
        parents: Tensor,
        common: Tensor,
        rows: Tensor | None = None,
    ) -> RegionOutputs:
        """All of the network.

        Args:
            tokens: (R, T), this and the next seven as in `RegionInputs`.
            pairs: (P, R, R).
            areas: (R,).
            nodes: (N, NODE_NUMBERS).
            order: (R,).
            ranges: (N, 2).
            parents: (N,).
            common: (R, R).
            rows: (K,) int64, the regions clicked; all by default.
        """
        bias = self.attention_bias(pairs, areas)
        x, mass = self.describe(tokens, bias, areas, nodes, order, ranges, parents)
        query, key = self.factors(x)
        own, ahead = mass[: len(areas)], self.rating.ahead(x.detach())
        if rows is not None:
            query, pairs, common, own, ahead = query[:, rows], pairs[:, rows], common[rows], own[rows], ahead[:, rows]
        by_tree = node_logits(mass[common.long()], own)
        answers = self.answers(query, key, pairs, by_tree)
        ratings = self.rating(ahead, torch.sigmoid(answers.detach()), areas)
        return RegionOutputs(answers, by_tree, ratings)

    def attention_bias(self, pairs: Tensor, areas: Tensor) -> Tensor:
        """(heads, K, R), from (P, K, R) and (R,): how readily K regions attend to all.

        All layers share one: it is as large as the answers, and memory is what bounds the speed.
        """
        bias: Tensor = self.relate(pairs) + torch.log(areas).to(pairs.dtype)
        return bias

    def describe(
        self,
        tokens: Tensor,
        bias: Tensor,
        areas: Tensor,
        nodes: Tensor,
        order: Tensor,
        ranges: Tensor,
        parents: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """What the transformer makes of regions, (R, W), and C of every node, (N,); `bias` is (heads, R, R)."""
        x = self.enter(self.drop(((tokens - self.mean) / self.deviation).clamp(-6, 6)))
        for layer in self.layers:
            x = layer(x, bias)
        x = self.norm(x)
        return x, self.nodes(x, areas, nodes, order, ranges, parents)

    def factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(hidden, R, rank + 2) of clicked regions and (hidden, rank + 2, R) of seen ones.

        Their product is the part of the pair perceptron's first layer that needs no pairs: products of row and column,
        and one part for each alone.
        """
        hidden, rank = self.shape.hidden, self.shape.rank
        query = self.row(x).view(-1, hidden, rank)
        key = self.column(x).view(-1, hidden, rank) * rank**-0.5
        alone, seen = self.row_bias(x)[:, :, None], self.column_bias(x)[:, :, None]
        alone = alone + self.pair.bias[:, None]
        query = torch.cat([query, alone, torch.ones_like(alone)], dim=2)
        key = torch.cat([key, torch.ones_like(seen), seen], dim=2)
        return query.transpose(0, 1), key.permute(1, 2, 0)

    def answers(self, query: Tensor, key: Tensor, pairs: Tensor, by_tree: Tensor) -> Tensor:
        """Logits (G, K, R) of K clicked regions.

        Args:
            query: (hidden, K, rank + 2), of them.
            key: (hidden, rank + 2, R).
            pairs: (P, K, R).
            by_tree: (K, R), the tree's own logits.
        """
        seen = torch.cat([pairs, 0.25 * by_tree[None].to(pairs.dtype)])
        hidden = F.relu(self.deep(F.relu(self.pair.onto(query @ key, seen))))
        bias = GAIN * (self.answer.bias + self.shortcut.bias)[:, None, None]
        answers = self.shortcut.onto(bias.expand(-1, *by_tree.shape), seen, GAIN)
        return self.answer.onto(answers, hidden, GAIN)

"""The head that tells presence, trained on triplets; everything else of a method stays as it is.

An anchor is a query, a positive shows its object, a negative does not: max(0, margin − P(positive) + P(negative)).
What the head reads of a pair (anchor, image) does not change while it is trained, so that it is computed once, when the
pair is first drawn.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from tamis.datasets.retrieval import Collection, Query
from tamis.errors import InputError
from tamis.image import read_image
from tamis.personal.pseudo_video import PseudoVideo
from tamis.personal.regions import PresenceHead, Regions, fitted
from tamis.personal.retrieval.metrics import average_precision, mean
from tamis.personal.retrieval.rerank import remembered
from tamis.results.files import replacing


@dataclass(frozen=True)
class PresenceOptions:
    """How to train.

    Attributes:
        epochs: rounds.
        samples: triplets of a round.
        batch: triplets of a step.
        margin: of the loss, in probability.
        lr: of Adam.
        seed: of triplets.
        steps: if above 0, so many steps instead of the rounds; the last round may be a part of one.
    """

    epochs: int = 10
    samples: int = 1000
    batch: int = 32
    margin: float = 0.5
    lr: float = 1e-2
    seed: int = 0
    steps: int = 0


class Trainable(Protocol):
    """A method whose head can be trained."""

    @property
    def head(self) -> nn.Module:
        """What is trained."""
        ...

    def inputs(self, memory: Any, seen: Any) -> Any:
        """What the head reads of a pair."""
        ...

    def score(self, inputs: Any) -> Tensor:
        """() in [0, 1], with gradients to the head."""
        ...

    def save(self, path: Path) -> None:
        """Write the head as `--presence` takes it."""
        ...


class RegionHead:
    """Of `regions`: a scale for each number of a descriptor, and the logistic."""

    def __init__(self) -> None:
        self.head = nn.ParameterDict(
            {
                "scales": nn.Parameter(torch.zeros(352)),
                "slope": nn.Parameter(torch.tensor(PresenceHead().slope)),
                "offset": nn.Parameter(torch.tensor(PresenceHead().offset)),
            }
        )

    def inputs(self, memory: Any, seen: Any) -> Any:
        """Descriptors of the object's regions, their weights, and descriptors of the mask that was found."""
        values, _ = fitted(seen.encoded, seen.areas, memory.membership(seen))
        found = values > 0.5
        if not found.any():
            return None
        return tuple(torch.from_numpy(each) for each in (memory.things, memory.weights, seen.things[found]))

    def score(self, inputs: Any) -> Tensor:
        """As `RegionMemory.presence`, scales told by their logarithms."""
        if inputs is None:
            return torch.sigmoid(self.head["offset"] - self.head["slope"])
        things, weights, found = inputs
        scales = self.head["scales"].exp()
        mine, theirs = (nn.functional.normalize(each * scales, dim=1) for each in (things, found))
        likeness = (theirs @ mine.T).amax(dim=0) @ weights
        return torch.sigmoid(self.head["slope"] * likeness + self.head["offset"])

    def save(self, path: Path) -> None:
        """Scales, slope and offset."""
        with replacing(path) as file:
            np.savez(
                file,
                scales=self.head["scales"].detach().exp().numpy(),
                slope=self.head["slope"].detach().numpy(),
                offset=self.head["offset"].detach().numpy(),
            )


class TrackerHead:
    """Of a tracker: the layers of its mask decoder that predict IoUs, from their token."""

    def __init__(self, tracker: PseudoVideo) -> None:
        self.head: nn.Module = tracker.network.mask_decoder.iou_prediction_head

    def inputs(self, memory: Any, seen: Any) -> Any:
        """The token, read on its way into the head."""
        told: list[Tensor] = []
        hook = self.head.register_forward_pre_hook(lambda module, given: told.append(given[0].detach().clone()))
        try:
            memory.locate(seen)
        finally:
            hook.remove()
        return told[-1].clone()

    def score(self, inputs: Any) -> Tensor:
        """The best predicted IoU of the tracker's answers."""
        found: Tensor = self.head(inputs)[..., 1:]
        return found.max().clamp(0, 1)

    def save(self, path: Path) -> None:
        """All weights of the head."""
        with replacing(path) as file:
            np.savez(file, **{name: value.numpy() for name, value in self.head.state_dict().items()})


def trainable(method: Regions | PseudoVideo) -> Trainable:
    """The head of a method."""
    return RegionHead() if isinstance(method, Regions) else TrackerHead(method)


@dataclass
class Pairs:
    """What the head reads of pairs, computed when first asked for.

    Attributes:
        method: that looks and remembers.
        head: that reads.
        collection: of the queries and the database.
    """

    method: Regions | PseudoVideo
    head: Trainable
    collection: Collection
    memories: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __call__(self, query: Query, name: str) -> Any:
        """Of a query and an image of the database."""
        if (query.name, name) not in self.known:
            if query.name not in self.memories:
                self.memories[query.name] = remembered(query, self.method)
            if name not in self.seen:
                self.seen[name] = self.method.look(read_image(self.collection.database[name]))
            self.known[query.name, name] = self.head.inputs(self.memories[query.name], self.seen[name])
        return self.known[query.name, name]


def train_presence(
    collections: Sequence[Collection], method: Regions | PseudoVideo, options: PresenceOptions, held_out: int = 3
) -> Generator[tuple[int, float], None, tuple[Trainable, dict[str, float]]]:
    """Train the head of a method.

    Args:
        collections: of the queries; every `held_out`th query of each, with its positives, is only measured on.
        method: whose head it is; a tracker's network is changed.
        options: how.
        held_out: 0 trains on all.

    Yields:
        Epoch and mean loss.

    Returns:
        The head, and mAP of held-out queries among all images before and after.

    Raises:
        InputError: fewer than two queries are left to train on.
    """
    torch.manual_seed(options.seed)
    rng, head = np.random.default_rng(options.seed), trainable(method)
    groups = [Pairs(method, head, each) for each in collections]
    training = [(pairs, query) for pairs in groups for query in _part(pairs.collection, held_out, False)]
    if len(training) < 2:
        raise InputError("training presence needs at least two objects with a query and another image")
    before = _map(groups, held_out)
    optimizer = torch.optim.Adam(head.head.parameters(), lr=options.lr)
    per_round = math.ceil(options.samples / options.batch)
    for epoch in range(math.ceil(options.steps / per_round) if options.steps else options.epochs):
        losses = []
        for _ in range(min(per_round, options.steps - epoch * per_round) if options.steps else per_round):
            margins = [_margin(training, rng, head) for _ in range(options.batch)]
            loss = torch.relu(options.margin - torch.stack(margins)).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
        yield epoch + 1, float(np.mean(losses))
    scores = {"map_before": before, "map_after": _map(groups, held_out)} if held_out else {}
    return head, scores


def _margin(training: list[tuple[Pairs, Query]], rng: np.random.Generator, head: Trainable) -> Tensor:
    """() P(positive) − P(negative) of a triplet drawn at random."""
    pairs, query = training[rng.integers(len(training))]
    wanted = pairs.collection.positives[query.name]
    others = [
        name
        for other_pairs, other in training
        if other_pairs is pairs
        for name in pairs.collection.positives[other.name]
        if name not in wanted
    ]
    positive, negative = wanted[int(rng.integers(len(wanted)))], others[int(rng.integers(len(others)))]
    return head.score(pairs(query, positive)) - head.score(pairs(query, negative))


def _part(collection: Collection, held_out: int, measured: bool) -> list[Query]:
    able = [query for query in collection.queries if collection.positives[query.name]]
    return [query for number, query in enumerate(able) if (held_out > 0 and number % held_out == 0) == measured]


def _map(groups: Sequence[Pairs], held_out: int) -> float:
    scores: list[float | None] = []
    for pairs in groups:
        queries = _part(pairs.collection, held_out, True)
        names = list(pairs.collection.database)
        for query in queries:
            with torch.no_grad():
                told = {name: float(pairs.head.score(pairs(query, name))) for name in names}
            ranking = sorted(names, key=lambda name: -told[name])
            scores.append(average_precision(ranking, pairs.collection.positives[query.name]))
    return mean(scores) if scores else float("nan")

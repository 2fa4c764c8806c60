"""From trained weights to the ONNX files that ship: batch norms folded, weights in float16, sizes free."""

import copy
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.fx import GraphModule

from tamis.regions.corrections import TOKENS
from tamis.regions.features import NODE_NUMBERS, PAIR_NUMBERS, RegionInputs
from tamis.training.correction_network import CorrectionNetwork
from tamis.training.edge_network import EdgeNetwork
from tamis.training.networks import PixelNetwork, folded
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.region_network import RegionNetwork, RegionShape, node_logits
from tamis.training.regions import on_device
from tamis.training.whole_numbers import for_export

OPSET = 18
LEAST_HALVED = 256
"""Weights with as many numbers are stored in float16; they are computed with in float32."""

PIXEL_OUTPUTS = ("boundary", "embedding", "bias", "features", "edges", "deep16", "deep32")
"""The last two are the encoder's own maps at strides 16 and 32: what a region is, where the others say how far it goes.
"""


class _Pixels(nn.Module):
    """The pixel network and its edges with the outputs that inference needs and the margin inside the bias."""

    def __init__(self, network: PixelNetwork, edges: EdgeNetwork) -> None:
        super().__init__()
        self.network, self.edges = network, edges

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        seen = self.network.features(image)
        outputs = self.network.told(seen)
        return (
            outputs.boundary,
            outputs.embedding,
            outputs.bias + self.network.margin,
            outputs.features,
            self.edges(seen).fine,
            outputs.deep16,
            outputs.deep32,
        )


class _Relations(nn.Module):
    """The first part of the region network: how readily some regions attend to all."""

    def __init__(self, network: RegionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pairs: Tensor, areas: Tensor) -> Tensor:
        return self.network.attention_bias(pairs, areas)


class _Regions(nn.Module):
    """The second part: the transformer, the scores of the tree's nodes, and what ratings know of regions."""

    def __init__(self, network: RegionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        tokens: Tensor,
        bias: Tensor,
        areas: Tensor,
        nodes: Tensor,
        order: Tensor,
        ranges: Tensor,
        parents: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        described, mass = self.network.describe(tokens, bias, areas, nodes, order, ranges, parents)
        query, key = self.network.factors(described)
        return query, key, mass, self.network.rating.ahead(described)


class _Answers(nn.Module):
    """The third part: probabilities for some clicked regions, and predicted IoUs."""

    def __init__(self, network: RegionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        pairs: Tensor,
        inside: Tensor,
        own: Tensor,
        ahead: Tensor,
        areas: Tensor,
    ) -> tuple[Tensor, Tensor]:
        by_tree = node_logits(inside, own)
        probabilities = torch.sigmoid(self.network.answers(query, key, pairs, by_tree))
        return probabilities, torch.sigmoid(self.network.rating(ahead, probabilities, areas))


class _Messages(nn.Module):
    """The part of the network that corrects which does not depend on clicks."""

    def __init__(self, network: CorrectionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, answers: Tensor, areas: Tensor, neighbours: Tensor) -> Tensor:
        return self.network.weights(answers, areas, neighbours)


class _Corrections(nn.Module):
    """The network that corrects, given the weights of its messages."""

    def __init__(self, network: CorrectionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, features: Tensor, areas: Tensor, weights: Tensor) -> Tensor:
        return torch.sigmoid(self.network(tokens, features, areas, weights))


class _PixelAnswer(nn.Module):
    """What a click makes of an image pixel by pixel, with probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, masks: Tensor, clicks: Tensor, seen: Tensor, known: Tensor) -> Tensor:
        return torch.sigmoid(self.network(masks, clicks, seen, known))


def export_pixels(network: PixelNetwork, edges: EdgeNetwork, file: Path, notes: Mapping[str, str]) -> None:
    """Write the pixel network and its edges, norms folded or not.

    They bring `image` (1, 3, H, W) in [0, 1], H and W multiples of 32, to `PIXEL_OUTPUTS`.
    """
    parts = _Pixels(folded(network), folded(edges))
    height, width = 32 * torch.export.Dim("h", min=1, max=128), 32 * torch.export.Dim("w", min=1, max=128)
    _export(parts, (torch.rand(1, 3, 96, 160),), ("image",), PIXEL_OUTPUTS, ({2: height, 3: width},), file)
    _finish(file, notes)


def export_regions(network: RegionNetwork, folder: Path, notes: Mapping[str, str]) -> list[Path]:
    """Write the three parts of the region network and return the files.

    With K rows of pairs at a time, `embedded_relations` gives the bias of attention (heads, K, R) from `pairs` and
    `areas`; `embedded_regions` gives `query`, `key`, `mass` and `ahead` from all of it and the other fields of
    `RegionInputs`, by their names; `embedded_answers` gives `answers` (G, K, R) and `ratings` (G, K), both in [0, 1],
    from `query`, `ahead` and `pairs` of K rows, `key`, `areas`, and the mass of nodes: of those that these rows have
    in common with every region (`inside`), and of their own (`own`).
    """
    tokens, pairs, areas, nodes, order, ranges, parents, common = on_device(
        example_inputs(network.shape), torch.device("cpu")
    )
    regions = torch.export.Dim("regions", min=2, max=4096)
    count = torch.export.Dim("nodes", min=3, max=8191)
    rows = torch.export.Dim("rows", min=1, max=4096)
    network = copy.deepcopy(network).eval()
    with torch.no_grad():
        bias = network.attention_bias(pairs, areas)
        described, _ = network.describe(tokens, bias, areas, nodes, order, ranges, parents)
        (query, key), ahead = network.factors(described), network.rating.ahead(described)
    mass, some = torch.rand(len(nodes)), slice(0, 5)
    parts: dict[str, tuple[nn.Module, dict[str, tuple[Tensor, dict[int, object]]], tuple[str, ...]]] = {
        "relations": (
            _Relations(network),
            {"pairs": (pairs[:, some], {1: rows, 2: regions}), "areas": (areas, {0: regions})},
            ("bias",),
        ),
        "regions": (
            _Regions(network),
            {
                "tokens": (tokens, {0: regions}),
                "bias": (bias, {1: regions, 2: regions}),
                "areas": (areas, {0: regions}),
                "nodes": (nodes, {0: count}),
                "order": (order, {0: regions}),
                "ranges": (ranges, {0: count}),
                "parents": (parents, {0: count}),
            },
            ("query", "key", "mass", "ahead"),
        ),
        "answers": (
            _Answers(network),
            {
                "query": (query[:, some], {1: rows}),
                "key": (key, {2: regions}),
                "pairs": (pairs[:, some], {1: rows, 2: regions}),
                "inside": (mass[common[some].long()], {0: rows, 1: regions}),
                "own": (mass[some], {0: rows}),
                "ahead": (ahead[:, some], {1: rows}),
                "areas": (areas, {0: regions}),
            },
            ("answers", "ratings"),
        ),
    }
    files = []
    for part, (module, inputs, outputs) in parts.items():
        file = folder / f"embedded_{part}.onnx"
        example, free = tuple(each for each, _ in inputs.values()), tuple(each for _, each in inputs.values())
        _export(module, example, tuple(inputs), outputs, free, file)
        _finish(file, notes)
        files.append(file)
    return files


def export_corrections(network: CorrectionNetwork, folder: Path, notes: Mapping[str, str]) -> list[Path]:
    """Write the network that corrects, in two files, and return them.

    `messages`: `answers` (3, R, R), `areas` (R,) and `neighbours` (R, R) to `weights` (heads, R, R), once for an image.
    `corrections`: `tokens` (1, R, TOKENS), `features` (R, D), `areas` (R,) and `weights` to `probabilities` (1, R).
    """
    network, count = copy.deepcopy(network).eval(), 17
    shape, regions = network.shape, torch.export.Dim("regions", min=2, max=4096)
    areas: tuple[Tensor, dict[int, object]] = (torch.full((count,), 1 / count), {0: regions})
    parts: dict[str, tuple[nn.Module, dict[str, tuple[Tensor, dict[int, object]]], str]] = {
        "messages": (
            _Messages(network),
            {
                "answers": (torch.rand(3, count, count), {1: regions, 2: regions}),
                "areas": areas,
                "neighbours": (torch.full((count, count), 1 / count), {0: regions, 1: regions}),
            },
            "weights",
        ),
        "corrections": (
            _Corrections(network),
            {
                "tokens": (torch.rand(1, count, TOKENS), {1: regions}),
                "features": (torch.rand(count, shape.features), {0: regions}),
                "areas": areas,
                "weights": (torch.full((shape.heads, count, count), 1 / count), {1: regions, 2: regions}),
            },
            "probabilities",
        ),
    }
    files = []
    for part, (module, inputs, output) in parts.items():
        files.append(folder / f"embedded_{part}.onnx")
        example, free = tuple(each for each, _ in inputs.values()), tuple(each for _, each in inputs.values())
        _export(module, example, tuple(inputs), (output,), free, files[-1])
        _finish(files[-1], notes)
    return files


def export_pixel_corrections(network: PixelCorrectionNetwork, folder: Path, notes: Mapping[str, str]) -> list[Path]:
    """Write the network that looks at a correction pixel by pixel in two files, in floating point or in whole numbers.

    `pixel_scene`: `image` (1, 3, h, w), `boundary` (1, 1, h/2, w/2) and `features` (1, D, h/4, w/4) to `seen` and
    `known` (1, ., h/2, w/2) and (1, ., h/4, w/4), once for an image; h and w are multiples of 32.
    `pixel_corrections`: `masks` (1, 2, h, w), `clicks` (1, 3, h, w), `seen` and `known` to `probabilities`
    (1, 1, h, w).
    """
    two, four = network.shape.widths[:2]
    inner = folded(network)
    answer = for_export(inner.answer) if isinstance(inner.answer, GraphModule) else inner.answer
    down, across = torch.export.Dim("down", min=1, max=64), torch.export.Dim("across", min=1, max=64)
    parts: dict[str, tuple[nn.Module, dict[str, tuple[int, int]], tuple[str, ...]]] = {
        "pixel_scene": (
            inner.scene,
            {"image": (3, 1), "boundary": (1, 2), "features": (network.shape.features, 4)},
            ("seen", "known"),
        ),
        "pixel_corrections": (
            _PixelAnswer(answer),
            {"masks": (2, 1), "clicks": (3, 1), "seen": (two, 2), "known": (four, 4)},
            ("probabilities",),
        ),
    }
    files = []
    for part, (module, maps, outputs) in parts.items():
        files.append(folder / f"embedded_{part}.onnx")
        example = tuple(torch.rand(1, channels, 96 // stride, 128 // stride) for channels, stride in maps.values())
        free: tuple[dict[int, object], ...] = tuple(
            {2: 32 // stride * down, 3: 32 // stride * across} for _, stride in maps.values()
        )
        _export(module, example, tuple(maps), outputs, free, files[-1])
        _finish(files[-1], notes)
    return files


def example_inputs(shape: RegionShape, regions: int = 17) -> RegionInputs:
    """Inputs of the right shapes: random numbers on a tree that merges regions one after the other."""
    rng = np.random.default_rng(0)

    def numbers(*sides: int) -> NDArray[np.float32]:
        return rng.random(sides, dtype=np.float32)

    last = np.arange(regions - 1)
    joined = np.concatenate([[0], last])
    firsts, ends = np.concatenate([np.arange(regions), 0 * last]), np.concatenate([np.arange(regions) + 1, last + 2])
    return RegionInputs(
        tokens=numbers(regions, shape.tokens),
        pairs=numbers(PAIR_NUMBERS, regions, regions),
        areas=np.full(regions, 1 / regions, np.float32),
        nodes=numbers(2 * regions - 1, NODE_NUMBERS),
        order=np.arange(regions),
        ranges=np.stack([firsts, ends], axis=1),
        parents=np.concatenate([regions + joined, regions + 1 + last]),
        common=np.where(
            np.eye(regions, dtype=bool),
            np.arange(regions),
            regions - 1 + np.maximum.outer(np.arange(regions), np.arange(regions)),
        ).astype(np.int32),
    )


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    dynamic: tuple[dict[int, object], ...],
    file: Path,
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # The exporter warns of its own internals, and of torchvision, which we do not use.
    logging.getLogger("torch.onnx._internal.exporter").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(file),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=dynamic,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _finish(file: Path, notes: Mapping[str, str]) -> None:
    """Store large weights in float16 behind a cast, add notes, drop what only the exporter needed."""
    model = onnx.load(str(file))
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < LEAST_HALVED:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del graph.value_info[:]
    del graph.metadata_props[:]
    del model.metadata_props[:]
    helper.set_model_props(model, dict(notes))
    onnx.checker.check_model(model)
    onnx.save(model, str(file))

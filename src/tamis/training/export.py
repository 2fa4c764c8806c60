"""From trained weights to the two ONNX files that ship: batch norms folded, weights in float16, sizes free."""

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tamis.segmentors.embedded_regions import NODE_NUMBERS, PAIR_NUMBERS, RegionInputs
from tamis.training.networks import PixelNetwork
from tamis.training.region_network import RegionNetwork, RegionShape
from tamis.training.regions import on_device

OPSET = 18
LEAST_HALVED = 256
"""Weights with as many numbers are stored in float16; they are computed with in float32."""

PIXEL_OUTPUTS = ("boundary", "embedding", "bias", "features")


class _Pixels(nn.Module):
    """The pixel network with the outputs that inference needs and the margin inside the bias."""

    def __init__(self, network: PixelNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        outputs = self.network(image)
        return outputs.boundary, outputs.embedding, outputs.bias + self.network.margin, outputs.features


class _Regions(nn.Module):
    """The region network with probabilities instead of logits, and no second answers."""

    def __init__(self, network: RegionNetwork) -> None:
        super().__init__()
        self.network = network

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
    ) -> Tensor:
        answers: Tensor = self.network(tokens, pairs, areas, nodes, order, ranges, parents, common)[0]
        return torch.sigmoid(answers)


def folded(network: nn.Module) -> nn.Module:
    """A copy for inference in which every batch norm is part of the convolution before it."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) >= 2:
            first, second = module[0], module[1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                module[0], module[1] = fuse_conv_bn_eval(first, second), nn.Identity()
        other, norm = getattr(module, "second", None), getattr(module, "norm", None)
        if isinstance(other, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module.second, module.norm = fuse_conv_bn_eval(other, norm), nn.Identity()
    return network


def export_pixels(network: PixelNetwork, file: Path, notes: Mapping[str, str]) -> None:
    """Write the pixel network: `image` (1, 3, H, W) in [0, 1], H and W multiples of 32, to `PIXEL_OUTPUTS`."""
    inner = folded(network)
    assert isinstance(inner, PixelNetwork)
    height, width = 32 * torch.export.Dim("h", min=1, max=128), 32 * torch.export.Dim("w", min=1, max=128)
    _export(_Pixels(inner), (torch.rand(1, 3, 96, 160),), ("image",), PIXEL_OUTPUTS, ({2: height, 3: width},), file)
    _finish(file, notes)


def export_regions(network: RegionNetwork, file: Path, notes: Mapping[str, str]) -> None:
    """Write the region network: the fields of `RegionInputs`, by their names, to `answers` (G, R, R) in [0, 1]."""
    example = on_device(example_inputs(network.shape), torch.device("cpu"))
    regions = torch.export.Dim("regions", min=2, max=4096)
    nodes = torch.export.Dim("nodes", min=3, max=8191)
    free: dict[str, dict[int, object]] = {
        "tokens": {0: regions},
        "pairs": {1: regions, 2: regions},
        "areas": {0: regions},
        "nodes": {0: nodes},
        "order": {0: regions},
        "ranges": {0: nodes},
        "parents": {0: nodes},
        "common": {0: regions, 1: regions},
    }
    module = _Regions(copy.deepcopy(network).eval())
    _export(module, example, tuple(free), ("answers",), tuple(free.values()), file)
    _finish(file, notes)


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
        ),
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
    with warnings.catch_warnings():
        # The exporter warns of its own internals.
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

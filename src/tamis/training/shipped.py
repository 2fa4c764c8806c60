"""The weights in the package as a training begins with them: read back from the ONNX files of stages B to D.

Most weights keep their names there. What the exporter has folded into other numbers is known by its shape, or by the
bias that is added to it; a test exports what is read here again and compares.
"""

from collections.abc import Iterable

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from tamis.segmentors.embedded.weights import weights_of
from tamis.training.correction_network import CorrectionNetwork
from tamis.training.networks import PixelNetwork, folded
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.region_network import GAIN, RegionNetwork, RegionShape

PREFIX, HALF, WHOLE = "network.", "_half", ".whole"
"""Of names, before those of the network and behind those of weights in float16 and in whole numbers."""

COARSER = ("boundary4.", "boundary8.")
"""Weights of the network over pixels that only training needs."""


def shipped_pixels() -> PixelNetwork:
    """The network over pixels, without norms; its coarser borders, which only training knows, are new."""
    network = folded(PixelNetwork())
    found = _named([_numbers(_read("pixels"))])
    fresh = {name: value for name, value in network.state_dict().items() if name.startswith(COARSER)}
    network.load_state_dict(_shaped(found | fresh, network))
    return network


def shipped_regions() -> dict[str, Tensor]:
    """The state of the network over regions."""
    shape = RegionShape()
    relations, regions, answers = (_read(part) for part in ("relations", "regions", "answers"))
    found = _named(map(_numbers, (relations, regions, answers)))
    first, second = (each for each in _numbers(relations).values() if each.shape[1:] == (1,))
    found["relate.0.bias"], found["relate.2.bias"] = first.ravel(), second.ravel()
    found["pair.bias"] = _of_shape(regions, (shape.hidden, 1)).ravel()
    seen = found["relate.0.weight"].shape[1] + 1
    found["pair.weight"] = _of_shape(answers, (shape.hidden, seen))
    found["deep.bias"] = _of_shape(answers, (shape.hidden, 1)).ravel()
    found["answer.weight"] = _of_shape(answers, (shape.granularities, shape.hidden)) / GAIN
    found["shortcut.weight"] = _of_shape(answers, (shape.granularities, seen)) / GAIN
    # Only the sum of the two is kept.
    found["answer.bias"] = _of_shape(answers, (shape.granularities, 1, 1)).ravel() / GAIN
    found["shortcut.bias"] = torch.zeros(shape.granularities)
    found["rating.trust"] = _of_shape(answers, (shape.granularities, 1)).ravel()
    return _complete(found, RegionNetwork())


def shipped_corrections() -> dict[str, Tensor]:
    """The state of the network that corrects."""
    corrections, messages = _read("corrections"), _read("messages")
    found, numbers = _named([_numbers(corrections)]), _numbers(corrections)
    factors = {node.output[0]: name for node in corrections.node if node.op_type == "MatMul" for name in node.input}
    for node in corrections.node:
        if node.op_type == "Add":
            bias = next((name for name in node.input if name.startswith(PREFIX)), "")
            matrix = next((factors[name] for name in node.input if name in factors), "")
            if bias and matrix in numbers:
                found[bias.removeprefix(PREFIX).removesuffix("bias") + "weight"] = numbers[matrix].T
    there, back = (each.ravel() for each in _numbers(messages).values() if each.ndim == 3)
    found["relate"] = torch.stack([there, back], dim=1)
    return _complete(found, CorrectionNetwork())


def shipped_pixel_corrections() -> dict[str, Tensor]:
    """The state of the network that looks at corrections pixel by pixel: without norms, and weights as rounded."""
    graph = _read("pixel_corrections")
    answer = _named([_numbers(graph)])
    for each in graph.initializer:
        if each.name.endswith(WHOLE):
            name = each.name.removeprefix(PREFIX).removesuffix(WHOLE)
            whole = torch.from_numpy(numpy_helper.to_array(each).astype(np.float32))
            answer[name] = whole * answer[name + ".step"].view(-1, *[1] * (whole.ndim - 1))
    found = {f"scene.{name}": value for name, value in _numbers(_read("pixel_scene")).items()}
    found |= {f"answer.{name}": value for name, value in answer.items()}
    return _complete(found, folded(PixelCorrectionNetwork()))


def _read(part: str) -> onnx.GraphProto:
    return onnx.load_from_string(weights_of(part)).graph


def _numbers(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """The weights of a graph by name, in float32."""
    arrays = ((each.name.removesuffix(HALF), numpy_helper.to_array(each)) for each in graph.initializer)
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays if array.dtype.kind == "f"}


def _named(parts: Iterable[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Those that have kept their names."""
    return {
        name.removeprefix(PREFIX): value for part in parts for name, value in part.items() if name.startswith(PREFIX)
    }


def _of_shape(graph: onnx.GraphProto, shape: tuple[int, ...]) -> Tensor:
    """The only weight without a name of its own that has a shape."""
    (found,) = (
        each for name, each in _numbers(graph).items() if tuple(each.shape) == shape and not name.startswith(PREFIX)
    )
    return found


def _complete(found: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """What was found, in the shapes of a network, all of which it must fill."""
    state = _shaped(found, network)
    network.load_state_dict(state)
    return state


def _shaped(found: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    return {name: found[name].reshape(value.shape).clone() for name, value in network.state_dict().items()}

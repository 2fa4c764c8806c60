"""Networks that reckon in whole numbers: eight bits of what a convolution sees, seven of its weights.

Processors multiply them two to four times as fast as floating point, and add them up exactly: all of them agree (Jacob
et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018).
"""

import copy
import operator
from collections.abc import Collection, Mapping

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

MOST = 64
"""Of a weight, up and down: two products of one and a byte fit into the sixteen bits that some processors first add
them in, so that no sum is cut off there."""

_BYTES_TO_BYTES = {operator.add, F.relu, F.interpolate, F.avg_pool2d}
"""What can be done with bytes, besides convolutions."""


class Bytes(nn.Module):
    """A map stored in bytes, from its least to its greatest value, in the mean of all that it is shown in training."""

    low: Tensor
    high: Tensor
    shown: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))
        self.register_buffer("shown", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same, as it is outside of what bytes stretch over while they are shown it."""
        if self.training:
            self.shown += 1
            self.low.lerp_(x.detach().amin(), 1 / int(self.shown))
            self.high.lerp_(x.detach().amax(), 1 / int(self.shown))
            return x
        rounded: Tensor = torch.fake_quantize_per_tensor_affine(x, *self.scale(), 0, 255)
        return rounded

    def scale(self) -> tuple[Tensor, Tensor]:
        """What one more in a byte stands for, and the byte of zero, int32."""
        low, high = self.low.clamp(max=0), self.high.clamp(min=0)
        step = ((high - low) / 255).clamp_min(1e-8)
        return step, torch.round(-low / step).to(torch.int32)


class RoundedConvolution(nn.Module):
    """A convolution whose weights are whole numbers up to `MOST` times one number for each channel."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: Tensor) -> Tensor:
        """As the convolution's."""
        inner, step = self.convolution, self.steps()
        zero = torch.zeros(len(step), dtype=torch.int32, device=step.device)
        weight = torch.fake_quantize_per_channel_affine(inner.weight, step, zero, 0, -MOST, MOST)
        return F.conv2d(x, weight, inner.bias, inner.stride, inner.padding, inner.dilation, inner.groups)

    def steps(self) -> Tensor:
        """(channels,): what one more in a weight stands for."""
        return self.convolution.weight.detach().abs().amax(dim=(1, 2, 3)).clamp_min(1e-8) / MOST


def in_whole_numbers(network: nn.Module, floating: Collection[str]) -> fx.GraphModule:
    """The same network, with its weights, as it will be in whole numbers.

    Args:
        network: for inference, without norms; it must be traceable by `torch.fx`.
        floating: names of convolutions that stay in floating point.
    """
    traced = _traced(network)
    modules = dict(traced.named_modules())
    convolutions = [name for name, each in modules.items() if isinstance(each, nn.Conv2d) and name not in floating]
    whole: set[fx.Node] = set()
    for node in traced.graph.nodes:
        joined = node.target in _BYTES_TO_BYTES or _activates(node, modules)
        if node.target in convolutions or (joined and whole.issuperset(node.all_input_nodes)):
            whole.add(node)
    for node in list(traced.graph.nodes):
        users = [user for user in node.users if not _activates(user, modules)]
        added = node.all_input_nodes[0] if _activates(node, modules) else node
        if added.target not in convolutions:
            users = [user for user in users if user in whole]
        if users:
            _store(traced, node, users)
    for name in convolutions:
        module = modules[name]
        assert isinstance(module, nn.Conv2d)
        traced.set_submodule(name, RoundedConvolution(module))
    traced.recompile()
    return traced


def _traced(network: nn.Module) -> fx.GraphModule:
    """The graph of a network, without what does nothing."""
    traced = fx.symbolic_trace(network)
    for node in list(traced.graph.nodes):
        if node.op == "call_module" and isinstance(traced.get_submodule(str(node.target)), nn.Identity):
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    return traced


def _activates(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether a node is an activation, which a processor applies before it stores what was added up."""
    return node.target is F.relu or isinstance(modules.get(str(node.target)), nn.ReLU)


def _store(traced: fx.GraphModule, node: fx.Node, users: Collection[fx.Node]) -> None:
    """Let some users of a result see the bytes that it is stored in."""
    name = f"bytes_{node.name}"
    traced.add_submodule(name, Bytes())
    with traced.graph.inserting_after(node):
        stored = traced.graph.call_module(name, (node,))
    for user in users:
        user.replace_input_with(node, stored)


def are_whole(values: Mapping[str, Tensor]) -> bool:
    """Whether weights are those of a network in whole numbers."""
    return any(name.endswith(".convolution.weight") for name in values)


def for_export(network: fx.GraphModule) -> fx.GraphModule:
    """A copy with the operators of ONNX for what is rounded, and weights in whole numbers."""
    network = copy.deepcopy(network).eval()
    modules = dict(network.named_modules())
    for node in network.graph.nodes:
        module = modules.get(str(node.target))
        if isinstance(module, RoundedConvolution):
            (seen,) = (modules[str(each.target)] for each in node.all_input_nodes)
            assert isinstance(seen, Bytes)
            network.set_submodule(node.target, _StoredConvolution(module, seen.scale()[0]))
    for name, module in modules.items():
        if isinstance(module, Bytes):
            network.set_submodule(name, _StoredBytes(*module.scale()))
    return network


class _StoredBytes(nn.Module):
    step: Tensor
    zero: Tensor

    def __init__(self, step: Tensor, zero: Tensor) -> None:
        super().__init__()
        self.register_buffer("step", step)
        self.register_buffer("zero", zero.to(torch.uint8))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.step, self.zero
        stored = torch.onnx.ops.symbolic("QuantizeLinear", (x, *scale), dtype=torch.uint8, shape=x.shape)
        return torch.onnx.ops.symbolic("DequantizeLinear", (stored, *scale), dtype=torch.float32, shape=x.shape)


class _Whole(nn.Module):
    """Numbers as whole ones times a step for each channel."""

    whole: Tensor
    step: Tensor

    def __init__(self, values: Tensor, step: Tensor, kind: torch.dtype) -> None:
        super().__init__()
        by_channel = step.view(-1, *[1] * (values.ndim - 1))
        self.register_buffer("whole", torch.round(values.detach() / by_channel).to(kind))
        self.register_buffer("step", step)

    def forward(self) -> Tensor:
        parts, shape = (self.whole, self.step), self.whole.shape
        return torch.onnx.ops.symbolic("DequantizeLinear", parts, {"axis": 0}, dtype=torch.float32, shape=shape)


class _StoredConvolution(nn.Module):
    def __init__(self, convolution: RoundedConvolution, seen: Tensor) -> None:
        super().__init__()
        inner, step = convolution.convolution, convolution.steps()
        self.stride, self.padding, self.groups = inner.stride, inner.padding, inner.groups
        self.weight = _Whole(inner.weight, step, torch.int8)
        bias = torch.zeros_like(step) if inner.bias is None else inner.bias
        # In the unit of the sums that it is added to: earlier versions of onnxruntime take no other.
        self.bias = _Whole(bias, step * seen, torch.int32)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight(), self.bias(), self.stride, self.padding, groups=self.groups)

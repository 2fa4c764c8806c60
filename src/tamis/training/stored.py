"""Networks with weights of a file or of the model in the box, in floating point or rounded."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from tamis.errors import InputError
from tamis.training.checkpoint import load_weights
from tamis.training.correction_network import CorrectionNetwork
from tamis.training.edge_network import EdgeNetwork
from tamis.training.networks import PixelNetwork, folded
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.region_network import RegionNetwork
from tamis.training.rounding import rounded_pixel_corrections
from tamis.training.shipped import shipped_corrections, shipped_pixel_corrections, shipped_regions
from tamis.training.whole_numbers import are_whole

SHIPPED = Path("embedded")
"""As weights of stage B, C or D: those of the model in the box."""

Network = TypeVar("Network", bound=nn.Module)


def load_pixels(weights: Path, network: PixelNetwork) -> PixelNetwork:
    """The network over pixels with the weights of stage A.

    Raises:
        InputError: the weights are of another network.
    """
    return _filled(network, load_weights(weights), weights, "this pixel network")


def load_edges(weights: Path, network: EdgeNetwork) -> EdgeNetwork:
    """What tells edges, with the weights of a run of its own.

    Raises:
        InputError: the weights are of another network.
    """
    return _filled(network, load_weights(weights), weights, "what tells edges")


def load_regions(weights: Path, network: RegionNetwork) -> RegionNetwork:
    """The region network with the weights of stage B.

    Raises:
        InputError: the weights are of another network.
    """
    values = shipped_regions() if weights == SHIPPED else load_weights(weights)
    return _filled(network, values, weights, "the region network")


def load_corrections(weights: Path, network: CorrectionNetwork) -> CorrectionNetwork:
    """The network that corrects, with the weights of stage C.

    Raises:
        InputError: the weights are of another network.
    """
    values = shipped_corrections() if weights == SHIPPED else load_weights(weights)
    return _filled(network, values, weights, "the network that corrects")


def load_pixel_corrections(weights: Path, network: PixelCorrectionNetwork) -> PixelCorrectionNetwork:
    """The network that looks at corrections pixel by pixel with the weights of stage D, rounded if they are.

    What began as the model in the box has no norms: they are part of its convolutions.

    Raises:
        InputError: the weights are of another network.
    """
    what = "the network over pixels that corrects"
    values = shipped_pixel_corrections() if weights == SHIPPED else load_weights(weights)
    if are_whole(values):
        return _filled(rounded_pixel_corrections(network), values, weights, what)
    has_norms = any(name.endswith("running_mean") for name in values)
    return _filled(network if has_norms else folded(network), values, weights, what)


def require_floating(network: PixelCorrectionNetwork, weights: Path) -> PixelCorrectionNetwork:
    """The network, unless it is rounded: what is learned or rounded begins with weights that are not.

    Raises:
        InputError: it is.
    """
    if are_whole(network.state_dict()):
        raise InputError(f"{weights} is rounded already: name the weights that it was made of")
    return network


def _filled(network: Network, values: Mapping[str, Tensor], weights: Path, what: str) -> Network:
    try:
        network.load_state_dict(values)
    except RuntimeError as error:
        raise InputError(f"{weights} holds no weights of {what}: {error}") from error
    return network.eval()

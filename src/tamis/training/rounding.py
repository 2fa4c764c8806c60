"""What of stage D reckons in whole numbers, and how it is shown what its bytes are to stretch over."""

from collections.abc import Iterable

import torch
from torch import nn

from tamis.training.networks import folded
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.pixel_examples import PixelExample
from tamis.training.pixel_store import PixelStore
from tamis.training.whole_numbers import in_whole_numbers

FLOATING = ("tell", "hear", "down4.0", "leave")
"""Of what a click makes of an image: small ones that see masks and clicks, whose bytes would stretch far or be hardly
filled, and the one that gives the answer. What is made of an image once is in floating point, too."""


def rounded_pixel_corrections(network: PixelCorrectionNetwork) -> PixelCorrectionNetwork:
    """The network that looks at corrections pixel by pixel, norms folded or not, in whole numbers."""
    network = folded(network)
    network.answer = in_whole_numbers(network.answer, FLOATING)
    return network


def show(network: nn.Module, examples: Iterable[PixelExample]) -> None:
    """Show the rounded network, whole, what it will be told."""
    network.train()
    with torch.no_grad():
        for example in examples:
            store = PixelStore([example], torch.device("cpu"))
            rows, columns = (torch.arange(side)[None] for side in store.sizes[0])
            network(*store.crops(torch.tensor([0]), rows, columns, torch.tensor([False])).fed)
    network.eval()

"""Work on a graphics card whose memory may not suffice: in smaller batches, and then a word on what to do."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.errors import UnavailableError

Array = NDArray[np.float32]
Network = TypeVar("Network", bound=torch.nn.Module)


def in_smaller_batches(run: Callable[[Array], Array], inputs: Array, size: int) -> Array:
    """The results of `run` over (N, ...) inputs, `size` at a time, or ever fewer while the memory does not suffice.

    Raises:
        UnavailableError: it does not suffice for one.
    """
    while True:
        try:
            parts = [run(inputs[first : first + size]) for first in range(0, len(inputs), size)]
            return np.concatenate(parts)
        except torch.OutOfMemoryError as error:
            if size == 1:
                raise too_large() from error
            torch.cuda.empty_cache()
            size = (min(size, len(inputs)) + 1) // 2


def too_large() -> UnavailableError:
    """What to do where the memory does not suffice for the least there is to do."""
    return UnavailableError(
        "the graphics card's memory does not suffice for one image; end other programs that use the card, choose a "
        "smaller network, or run on the processor: CUDA_VISIBLE_DEVICES= tamis ..."
    )


def ready(network: Network, device: str | None = None) -> tuple[Network, torch.device]:
    """A network ready to answer on the device of a name, or on the graphics card where there is one, and the device.

    Raises:
        UnavailableError: the graphics card's memory does not suffice.
    """
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        return network.eval().to(place), place
    except torch.OutOfMemoryError as error:
        raise too_large() from error

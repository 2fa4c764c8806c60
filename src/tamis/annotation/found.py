"""An object of one image, looked for in others: what "find this in the other images" asks."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from tamis.arrays import ImageArray, MaskArray
from tamis.personal.methods import load_method
from tamis.personal.protocol import Location, Memory, Method, Reference

MEMORIES = 4
"""Objects that are remembered: some hundred kilobytes each."""


class Finder:
    """Looks for objects, one at a time: each look takes all that a processor has. May be used by several threads.

    Args:
        load: gives the method, when it is first asked for; by default that of the model in the box.
    """

    def __init__(self, load: Callable[[], Method] = load_method) -> None:
        self._load = load
        self._method: Method | None = None
        self._memories: OrderedDict[str, Memory] = OrderedDict()
        self._lock = threading.Lock()

    def find(
        self, key: str, reference: Callable[[], tuple[ImageArray, MaskArray]], target: Callable[[], ImageArray]
    ) -> Location:
        """Look for an object in an image.

        Args:
            key: that tells the object from others.
            reference: gives an image (H, W, 3) with the object and the mask (H, W) of it; asked for once.
            target: gives the image.

        Raises:
            InputError: an image cannot be read.
        """
        with self._lock:
            if self._method is None:
                self._method = self._load()
            if key not in self._memories:
                self._memories[key] = self._method.remember([Reference(*reference())])
            self._memories.move_to_end(key)
            while len(self._memories) > MEMORIES:
                self._memories.popitem(last=False)
            return self._memories[key].locate(self._method.look(target()))

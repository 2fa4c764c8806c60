"""tamis: a model of P(pixel z belongs to the mask | a click at pixel x), and what follows from it.

>>> import tamis
>>> image = tamis.read_image("photo.jpg")                              # doctest: +SKIP
>>> encoded = tamis.load_segmentor("hierarchy").encode(image)          # doctest: +SKIP
>>> mask = encoded.probability([tamis.Click(x=120, y=80)]) > 0.5       # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tamis.clicks import Click as Click
    from tamis.errors import TamisError as TamisError
    from tamis.image import read_image as read_image
    from tamis.mask import Masks as Masks
    from tamis.segmentors import load_segmentor as load_segmentor

_HOME = {
    "Click": "tamis.clicks",
    "Masks": "tamis.mask",
    "TamisError": "tamis.errors",
    "load_segmentor": "tamis.segmentors",
    "read_image": "tamis.image",
}

__all__ = ["Click", "Masks", "TamisError", "__version__", "load_segmentor", "read_image"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing tamis costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'tamis' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

"""tamis: a model of P(pixel z belongs to the mask | a click at pixel x), and what follows from it.

>>> import tamis
>>> encoded = tamis.load("embedded").encode("photo.jpg")               # doctest: +SKIP
>>> encoded.predict([(120, 80), (30, 40, "-")]).mask                   # doctest: +SKIP
>>> encoded.masks(tamis.Tiles(1024), min_score=0.4).save("masks.json") # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tamis.annotation.project import Project as Project
    from tamis.annotation.project import open_project as open_project
    from tamis.api import Encoded as Encoded
    from tamis.api import Model as Model
    from tamis.api import Prediction as Prediction
    from tamis.api import evaluate as evaluate
    from tamis.api import export as export
    from tamis.api import load as load
    from tamis.api import segment as segment
    from tamis.clicks import Click as Click
    from tamis.compat.strategy import SamGenerator as SamGenerator
    from tamis.datasets.registry import open_dataset as open_dataset
    from tamis.errors import InputError as InputError
    from tamis.errors import TamisError as TamisError
    from tamis.evaluation.summary import Evaluation as Evaluation
    from tamis.image import read_image as read_image
    from tamis.image import write_image as write_image
    from tamis.mask import Masks as Masks
    from tamis.partition.strategy import Partition as Partition
    from tamis.proposals import Adaptive as Adaptive
    from tamis.proposals import Clicks as Clicks
    from tamis.proposals import Proposal as Proposal
    from tamis.proposals import Proposals as Proposals
    from tamis.proposals import Selection as Selection
    from tamis.proposals import Tiles as Tiles
    from tamis.segmentors.registry import list_models as list_models
    from tamis.segmentors.registry import load_segmentor as load_segmentor

_HOME = {
    "Adaptive": "tamis.proposals",
    "Click": "tamis.clicks",
    "Clicks": "tamis.proposals",
    "Encoded": "tamis.api",
    "Evaluation": "tamis.evaluation.summary",
    "InputError": "tamis.errors",
    "Masks": "tamis.mask",
    "Model": "tamis.api",
    "Partition": "tamis.partition.strategy",
    "Prediction": "tamis.api",
    "Project": "tamis.annotation.project",
    "Proposal": "tamis.proposals",
    "Proposals": "tamis.proposals",
    "SamGenerator": "tamis.compat.strategy",
    "Selection": "tamis.proposals",
    "TamisError": "tamis.errors",
    "Tiles": "tamis.proposals",
    "evaluate": "tamis.api",
    "export": "tamis.api",
    "list_models": "tamis.segmentors.registry",
    "load": "tamis.api",
    "load_segmentor": "tamis.segmentors.registry",
    "open_dataset": "tamis.datasets.registry",
    "open_project": "tamis.annotation.project",
    "read_image": "tamis.image",
    "segment": "tamis.api",
    "write_image": "tamis.image",
}

__all__ = [
    "Adaptive",
    "Click",
    "Clicks",
    "Encoded",
    "Evaluation",
    "InputError",
    "Masks",
    "Model",
    "Partition",
    "Prediction",
    "Project",
    "Proposal",
    "Proposals",
    "SamGenerator",
    "Selection",
    "TamisError",
    "Tiles",
    "__version__",
    "evaluate",
    "export",
    "list_models",
    "load",
    "load_segmentor",
    "open_dataset",
    "open_project",
    "read_image",
    "segment",
    "write_image",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing tamis costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'tamis' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])

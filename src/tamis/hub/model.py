"""A set of weights on the hub."""

from dataclasses import dataclass

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FILES = (CONFIG, WEIGHTS)
"""All that a model needs; no format that could hold code is read."""

APACHE = "Apache-2.0"


@dataclass(frozen=True)
class HubModel:
    """One set of weights.

    Attributes:
        name: in the registry.
        family: of networks, a name that the catalogue of those who use it knows.
        repository: on the hub.
        megabytes: of the weights.
        revision: the pinned commit; empty where none is on record.
        sha256: of the weights at that revision; empty where none is on record.
        licence: of the weights.
        gated: whether the hub gives it only to those who have accepted the licence there.
    """

    name: str
    family: str
    repository: str
    megabytes: float
    revision: str = ""
    sha256: str = ""
    licence: str = APACHE
    gated: bool = False

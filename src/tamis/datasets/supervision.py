"""What the masks of a dataset teach, and which of its splits are learned from, looked at and never seen."""

from dataclasses import dataclass
from enum import Enum

from tamis.datasets.splits import TRAINING, VALIDATION


class Kind(Enum):
    """What the pixels outside a clicked mask say."""

    PARTITION = "partition"
    """Every pixel belongs to a mask; several annotators may disagree."""
    INSTANCES = "instances"
    """Objects; a pixel without a mask is outside all of them but may lie on something else."""
    SINGLE = "single"
    """One salient object; what is outside it is, weakly, a mask too."""


@dataclass(frozen=True)
class Supervision:
    """How a dataset is trained on.

    Attributes:
        kind: of its masks.
        training: the splits that are learned from, one after the other; none for a test set.
        validation: the split that says how a run goes.
        held_out: the split that says how good a model is, as it is evaluated; None for the first there is.
    """

    kind: Kind
    training: tuple[str, ...] = (TRAINING,)
    validation: str | None = VALIDATION
    held_out: str | None = VALIDATION

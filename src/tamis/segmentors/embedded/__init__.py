"""The model in the box."""

from tamis.segmentors.embedded.model import Embedded

__all__ = ["Embedded"]

"""Masks of a whole image without a person: simulated clicks, ranked and thinned out."""

from tamis.proposals.grid import Proposals, grid_proposals, propose
from tamis.proposals.selection import Selection

__all__ = ["Proposals", "Selection", "grid_proposals", "propose"]

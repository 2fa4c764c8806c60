"""Masks of a whole image without a person: simulated clicks, ranked and thinned out."""

from tamis.proposals.grid import Proposals, grid_proposals, propose

__all__ = ["Proposals", "grid_proposals", "propose"]

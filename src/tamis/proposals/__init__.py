"""Masks of a whole image, automatically: simulated clicks, ranked and thinned out."""

from tamis.proposals.collection import Proposal, Proposals
from tamis.proposals.grid import grid_proposals, propose
from tamis.proposals.selection import Selection
from tamis.proposals.strategies import Adaptive, Clicks, Tiles

__all__ = ["Adaptive", "Clicks", "Proposal", "Proposals", "Selection", "Tiles", "grid_proposals", "propose"]

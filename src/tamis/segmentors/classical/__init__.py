"""Segmentors that learned nothing or eight numbers: a hierarchy of regions, GrabCut, the random walker."""

"""Semantic segmentation: a class for every pixel, by the rules by which ADE20K figures are published."""

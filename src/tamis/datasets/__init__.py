"""Datasets of images and masks, one module for each."""

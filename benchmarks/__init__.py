"""Measured comparisons of tamis with its peers: `python -m benchmarks [name ...]`."""

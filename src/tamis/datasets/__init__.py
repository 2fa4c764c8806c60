"""Datasets of images and masks, one module for each kind of layout.

>>> from tamis.datasets import list_datasets
>>> [entry.name for entry in list_datasets()][:3]
['davis345', 'davis', 'hqseg44k']
"""

from tamis.datasets.catalogue import Entry
from tamis.datasets.protocol import Dataset, Sample, Target, check_target
from tamis.datasets.registry import find_dataset, list_datasets, open_dataset, splits_of

__all__ = [
    "Dataset",
    "Entry",
    "Sample",
    "Target",
    "check_target",
    "find_dataset",
    "list_datasets",
    "open_dataset",
    "splits_of",
]

"""Datasets of images and masks that a test makes up."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.protocol import Sample, Target


def sample_of(folder: Path, name: str, image: ImageArray, masks: Mapping[str, MaskArray]) -> Sample:
    """A sample whose files are in `folder`."""
    Image.fromarray(image).save(folder / f"{name}.png")
    np.savez(folder / f"{name}.npz", **masks)  # type: ignore[arg-type]
    return Sample(name, folder / f"{name}.png", partial(_targets, folder / f"{name}.npz"))


def _targets(path: Path) -> Iterator[Target]:
    with np.load(path) as masks:
        for key in masks:
            yield Target(key, masks[key])

"""Small made-up data for the tests of training."""

from pathlib import Path

import numpy as np

from tamis.training.embedding import EmbeddingOptions, Phase
from tamis.training.encoders import LITE2
from tamis.training.networks import EmbeddingShape
from tamis.training.photographs import Photograph
from tamis.training.synthetic import synthetic_photograph

TINY = EmbeddingShape(
    stages=tuple(stage._replace(channels=8, blocks=1, expansion=min(2, stage.expansion)) for stage in LITE2),
    stem=8,
    widths=(8, 8, 8, 8),
    attention=1,
    fine=8,
    embedding=6,
)

OPTIONS = EmbeddingOptions(shape=TINY, phases=(Phase(0.0, 64, 2, (0.5, 1.0)),))


def scenes(count: int, side: int = 96) -> list[Photograph]:
    """Synthetic photographs with names."""
    made = [synthetic_photograph(np.random.default_rng(seed), size=side) for seed in range(count)]
    return [Photograph("scenes", f"{i}", scene.kind, scene.image, scene.maps) for i, scene in enumerate(made)]


def column(file: Path, name: str) -> list[float]:
    """One column of a CSV file."""
    head, *rows = file.read_text().splitlines()
    place = head.split(",").index(name)
    return [float(row.split(",")[place]) for row in rows]

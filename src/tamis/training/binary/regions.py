"""A light head on the model in the box: what the assistant learns of a concept, from a whole training set at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

import tamis
from tamis.annotation.assistant.concept import RegionView
from tamis.annotation.assistant.learner import Learner
from tamis.annotation.simulate.studio import Studio
from tamis.datasets.protocol import Dataset
from tamis.image import write_image
from tamis.results.files import write_json
from tamis.results.folder import result_folder
from tamis.results.run import file_hash, fingerprint
from tamis.segmentors import Segmentor, weights_of
from tamis.training.binary.data import read
from tamis.training.binary.measure import means, measured

EVERY = 20
"""Images after which something is said."""


def train_regions(segmentor: Segmentor, train: Dataset, test: Dataset, out: Path) -> Iterator[str]:
    """Learn in closed form, measure at actual size, and write `test.json`, `masks/NAME.png` and `run.json`.

    Yields:
        A sentence now and then, and in the end.

    Raises:
        InputError: the segmentor has no regions, or no training image a mask.
    """
    images = fingerprint(file_hash(sample.image_path) for sample in (*train.samples, *test.samples))
    settings = {"model": "regions", "data": [f"{each.name} {each.split}".strip() for each in (train, test)]}
    with result_folder(out, settings, weights_of(segmentor), images) as run:
        learner, studio = Learner(), Studio(segmentor, None, train)
        for number, sample in enumerate(train.samples, 1):
            _, wanted = read(sample)
            encoded = studio.seen(sample)
            learner.learn(sample.name, learner.lesson(encoded, RegionView.of(encoded), wanted))
            if number % EVERY == 0 or number == len(train.samples):
                yield f"learned {number} of {len(train.samples)} images"
        rows = []
        for sample in test.samples:
            _, wanted = read(sample)
            encoded = studio.seen(sample)
            view = RegionView.of(encoded)
            told = np.clip(learner.query(view).probability(encoded, view), 1e-6, 1 - 1e-6)
            found = measured(torch.from_numpy(np.log(told / (1 - told))), wanted)
            rows.append({"image": sample.name, "actual": vars(found)})
            write_image(out / "masks" / f"{sample.name}.png", told > 0.5)
        told_json = {"version": tamis.__version__, "weights": run.weights, "images": len(rows), "mean": means(rows)}
        write_json(out / "test.json", {**told_json, "rows": rows})
        yield f"masks: {out / 'masks'}"

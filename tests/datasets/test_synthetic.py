import pickle
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest

from tamis.datasets import Dataset, Target, check_target, list_datasets, open_dataset, splits_of
from tamis.datasets.registry import find_dataset
from tamis.datasets.scenes import ExpectedSample, make_scenes
from tamis.datasets.synthetic import write_synthetic
from tamis.datasets.synthetic_layouts import WRITERS
from tamis.errors import InputError

NAMES = [entry.name for entry in list_datasets()]

CASES = [(name, None) for name in NAMES] + [
    (entry.name, split) for entry in list_datasets() for split in entry.splits[1:]
]


def assert_same(dataset: Dataset, written: tuple[ExpectedSample, ...]) -> None:
    """What was written is what is read: names, order, ids, masks, ignored pixels."""
    assert [sample.name for sample in dataset.samples] == [one.name for one in written]
    for sample, one in zip(dataset.samples, written, strict=True):
        image = sample.image()
        assert image.shape == one.image.shape
        for found, expected in zip_longest(sample.targets(), one.targets):
            assert isinstance(found, Target)
            assert found.id == expected.id
            np.testing.assert_array_equal(found.mask, expected.mask)
            assert found.mask.dtype == np.bool_
            assert (found.valid is None) == (expected.valid is None)
            if expected.valid is not None:
                np.testing.assert_array_equal(found.valid, expected.valid)
            check_target(image.shape, found, sample.name)


@pytest.mark.parametrize(("name", "split"), CASES)
def test_what_was_written_is_what_is_read(name: str, split: str | None, tmp_path: Path) -> None:
    root = tmp_path / "set"
    written = write_synthetic(name, root, split, scenes=12, seed=3)
    dataset = open_dataset(name, root, split)
    assert_same(dataset, written)
    assert dataset.samples
    assert dataset.split in splits_of(find_dataset(name), root)
    assert set(dataset.unmatched) <= {"annotations of crowds, whose pixels do not count"}
    assert dataset.licence
    assert dataset.citation
    # Samples travel to other processes.
    again = pickle.loads(pickle.dumps(dataset))
    assert [target.id for target in again.samples[0].targets()] == [target.id for target in written[0].targets]


def test_every_dataset_can_be_written() -> None:
    assert list(WRITERS) == NAMES


def test_scenes_are_the_same_for_the_same_seed() -> None:
    one, two, other = make_scenes(4, seed=5), make_scenes(4, seed=5), make_scenes(4, seed=6)
    for a, b, c in zip(one, two, other, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.labels, b.labels)
        assert not np.array_equal(a.labels, c.labels)
        assert a.shapes == list(range(1, len(a.shapes) + 1))
        assert min((a.labels == k).sum() for k in a.shapes) >= 16


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not an empty folder"):
        write_synthetic("folder", tmp_path)
    with pytest.raises(InputError, match="has no split 'vla'"):
        write_synthetic("sbd", tmp_path / "set", "vla")

from fractions import Fraction
from pathlib import Path

import numpy as np

from tamis.semantic.data.dataset import open_semantic
from tamis.semantic.data.subset import balanced_part, class_presence, random_part
from tests.semantic.label_maps import write_folders

FOUR = Fraction(1, 4)


def test_a_random_part_has_its_size_and_depends_on_the_seed() -> None:
    parts = [random_part(100, FOUR, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert all(len(set(part)) == 25 and part == sorted(part) for part in parts)
    assert parts[0] == parts[1] != parts[2]
    assert random_part(3, Fraction(1, 100), np.random.default_rng(0)) != []


def test_every_class_keeps_about_its_share_in_a_balanced_part() -> None:
    presence = np.random.default_rng(0).random((400, 12)) < np.linspace(0.01, 0.6, 12)
    wanted = presence.sum(axis=0) / 4
    for seed in range(10):
        part = balanced_part(presence, FOUR, np.random.default_rng(seed))
        assert len(set(part)) == 100
        assert part == sorted(part)
        found = presence[part].sum(axis=0)
        assert (abs(found - wanted)[:6] < 1).all()  # rare classes to the sample
        assert (abs(found - wanted) < 0.2 * wanted + 1).all()


def test_chance_alone_would_lose_rare_classes() -> None:
    presence = np.zeros((400, 1), bool)
    presence[:2] = True
    lost = [not presence[random_part(400, FOUR, np.random.default_rng(seed))].any() for seed in range(20)]
    kept = [presence[balanced_part(presence, FOUR, np.random.default_rng(seed))].any() for seed in range(20)]
    assert any(lost)
    assert all(kept)


def test_a_part_has_its_size_where_there_is_no_room_for_every_class_and_where_there_are_none() -> None:
    for presence in (np.eye(8, dtype=bool)[:, :7], np.zeros((8, 3), bool), np.ones((8, 1), bool)):
        assert len(set(balanced_part(presence, FOUR, np.random.default_rng(0)))) == 2


def test_the_classes_of_samples(tmp_path: Path) -> None:
    dataset = open_semantic(write_folders(tmp_path, {"train": [[0, 2], [1, 255]]}), "train")
    assert class_presence(dataset).tolist() == [[True, False, True], [False, True, False]]

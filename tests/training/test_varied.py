import numpy as np
import pytest

pytest.importorskip("torch")

from tamis.arrays import ImageArray
from tamis.training import varied as module
from tamis.training.photographs import Int16Map
from tamis.training.varied import LEAST, STRETCHED, varied
from tests.training.scenes import scenes


def test_maps_follow_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COLOURED", 0)
    monkeypatch.setattr(module, "COMPRESSED", 0)
    scene = scenes(1, side=64)[0]

    def colours(image: ImageArray, labels: Int16Map, label: int) -> set[tuple[int, ...]]:
        return set(map(tuple, image[labels == label].tolist()))

    for seed in range(20):
        look = varied(scene, np.random.default_rng(seed))
        assert look.image.shape[:2] == look.maps[0].shape
        for label in np.unique(look.maps[0]):
            assert colours(look.image, look.maps[0], label) <= colours(scene.image, scene.maps[0], label)


def test_looks_differ_by_chance_alone_and_are_large_enough() -> None:
    scene = scenes(1, side=64)[0]
    looks = [varied(scene, np.random.default_rng(seed)) for seed in range(20)]
    np.testing.assert_array_equal(looks[3].image, varied(scene, np.random.default_rng(3)).image)
    assert len({look.image.tobytes() for look in looks}) == 20
    assert min(min(look.image.shape[:2]) for look in looks) >= int(64 * LEAST * np.exp(-STRETCHED))
    assert all(look.image.dtype == np.uint8 and look.maps[0].dtype == np.int16 for look in looks)
    assert scene.image.shape == (64, 64, 3)

"""Descriptors of the model in the box: unit vectors that do not know where in an image they come from."""

import numpy as np

from tamis.segmentors import DescribesRegions
from tamis.segmentors.embedded import Embedded
from tamis.segmentors.embedded.appearance import Standard, standards
from tests.personal.scenes import scene


def test_it_describes_regions_and_images() -> None:
    model, (image, _) = Embedded(), scene("ball", 0)
    assert isinstance(model, DescribesRegions)
    seen = model.appearance(image)
    count = int(seen.encoded.region_map.max()) + 1
    assert seen.parts.shape == (count, 120)
    assert seen.things.shape == (count, 352)
    vector = model.image_vector(image)
    assert vector.shape == (352,)
    np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)


def test_unit_vectors_know_nothing_of_the_directions_of_place() -> None:
    rng = np.random.default_rng(0)
    place = np.linalg.qr(rng.normal(size=(6, 2)))[0].T.astype(np.float32)
    standard = Standard(np.zeros(6, np.float32), np.ones(6, np.float32), place)
    vectors = standard.unit(rng.normal(size=(5, 6)).astype(np.float32))
    np.testing.assert_allclose(vectors @ place.T, 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for name, channels in (("deep16", 120), ("deep32", 352)):
        shipped = standards()[name]
        np.testing.assert_allclose(shipped.place @ shipped.place.T, np.eye(len(shipped.place)), atol=0.01)
        assert shipped.mean.shape == (channels,)

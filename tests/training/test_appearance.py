from pathlib import Path

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.segmentors.embedded import Embedded
from tamis.training.appearance import measure_standards, save_standards
from tests.personal.scenes import scene


def test_standards_are_the_mean_and_deviation_of_cells_and_are_read_as_written(tmp_path: Path) -> None:
    images = [scene("ball", 0)[0], scene("box", 1)[0]]
    found = measure_standards(images)
    cells = np.concatenate([Embedded().deep_maps(image).deep32.reshape(352, -1).T for image in images])
    np.testing.assert_allclose(found["deep32"].mean, cells.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found["deep32"].deviation, cells.std(axis=0), atol=1e-4)
    assert found["deep16"].place.shape == (20, 120)
    save_standards(tmp_path / "standards.npz", found)
    with np.load(tmp_path / "standards.npz") as stored:
        np.testing.assert_array_equal(stored["deep16_mean"], found["deep16"].mean)
        np.testing.assert_allclose(stored["deep32_place"], found["deep32"].place, atol=1e-3)
    with pytest.raises(InputError, match="at least one photograph"):
        measure_standards([])

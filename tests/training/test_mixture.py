import numpy as np
import pytest

from tamis.training.mixture import Mixture
from tests.training.scenes import scenes


def test_data_sets_are_drawn_by_their_shares_whatever_their_size() -> None:
    shares = {"many": 1.0, "few": 3.0, "absent": 9.0}
    mixture = Mixture({"many": scenes(1) * 50, "few": scenes(2)}, shares)
    drawn = mixture.draw(np.random.default_rng(0), 4000)
    assert np.mean(drawn >= 50) == pytest.approx(0.75, abs=0.03)
    assert set(drawn) == set(range(52))

"""The page with a slider: what is in it, and what its script draws."""

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import ImageArray
from tamis.mask import boundaries
from tamis.partition.nested import Partitions
from tamis.partition.page import LARGEST, detail_slider
from tamis.regions.superpixels import Superpixels
from tests.web.conftest import run as run

Run = Callable[[str, Any], Any]


@pytest.fixture
def image() -> ImageArray:
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)


@pytest.fixture
def partitions() -> Partitions:
    columns = np.repeat(np.arange(3, dtype=np.int32), 3)[None].repeat(6, axis=0)
    return Partitions(Superpixels(columns), np.array([[0, 0, 0], [0, 0, 1], [0, 2, 1]], np.uint16))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    content: dict[str, Any] = json.loads(found[1])
    return content


def pixels_of(address: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def test_the_page_holds_superpixels_and_splits(image: ImageArray, partitions: Partitions) -> None:
    page = detail_slider(image, partitions, 2)
    data = data_of(page)
    labels = pixels_of(data["labels"]).astype(int)
    assert (labels[..., 0] + 256 * labels[..., 1] == partitions.superpixels.labels).all()
    assert data["splits"] == [[2], [1]]
    assert data["areas"] == [18, 18, 18]
    assert 'max="3" value="2"' in page
    assert "http" not in page.replace("http://www.w3.org", "")  # nothing is fetched


def test_large_images_are_made_smaller(partitions: Partitions) -> None:
    large = np.zeros((40, 3 * LARGEST), np.int32)
    page = detail_slider(np.zeros((*large.shape, 3), np.uint8), Partitions(Superpixels(large), partitions.levels), 1)
    assert pixels_of(data_of(page)["labels"]).shape[1] == LARGEST


def test_its_script_draws_regions_in_their_mean_colours(run: Run, image: ImageArray, partitions: Partitions) -> None:
    data = data_of(detail_slider(image, partitions, 1))
    opaque = np.full((6, 9, 1), 255, np.uint8)
    pixels = {
        data["photo"]: np.dstack([image, opaque]).ravel().tolist(),
        data["labels"]: np.dstack([pixels_of(data["labels"]), opaque]).ravel().tolist(),
    }
    told = run("slider", {"data": data, "pixels": pixels, "size": [9, 6], "counts": [1, 2, 3]})
    assert told["said"] == "3"
    for count, drawn in zip((1, 2, 3), told["drawn"], strict=True):
        shown = np.array(drawn).reshape(6, 9, 4)[..., :3]
        labels = partitions.labels(count)
        edges = boundaries(labels)
        assert (shown[edges] == 255).all()
        for region in range(count):
            inside = (labels == region) & ~edges
            mean = image[labels == region].mean(axis=0)
            assert np.abs(shown[inside] - mean).max() <= 1

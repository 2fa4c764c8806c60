"""The object of a mask, looked for in other images."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tamis.mask import Masks
from tests.server.test_assistant import NUMBERS, disc


def drawn(page: Any, name: str) -> int:
    """The number of an image after its disc was drawn as mask `m`."""
    image: int = next(each["id"] for each in page.get("/api/images")["images"] if each["name"] == name)
    rle = Masks.from_dense(disc(NUMBERS[name])[None]).coco()[0]
    label = page.get("/api/project")["labels"][0]["id"]
    body = {"id": "m", "label": label, "rle": {"size": [40, 60], "counts": rle["counts"].decode()}, "tool": "click"}
    event = {"uuid": uuid4().hex, "kind": "mask.set", "body": body, "at": "", "active_ms": 4000, "clicks": 1}
    page.send(page.lease(image), page.get(f"/api/images/{image}/events")["seq"], event, image_id=image)
    return image


@pytest.mark.parametrize("name", ["b.jpg", "<i>c<.png"])
def test_what_a_mask_shows_is_found_elsewhere_and_nothing_is_saved(page: Any, name: str) -> None:
    source = drawn(page, "a.png")
    target = next(each["id"] for each in page.get("/api/images")["images"] if each["name"] == name)
    told = page.get(f"/api/images/{target}/found?source={source}&mask=m")
    found, meant = Masks.from_coco([told["rle"]])[0], disc(NUMBERS[name])
    assert np.count_nonzero(found & meant) / np.count_nonzero(found | meant) > 0.7
    assert 0.2 < told["presence"] <= 1
    assert page.get(f"/api/images/{target}/events")["seq"] == 0


def test_a_mask_that_is_not_there_is_named(page: Any) -> None:
    source = drawn(page, "a.png")
    answer = page.client.get(f"/api/images/{source}/found?source={source}&mask=other")
    assert answer.status_code == 422
    assert "a.png has no mask with the id 'other'" in answer.text

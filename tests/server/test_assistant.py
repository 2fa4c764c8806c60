"""The assistant: what it learns from, what it proposes, and that asking saves nothing."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tamis.arrays import MaskArray
from tamis.mask import Masks

JSON = dict[str, Any]


def disc(number: int) -> MaskArray:
    """What is red on the image with this number of the folder."""
    rows, columns = np.mgrid[:40, :60]
    return np.asarray((rows - 20) ** 2 + (columns - 20 - 10 * number) ** 2 < 100)


NUMBERS = {"a.png": 0, "b.jpg": 1, "<i>c<.png": 2}


class Desk:
    """Somebody who finishes images, and looks at what the assistant makes of it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.cat, self.dog = (label["id"] for label in page.get("/api/project")["labels"])
        self.ids = {image["name"]: image["id"] for image in page.get("/api/images")["images"]}

    def event(self, kind: str, body: JSON) -> JSON:
        return {"uuid": uuid4().hex, "kind": kind, "body": body, "at": "", "active_ms": 4000, "clicks": 1}

    def disc_of(self, name: str, tool: str = "click") -> JSON:
        rle = Masks.from_dense(disc(NUMBERS[name])[None]).coco()[0]
        told = {"size": [40, 60], "counts": rle["counts"].decode()}
        return self.event("mask.set", {"id": "m", "label": self.cat, "rle": told, "tool": tool})

    def do(self, name: str, *events: JSON) -> None:
        image = self.ids[name]
        seq = self.page.get(f"/api/images/{image}/events")["seq"]
        self.page.send(self.page.lease(image), seq, *events, image_id=image)

    def finish(self, name: str, *events: JSON) -> None:
        self.do(name, *events, self.event("image.state", {"state": "done"}))

    def overview(self, label: str = "") -> Any:
        return self.page.get(f"/api/assistant?label={label or self.cat}")

    def proposal(self, name: str, label: str = "") -> Any:
        return self.page.get(f"/api/images/{self.ids[name]}/assistant?label={label or self.cat}")

    def until(self, state: str, label: str = "", rated: int = 0, learned: int | None = None) -> Any:
        end = time.monotonic() + 20
        while not self._is(told := self.overview(label), state, rated, learned):
            assert time.monotonic() < end, told
            time.sleep(0.02)
        return told

    @staticmethod
    def _is(told: JSON, state: str, rated: int, learned: int | None) -> bool:
        return told["state"] == state and len(told["images"]) >= rated and learned in (None, told["learned"])

    def confidence(self, name: str) -> float:
        told = self.overview()["images"]
        return float(next(each["confidence"] for each in told if each["id"] == self.ids[name]))

    def unchanged(self, version: int) -> Any:
        """What is told to somebody who knows the latest version, as soon as nothing is being worked on."""
        end = time.monotonic() + 20
        while (told := self.page.get(f"/api/assistant?label={self.cat}&since={version}"))["images"] is not None:
            assert time.monotonic() < end, told
            version = told["version"]
        return told


@pytest.fixture
def desk(page: Any) -> Desk:
    found = Desk(page)
    end = time.monotonic() + 20
    while any(each["encoded"] != "ready" for each in page.get("/api/images")["images"]):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_it_learns_from_a_finished_image_and_proposes_the_next(desk: Desk) -> None:
    assert desk.until("untaught")["why"] == "finish one image with a mask of 'cat' first: the assistant learns from it"
    assert desk.proposal("b.jpg")["proposal"] is None
    desk.do("a.png", desk.disc_of("a.png"))
    assert desk.until("untaught")["learned"] == 0  # begun, and not finished
    desk.finish("a.png")
    told = desk.until("ready", rated=2)
    assert told["learned"] == 1
    assert {each["id"] for each in told["images"]} == {desk.ids["b.jpg"], desk.ids["<i>c<.png"]}
    assert not any(each["empty"] for each in told["images"])
    for name in ("b.jpg", "<i>c<.png"):
        proposal = desk.proposal(name)["proposal"]
        mask, meant = Masks.from_coco([proposal["rle"]])[0], disc(NUMBERS[name])
        assert (mask & meant).sum() / (mask | meant).sum() > 0.8
        assert proposal["confidence"] > 0.3
        assert desk.page.get(f"/api/images/{desk.ids[name]}/events")["seq"] == 0  # asking saves nothing
    assert desk.proposal("a.png")["proposal"] is None  # it has its mask
    assert desk.unchanged(told["version"])["learned"] == 1


def test_it_forgets_what_is_taken_back(desk: Desk) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.until("ready")
    desk.do("a.png", desk.event("image.state", {"state": "progress"}))
    assert desk.until("untaught")["learned"] == 0
    assert desk.proposal("b.jpg")["proposal"] is None
    desk.finish("a.png")
    desk.until("ready")
    desk.do("a.png", desk.event("mask.delete", {"id": "m"}))
    assert desk.until("untaught")["learned"] == 1  # done without a mask: nothing here


def test_a_finished_image_without_a_mask_teaches_that_there_is_nothing(desk: Desk) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.until("ready", rated=2)
    before = desk.confidence("<i>c<.png")
    desk.finish("b.jpg")
    desk.until("ready", rated=1, learned=2)
    end = time.monotonic() + 20
    while (after := desk.confidence("<i>c<.png")) == before:  # what it thought before the lesson is told until it rates
        assert time.monotonic() < end, after
        time.sleep(0.02)
    assert after < before


def test_labels_are_learned_apart(desk: Desk) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.until("ready")
    assert desk.until("untaught", desk.dog)["why"].startswith("finish one image with a mask of 'dog'")
    assert desk.proposal("b.jpg", desk.dog)["proposal"] is None
    answer = desk.page.client.get("/api/assistant?label=nothing")
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "there is no label with the id 'nothing' in this project",
    )


def test_when_all_is_annotated_there_is_nothing_left(desk: Desk) -> None:
    for name in NUMBERS:
        desk.finish(name, desk.disc_of(name))
    told = desk.until("complete", learned=3)
    assert told["sure"] is None  # two proposals whose end is known are too few
    assert (told["why"], told["images"]) == ("every image is annotated: there is nothing left to propose", [])


def test_it_knows_after_a_restart_what_it_knew(desk: Desk, serve: Callable[..., Any]) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.finish("b.jpg", desk.disc_of("b.jpg"))
    desk.until("ready", learned=2)
    again = Desk(serve())
    again.until("ready", rated=1, learned=2)
    assert again.proposal("<i>c<.png") == desk.proposal("<i>c<.png")


def test_without_regions_it_is_off_and_says_why(serve: Callable[..., Any]) -> None:
    desk = Desk(serve(segmentor="grabcut"))
    why = desk.until("off")["why"]
    assert why == ("the assistant is off: 'grabcut' does not answer by region; start with --model embedded to have it")
    assert desk.proposal("a.png")["proposal"] is None


def test_a_changed_file_teaches_nothing(desk: Desk, folder: Path) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.until("ready")
    (folder / "a.png").write_bytes((folder / "<i>c<.png").read_bytes())
    desk.page.get(f"/api/images/{desk.ids['a.png']}/assistant?label={desk.cat}")  # somebody looks
    assert desk.until("untaught")["learned"] == 0


def test_masks_that_it_proposed_are_told_apart(desk: Desk, folder: Path) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.finish("b.jpg", desk.disc_of("b.jpg", tool="assistant"))
    tools = {each["tool"]: each["masks"] for each in desk.page.get("/api/statistics")["per_tool"]}
    assert tools == {"assistant": 1, "click": 1}


def test_several_objects_are_proposed_as_several(desk: Desk) -> None:
    """As soon as a finished image has more than one mask of the label."""
    found = np.flatnonzero(disc(0).any(axis=0))
    left = disc(0) & (np.arange(60) <= found.mean())
    halves = []
    for name, half in (("m", left), ("n", disc(0) & ~left)):
        rle = Masks.from_dense(half[None]).coco()[0]
        body = {"id": name, "label": desk.cat, "rle": {"size": [40, 60], "counts": rle["counts"].decode()}}
        halves.append(desk.event("mask.set", body))
    desk.finish("a.png", *halves)
    desk.until("ready")
    told = desk.proposal("b.jpg")["proposal"]
    whole = Masks.from_coco([told["rle"]])[0]
    parts = [Masks.from_coco([each])[0] for each in told["parts"]]
    assert len(parts) == 0 or np.array_equal(np.logical_or.reduce(parts), whole)


def test_a_rejected_proposal_stays_rejected_for_everybody_until_somebody_wants_it(desk: Desk) -> None:
    desk.finish("a.png", desk.disc_of("a.png"))
    desk.until("ready", rated=2)
    image = desk.ids["b.jpg"]

    def rejected() -> dict[int, bool]:
        return {each["id"]: each["rejected"] for each in desk.overview()["images"]}

    assert not any(rejected().values())
    desk.do("b.jpg", desk.event("proposal.reject", {"label": desk.cat, "rejected": True}))
    assert rejected() == {image: True, desk.ids["<i>c<.png"]: False}
    row = next(each for each in desk.page.get("/api/images")["images"] if each["id"] == image)
    assert (row["state"], row["rejected"]) == ("todo", [desk.cat])
    desk.do("b.jpg", desk.event("proposal.reject", {"label": desk.cat, "rejected": False}))
    assert not any(rejected().values())


def test_how_far_masks_agree_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.annotation.assistant.assistant.LEAST_COMPARED", 3)

    def agreements(until: Callable[[dict[int, float]], bool]) -> None:
        end = time.monotonic() + 20
        while not until(told := {each["id"]: each["agreement"] for each in desk.overview()["agreements"]}):
            assert time.monotonic() < end, told
            time.sleep(0.02)

    agreements(lambda told: told == {})
    for name in NUMBERS:
        desk.finish(name, desk.disc_of(name))
    agreements(lambda told: len(told) == 3 and min(told.values()) > 0.8)
    wrong = desk.disc_of("b.jpg")
    wrong["body"]["rle"]["counts"] = Masks.from_dense(~disc(1)[None]).coco()[0]["counts"].decode()
    desk.do("b.jpg", wrong)
    agreements(lambda told: len(told) == 3 and told[desk.ids["b.jpg"]] < 0.3)

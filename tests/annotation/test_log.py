"""The log: what is acknowledged is there, once, in order, and only from whoever has the lease."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tamis.annotation import Project, open_project
from tamis.annotation.leases import SECONDS, current_lease, editors, release_lease, take_lease
from tamis.annotation.problems import LeaseError, NoSuchImageError, RequestError, StaleError

MakeAnnotator = Callable[..., Any]


def test_what_is_appended_is_there_after_opening_again(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    assert anna.do("mask.set", anna.mask("m1"), active_ms=1500, clicks=2, at="2026-01-01T10:00:00Z") == 1
    assert anna.send(anna.event("mask.set", anna.mask("m2")), anna.event("image.state", {"state": "done"})) == 3
    assert anna.do("undo", active_ms=500) == 4

    again = open_project(project.folder, _address(project))
    seq, events = again.log.history(anna.image_id)
    assert seq == 4
    assert [event["kind"] for event in events] == ["mask.set", "mask.set", "image.state", "undo"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4]
    assert events[0]["body"] == anna.mask("m1")
    assert (events[0]["user"], events[0]["at"], events[0]["clicks"]) == ("anna", "2026-01-01T10:00:00Z", 2)
    seen = again.drawing(anna.image_id)
    assert list(seen.masks) == ["m1", "m2"]
    row = again.row(anna.image_id)
    assert (row.state, row.masks, row.active_ms, row.clicks, row.seq) == ("progress", 2, 2000, 2, 4)
    again.close()


def test_sending_again_does_no_harm(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    first, second, third = (anna.event("mask.set", anna.mask(name), clicks=1) for name in "abc")
    assert anna.send(first, second) == 2
    assert project.log.append(anna.image_id, [first, second], "tab", anna.lease, 0) == 2
    assert project.log.append(anna.image_id, [first], "tab", "no lease at all", 0) == 2
    assert project.log.append(anna.image_id, [first, second, third], "tab", anna.lease, 0) == 3
    assert [event["uuid"] for event in project.log.history(anna.image_id)[1]] == [first.uuid, second.uuid, third.uuid]
    assert project.row(anna.image_id).clicks == 3


def test_a_stale_write_changes_nothing_and_learns_what_it_missed(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    anna.do("mask.set", anna.mask("a"))
    anna.do("mask.set", anna.mask("b"))
    with pytest.raises(StaleError) as caught:
        project.log.append(anna.image_id, [anna.event("undo")], "tab", anna.lease, 1)
    assert caught.value.seq == 2
    assert [event["body"]["id"] for event in caught.value.events] == ["b"]
    with pytest.raises(StaleError):
        project.log.append(anna.image_id, [anna.event("undo")], "tab", anna.lease, 7)
    assert project.row(anna.image_id).seq == 2


def test_only_the_holder_of_the_lease_writes(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    with pytest.raises(LeaseError, match="anna is at work") as caught:
        annotator(0, "other tab", "ben")
    assert caught.value.editor == "anna"
    with project.database.writing() as connection:
        taken = take_lease(connection, anna.image_id, "other tab", "ben", takeover=True)
        assert editors(connection) == {anna.image_id: "ben"}
    with pytest.raises(LeaseError, match="ben is at work"):
        anna.do("mask.set", anna.mask("a"))
    assert project.row(anna.image_id).seq == 0
    with project.database.writing() as connection:
        release_lease(connection, anna.image_id, anna.lease)  # no longer hers to give back
        assert current_lease(connection, anna.image_id) == taken
        release_lease(connection, anna.image_id, taken.lease)
        assert current_lease(connection, anna.image_id) is None
    with pytest.raises(LeaseError, match="run out") as nobody:
        anna.do("mask.set", anna.mask("a"))
    assert nobody.value.editor is None


def test_a_lease_runs_out_and_is_renewed(project: Project) -> None:
    image_id = project.rows()[0].id
    with project.database.writing() as connection:
        first = take_lease(connection, image_id, "a", "anna", now=1000.0)
        renewed = take_lease(connection, image_id, "a", "anna", now=1000.0 + SECONDS - 1)
        assert (renewed.lease, renewed.expires) == (first.lease, 1000.0 + 2 * SECONDS - 1)
        with pytest.raises(LeaseError):
            take_lease(connection, image_id, "b", "ben", now=1000.0 + SECONDS + 1)
        later = take_lease(connection, image_id, "b", "ben", now=1000.0 + 2 * SECONDS)
        assert later.lease != first.lease
        assert editors(connection, now=time.time()) == {}


def test_two_who_write_at_once_take_turns(project: Project, annotator: MakeAnnotator) -> None:
    people = [annotator(number, f"tab{number}") for number in range(3)]

    def work(person: Any) -> int:
        for number in range(15):
            person.do("mask.set", person.mask(f"m{number % 4}"))
        return int(person.base)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, people)) == [15, 15, 15]
    for person in people:
        assert [event["seq"] for event in project.log.history(person.image_id)[1]] == list(range(1, 16))


def test_of_two_writers_with_the_same_base_one_is_refused(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()

    def write(number: int) -> str:
        try:
            project.log.append(anna.image_id, [anna.event("image.note", {"text": str(number)})], "tab", anna.lease, 0)
        except StaleError:
            return "stale"
        return "written"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(write, range(8)))
    assert said.count("written") == 1
    assert project.row(anna.image_id).seq == 1


def test_events_written_by_another_process_are_seen(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    anna.do("mask.set", anna.mask("a"))
    other = open_project(project.folder, _address(project))
    other.log.append(anna.image_id, [anna.event("mask.set", anna.mask("b"))], "tab", anna.lease, 1)
    other.close()
    assert project.log.append(anna.image_id, [anna.event("undo")], "tab", anna.lease, 2) == 3
    assert list(project.drawing(anna.image_id).masks) == ["a"]
    assert project.row(anna.image_id).masks == 1


def test_nonsense_is_refused_and_with_it_what_came_along(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    with pytest.raises(RequestError, match="no label with the id 'zebra'"):
        anna.send(anna.event("mask.set", anna.mask("fine")), anna.event("mask.set", anna.mask("m", label="zebra")))
    assert project.row(anna.image_id).seq == 0


def test_uuids_are_checked(project: Project, annotator: MakeAnnotator) -> None:
    anna, ben = annotator(0), annotator(1)
    event = anna.event("mask.set", anna.mask("a"))
    anna.send(event)
    with pytest.raises(RequestError, match="belongs to another image"):
        ben.send(event)
    again = ben.event("undo")
    with pytest.raises(RequestError, match="the same uuid"):
        ben.send(again, again)
    with pytest.raises(RequestError, match="too many"):
        ben.send(*(ben.event("undo") for _ in range(1001)))


def test_an_unknown_image(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator()
    with pytest.raises(NoSuchImageError, match="no image 99"):
        project.log.append(99, [anna.event("undo")], "tab", anna.lease, 0)
    with pytest.raises(NoSuchImageError):
        project.log.history(99)
    with pytest.raises(NoSuchImageError):
        project.drawing(99)


def test_reading_a_project_gives_masks_and_names(project: Project, annotator: MakeAnnotator) -> None:
    anna = annotator(2)
    pixels = np.eye(6, 8, dtype=bool)
    dog = project.labels()[1].id
    anna.do("mask.set", anna.mask("a", pixels, dog))
    anna.do("image.note", {"text": "thin"})
    by_name = {image.name: image for image in project.images()}
    assert list(by_name) == ["a.png", "b.png", "sub/c.jpg"]
    image = by_name["sub/c.jpg"]
    assert (image.labels, image.note, image.state, image.shape) == (["dog"], "thin", "progress", (6, 8))
    assert np.array_equal(image.masks[0], pixels)
    assert len(by_name["a.png"].masks) == 0


def _address(project: Project) -> str:
    engine = project.database._engine
    return engine.url.render_as_string(hide_password=False)

"""What pages poll: everything that changes shows once, whoever changed it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tamis.annotation import Project, labels, open_project
from tamis.annotation.board import Board
from tamis.annotation.catalogue import ImageRow
from tamis.annotation.leases import SECONDS, take_lease


class Encodings:
    """What an encoder says."""

    def __init__(self) -> None:
        self.ready: set[int] = set()

    def __call__(self, row: ImageRow) -> Mapping[str, Any]:
        return {"encoded": "ready" if row.id in self.ready else "waiting", "problem": None}


@pytest.fixture
def encodings() -> Encodings:
    return Encodings()


@pytest.fixture
def board(project: Project, encodings: Encodings) -> Board:
    made = Board(project, encodings)
    made.update()
    return made


def changes(board: Board, version: int) -> tuple[int, list[str]]:
    board.update()
    new, images = board.since(version)
    return new, [image["name"] for image in images]


def test_changes_of_every_kind(
    board: Board, project: Project, db: str, annotator: Callable[..., Any], encodings: Encodings
) -> None:
    version, images = board.since(None)
    assert [image["name"] for image in images] == ["a.png", "b.png", "sub/c.jpg"]
    assert changes(board, version) == (version, [])

    anna = annotator(1)
    version, names = changes(board, version)
    assert names == ["b.png"]  # its lease
    anna.do("mask.set", anna.mask("m"))
    version, names = changes(board, version)
    assert names == ["b.png"]

    other = open_project(project.folder, db)  # another process, on the same database
    other.log.append(anna.image_id, [anna.event("undo")], "tab", anna.lease, 1)
    other.close()
    version, names = changes(board, version)
    assert names == ["b.png"]

    first = board.order()[0]
    encodings.ready.add(first)
    board.note(first)
    version, names = changes(board, version)
    assert names == ["a.png"]
    board.note(first)
    assert changes(board, version) == (version, [])

    (project.folder / "0.png").write_bytes((project.folder / "a.png").read_bytes())
    project.refresh()
    version, names = changes(board, version)
    assert names == ["0.png"]
    assert [image["name"] for image in board.since(None)[1]] == ["0.png", "a.png", "b.png", "sub/c.jpg"]

    (project.folder / "b.png").rename(project.folder / "z.png")
    project.refresh()
    version, names = changes(board, version)
    assert names == ["z.png"]
    assert [image["name"] for image in board.since(None)[1]] == ["0.png", "a.png", "sub/c.jpg", "z.png"]

    before = board.labels
    with project.database.writing() as connection:
        labels.add_label(connection, "bird", "anna")
    assert changes(board, version) == (version, [])
    assert board.labels == before + 1


def test_a_lease_that_runs_out_is_a_change(board: Board, project: Project) -> None:
    version, _ = board.since(None)
    with project.database.writing() as connection:
        take_lease(connection, board.order()[0], "tab", "anna", now=time.time() - SECONDS + 2)
    version, names = changes(board, version)
    assert names == ["a.png"]
    assert board.since(None)[1][0]["editor"] == "anna"
    time.sleep(2.1)
    _, names = changes(board, version)
    assert names == ["a.png"]
    assert board.since(None)[1][0]["editor"] is None


def test_versions_of_an_earlier_run_are_older(board: Board, project: Project, encodings: Encodings) -> None:
    version, _ = board.since(None)
    time.sleep(0.01)
    later = Board(project, encodings)
    later.update()
    assert len(later.since(version)[1]) == 3
    assert len(later.since(10**15)[1]) == 3  # a version that nobody has given

"""Several processes on one project: each learns of what the others do, and none stands in another's way."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from tamis.annotation import Project, open_project
from tamis.annotation.board import Board
from tamis.annotation.leases import release_lease, take_lease, take_next
from tamis.annotation.problems import LeaseError
from tamis.annotation.watch import Watch
from tamis.errors import TamisError


def board_of(project: Project) -> Board:
    return Board(project, lambda row: {"encoded": "none", "problem": None})


@contextmanager
def watched(folder: Path, db: str) -> Iterator[tuple[Board, Watch]]:
    """Another process of the same server."""
    with open_project(folder, db) as project:
        board = board_of(project)
        watch = Watch(board, project.database)
        watch.start()
        until(lambda: len(board.rows()) == 3)
        yield board, watch
        watch.close()


def until(fact: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.01)


@pytest.mark.slow  # a round of the watch is two seconds
def test_a_change_of_another_process_is_told(project: Project, db: str, annotator: Callable[..., Any]) -> None:
    told = threading.Event()
    with watched(project.folder, db) as (board, watch), watch.telling(told.set):
        anna = annotator(1)
        anna.do("mask.set", anna.mask("m"))
        assert told.wait(10)
        until(lambda: board.rows()[1].masks == 1)


def test_after_a_restart_of_the_server_nothing_is_missed(folder: Path, postgresql: Callable[[], str]) -> None:
    """As the server does it when it restarts: every connection is cut, those that listen too."""
    db = postgresql()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with open_project(folder, db) as project, watched(folder, db) as (board, watch):
        with suppress(TamisError), project.database.reading() as connection:
            connection.execute(text(f"{cut} AND pid <> pg_backend_pid()"))
        with project.database.writing() as connection:
            take_lease(connection, project.rows()[2].id, "tab", "anna")
        until(lambda: [each["editor"] for each in board.since(None)[1]] == [None, None, "anna"])
        assert watch.problem is None


def test_a_version_of_another_process_is_answered_with_everything(project: Project) -> None:
    one, other = board_of(project), board_of(project)
    one.update()
    other.update()
    version, images = one.since(None)
    assert one.since(version) == (version, [])
    assert len(other.since(version)[1]) == len(images) == 3
    assert version < 2**53  # browsers count no further


def test_those_who_ask_for_the_next_image_at_once_get_different_ones(project: Project) -> None:
    ids = [row.id for row in project.rows()]
    ready, got = threading.Barrier(5), list[int | None]()

    def ask(client: str) -> None:
        ready.wait()
        with project.database.writing() as connection:
            found = take_next(connection, ids, client, client)
        got.append(found and found[0])

    people = [threading.Thread(target=ask, args=[f"client {number}"]) for number in range(5)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(each for each in got if each is not None) == ids
    assert got.count(None) == 2


def test_an_image_that_is_being_taken_is_passed_over_and_not_waited_for(
    folder: Path, postgresql: Callable[[], str]
) -> None:
    project = open_project(folder, postgresql())
    first, second, _ = [row.id for row in project.rows()]
    with project.database.writing() as taking:
        take_lease(taking, first, "tab", "anna")
        with project.database.writing() as connection:  # not committed yet, there above
            found = take_next(connection, [first, second], "other", "ben")
        assert found is not None
        assert found[0] == second
    with project.database.writing() as connection, pytest.raises(LeaseError, match="anna is at work"):
        take_lease(connection, first, "other", "ben")
    project.close()


def test_the_next_image_is_one_that_waits(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator(0)
    anna.do("image.state", {"state": "done"})
    ids = [row.id for row in project.rows()]
    with project.database.writing() as connection:
        release_lease(connection, anna.image_id, anna.lease)
        found = take_next(connection, ids, "tab", "anna")
        assert found is not None
        assert found[0] == ids[1]
        assert take_next(connection, ids[:1], "tab", "anna") is None


def test_two_people_save_at_the_same_time_and_an_import_does_not_stop_them(
    project: Project, annotator: Callable[..., Any]
) -> None:
    """Transactions that hold several images and the clock, in every order that they come: nobody waits for ever."""
    anna, ben = annotator(0), annotator(1, "other", "ben")

    def draw(person: Any) -> None:
        for number in range(15):
            person.do("mask.set", person.mask(f"m{number}"))

    def look() -> None:
        for number in range(15):
            for row in project.rows():
                (project.folder / row.name).touch()
                (project.folder / row.name).write_bytes((project.folder / row.name).read_bytes() + bytes([number]))
            project.look([row.id for row in project.rows()])

    tasks = [threading.Thread(target=draw, args=[anna]), threading.Thread(target=draw, args=[ben])]
    tasks.append(threading.Thread(target=look))
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert [row.seq for row in project.rows()] == [15, 15, 0]
    assert [len(project.drawing(row.id).masks) for row in project.rows()] == [15, 15, 0]


def test_both_databases_have_the_same_tables(folder: Path, postgresql: Callable[[], str], tmp_path: Path) -> None:
    """Columns, what they may hold, keys and indexes, as the databases themselves describe them."""

    def described(db: str) -> dict[str, Any]:
        project = open_project(folder, db)
        with project.database.reading() as connection:
            seen = inspect(connection)
            tables = {}
            for name in seen.get_table_names():
                columns = [
                    (column["name"], column["nullable"], getattr(column["type"], "length", None))
                    for column in seen.get_columns(name)
                ]
                uniques = sorted(tuple(each["column_names"]) for each in seen.get_unique_constraints(name))
                foreign = sorted(
                    (each["constrained_columns"], each["referred_table"]) for each in seen.get_foreign_keys(name)
                )
                plain = [each for each in seen.get_indexes(name) if "duplicates_constraint" not in each]
                indexes = sorted((each["name"], each["column_names"], bool(each["unique"])) for each in plain)
                keys = seen.get_pk_constraint(name)["constrained_columns"]
                tables[name] = columns, keys, uniques, foreign, indexes
        project.close()
        return tables

    sqlite, server = described(str(tmp_path / "p.sqlite")), described(postgresql())
    assert sqlite.keys() == server.keys() == {"clock", "images", "events", "image_labels", "leases"}
    for name, table in sqlite.items():
        assert table == server[name], name

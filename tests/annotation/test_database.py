"""What can be wrong with a database, one sentence each; and how old ones become new."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from tamis.annotation import Project, database, open_project, schema
from tamis.annotation.problems import DatabaseError, DiskFullError, LockedError
from tamis.annotation.summary import read_summary
from tamis.errors import OutputError, TamisError


def test_sqlite_is_safe_against_loss_of_power(folder: Path) -> None:
    project = open_project(folder)
    with project.database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
    project.close()


def test_a_newer_database_is_refused(project: Project, folder: Path, db: str) -> None:
    with project.database.writing() as connection:
        connection.execute(schema.clock.update().values(version=schema.VERSION + 1))
    with pytest.raises(DatabaseError, match="was written by a newer tamis"):
        open_project(folder, db)


def test_an_older_database_is_copied_and_brought_up_to_date(
    folder: Path, monkeypatch: pytest.MonkeyPatch, annotator: Callable[..., Any], project: Project, db: str
) -> None:
    anna = annotator()
    anna.do("mask.set", anna.mask("m"))
    project.close()

    def add_a_column(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE images ADD COLUMN stars INTEGER"))

    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "MIGRATIONS", {schema.VERSION - 1: add_a_column})
    again = open_project(folder, db)
    with again.database.reading() as connection:
        assert connection.execute(text("SELECT stars FROM images")).scalars().all() == [None, None, None]
    assert list(again.drawing(anna.image_id).masks) == ["m"]
    again.close()
    if "://" not in db:
        with closing(sqlite3.connect(f"{db}.v{schema.VERSION - 1}")) as copy:
            assert copy.execute("SELECT kind FROM events WHERE image_id IS NOT NULL").fetchall() == [("mask.set",)]
            assert "stars" not in [row[1] for row in copy.execute("PRAGMA table_info(images)")]


def test_a_project_of_the_first_version_is_summed_up(project: Project, folder: Path, db: str, annotator: Any) -> None:
    anna = annotator()
    anna.do("mask.set", anna.mask("m"))
    with project.database.writing() as connection:
        connection.execute(text("ALTER TABLE images DROP COLUMN summary"))
        connection.execute(schema.clock.update().values(version=1))
    project.close()
    again = open_project(folder, db)
    told = [read_summary(row.summary)["largest"] for row in again.rows()]
    assert told == [6, None, None]
    again.close()


def test_a_migration_that_fails_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, project: Project, db: str
) -> None:
    def fail_half_way(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE images ADD COLUMN stars INTEGER"))
        connection.execute(text("ALTER TABLE no_such_table ADD COLUMN x INTEGER"))

    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "MIGRATIONS", {schema.VERSION - 1: fail_half_way})
    with pytest.raises(DatabaseError, match="no_such_table"):
        open_project(folder, db)
    monkeypatch.undo()
    again = open_project(folder, db)
    with pytest.raises(TamisError, match="stars"), again.database.reading() as connection:
        connection.execute(text("SELECT stars FROM images"))
    assert len(again.rows()) == 3
    again.close()


def test_a_locked_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    project = open_project(folder)
    with closing(sqlite3.connect(folder / ".tamis" / "project.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockedError, match="another program holds the database"), project.database.writing():
            pass
        with pytest.raises(LockedError):
            open_project(folder)
    with project.database.writing():
        pass
    project.close()


def test_a_full_disk_loses_nothing_and_says_so(folder: Path, tmp_path: Path) -> None:
    project = open_project(folder)
    project.look([row.id for row in project.rows()])
    with project.database.writing() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text("CREATE TABLE ballast (x TEXT)"))
    with project.database.reading() as connection:
        connection.execute(text(f"PRAGMA max_page_count={pages + 4}"))
    full = pytest.raises(DiskFullError, match="the disk is full, and nothing is being saved")
    with full, project.database.writing() as connection:
        connection.execute(text("INSERT INTO ballast VALUES (:x)"), {"x": "x" * 1_000_000})
    with project.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM ballast")).scalar() == 0
        connection.execute(text("PRAGMA max_page_count=1000000"))
    project.close()


def test_something_else_than_a_project(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("this is no database, " * 100)
    with pytest.raises(DatabaseError, match="damaged or no SQLite database"):
        open_project(folder, str(tmp_path / "text.sqlite"))
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(DatabaseError, match="a database of something else"):
        open_project(folder, str(tmp_path / "other.sqlite"))


@pytest.mark.parametrize("url", ["mysql://somewhere/x", "://", "postgres://x/y"])
def test_other_kinds_of_databases(folder: Path, url: str) -> None:
    with pytest.raises(DatabaseError, match="--db takes a file or postgresql://"):
        open_project(folder, url)


def test_a_server_that_does_not_answer(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="does not answer") as caught:
        open_project(folder, f"postgresql://anna:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_project_where_one_is_only_to_be_read(folder: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no project yet"):
        open_project(folder, create=False)
    assert not (folder / ".tamis").exists()


def test_a_database_below_a_file(folder: Path) -> None:
    with pytest.raises(OutputError, match="put the database elsewhere with --db"):
        open_project(folder, str(folder / "a.png" / "project.sqlite"))


def test_writers_that_wait_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WRITERS", 1)
    opened = database.open_database(str(tmp_path / "p.sqlite"))
    with opened.writing(), pytest.raises(LockedError, match="too many changes wait"), opened.writing():
        pass
    with opened.writing(), opened.reading() as connection:
        assert connection.execute(text("SELECT version FROM clock")).scalar_one() == schema.VERSION
    opened.close()

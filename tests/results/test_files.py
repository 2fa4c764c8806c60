import errno
import json
import os
import stat
from pathlib import Path

import pytest

from tamis.errors import OutputError
from tamis.results.files import replacing, write_bytes, write_json


def test_a_file_appears_whole_in_a_folder_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    write_json(path, {"naïve": [1, 2]})
    assert path.read_text(encoding="utf-8") == '{\n  "naïve": [\n    1,\n    2\n  ]\n}\n'
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


def test_a_name_as_long_as_the_disk_takes_is_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("a" * 250 + ".json"), b"x")
    with pytest.raises(OutputError, match="the name is too long for this disk; shorten it"):
        write_bytes(tmp_path / ("a" * 300), b"x")


def test_a_name_that_is_no_text_stays_valid_json(tmp_path: Path) -> None:
    name = "caf\udce9.jpg"
    write_json(tmp_path / "a.json", {"image": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"image": name}


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_bytes(tmp_path / "a", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_an_interrupt_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"old")

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "no permission"), (errno.EIO, "cannot be written")],
)
def test_what_stopped_it_is_said(tmp_path: Path, number: int, sentence: str) -> None:
    with pytest.raises(OutputError, match=f"a: .*{sentence}"), replacing(tmp_path / "a"):
        raise OSError(number, os.strerror(number))


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_bytes(tmp_path / "taken" / "a", b"")

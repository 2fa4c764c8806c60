"""Result folders: `run.json`, one run at a time, and what earlier runs have finished."""

import json
from pathlib import Path

import pytest

from tamis.errors import InputError, OutputError
from tamis.results.folder import result_folder, resumable_folder
from tamis.results.run import Run, file_hash, fingerprint, require_folder

SETTINGS = {"segmentor": "hierarchy", "seed": 0}


def told(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "run.json").read_bytes())
    return content


def test_the_record_says_whether_a_run_is_finished(tmp_path: Path) -> None:
    with result_folder(tmp_path / "out", SETTINGS, "w" * 64, "d" * 64) as run:
        assert isinstance(run, Run)
        assert told(run.out)["ended"] is None
    record = told(tmp_path / "out")
    assert record["ended"] is not None
    assert record["settings"] == SETTINGS
    assert (record["weights_sha256"], record["dataset_fingerprint"]) == ("w" * 64, "d" * 64)
    assert isinstance(record["environment"], dict)


def test_a_run_that_fails_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), result_folder(tmp_path, SETTINGS):
        raise RuntimeError
    assert told(tmp_path)["ended"] is None


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        result_folder(tmp_path, SETTINGS),
        pytest.raises(InputError, match="another run is writing there"),
        result_folder(tmp_path, SETTINGS),
    ):
        pass
    with result_folder(tmp_path, SETTINGS):
        pass


def test_what_is_in_the_journal_is_there_for_the_next_run(tmp_path: Path) -> None:
    with resumable_folder(tmp_path, SETTINGS, {"limit": 3}) as (_, journal):
        journal.add("a", {"iou": 0.5})
    with resumable_folder(tmp_path, SETTINGS, {"limit": 9}) as (run, journal):
        assert journal.entries == {"a": {"iou": 0.5}}
        assert run.settings == {**SETTINGS, "limit": 9}
    with (
        pytest.raises(InputError, match="holds a run that differs in seed"),
        resumable_folder(tmp_path, {**SETTINGS, "seed": 1}, {}),
    ):
        pass


def test_a_line_that_a_crash_cut_off_is_forgotten(tmp_path: Path) -> None:
    with resumable_folder(tmp_path, SETTINGS, {}) as (_, journal):
        journal.add("a", 1)
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'["b", {"io')
    with resumable_folder(tmp_path, SETTINGS, {}) as (_, journal):
        assert journal.entries == {"a": 1}
        journal.add("c", 2)
    with resumable_folder(tmp_path, SETTINGS, {}) as (_, journal):
        assert journal.entries == {"a": 1, "c": 2}


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        require_folder(tmp_path / "file")


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert fingerprint(["b", "a"]) == fingerprint(["a", "b"]) != fingerprint(["a"])
    with pytest.raises(InputError, match="cannot be read"):
        file_hash(tmp_path / "b")

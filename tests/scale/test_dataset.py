import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from tamis.errors import InputError, OutputError
from tamis.image import write_image
from tamis.scale.cluster import Cluster
from tamis.scale.dataset import Job, Progress, write_dataset
from tamis.scale.executors import IN_PROCESS, Processes
from tamis.scale.running import Executor
from tamis.scale.sources import Entry, entries_of
from tamis.scale.stores import write


def mean(entry: Entry) -> Mapping[str, Any]:
    """The mean of an image; one that is called "kills" ends the process, as a decoder does that breaks."""
    if entry.name.startswith("kills"):
        os.kill(os.getpid(), signal.SIGKILL)
    image = entry.image(entry.content())
    return {"sha256": entry.name, "mean": float(image.mean())}


def columns() -> Any:
    return arrow.schema({"sha256": arrow.string(), "mean": arrow.float64()})


JOB = Job(mean, columns, {"what": "mean"}, shard=3)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(10):
        write_image(folder / f"{number}.png", np.full((4, 6, 3), number * 20, np.uint8))
    (folder / "4.png").write_bytes(b"no image")
    return folder


def run(photos: Path, out: Path | str, executor: Executor = IN_PROCESS, job: Job = JOB) -> list[Progress]:
    return list(write_dataset(job, entries_of(str(photos)), str(out), executor, [str(photos)]))


def shards(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.parquet"))}


def manifest(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())
    return told


def test_a_row_for_every_image_in_their_order(photos: Path, tmp_path: Path) -> None:
    steps = run(photos, tmp_path / "out")
    rows = [
        row for file in sorted((tmp_path / "out").glob("*.parquet")) for row in parquet.read_table(file).to_pylist()
    ]
    assert [row["name"] for row in rows] == [f"{number}.png" for number in range(10)]
    assert [row["mean"] for row in rows] == [0, 20, 40, 60, None, 100, 120, 140, 160, 180]
    assert "not an image that can be read" in rows[4]["error"]
    assert [step.done for step in steps] == [3, 6, 9, 10, 10]
    told = manifest(tmp_path / "out")
    assert (told["items"], told["failed"], told["settings"]["what"]) == (10, 1, "mean")
    assert [shard["items"] for shard in told["shards"]] == [3, 3, 3, 1]
    assert told["shards"][1]["failed"][0][0] == "4.png"
    assert told["ended"]


@pytest.mark.parametrize("who", ["processes", pytest.param("ray", marks=pytest.mark.slow)])
def test_whoever_works_the_bytes_are_the_same(
    photos: Path, tmp_path: Path, who: str, request: pytest.FixtureRequest
) -> None:
    executor: Executor = Processes(3) if who == "processes" else request.getfixturevalue("on_ray")
    run(photos, tmp_path / "one")
    run(photos, tmp_path / "many", executor)
    assert shards(tmp_path / "one") == shards(tmp_path / "many")
    one, many = manifest(tmp_path / "one"), manifest(tmp_path / "many")
    assert one["dataset_fingerprint"] == many["dataset_fingerprint"]
    assert one["shards"] == many["shards"]


def test_a_run_cut_short_goes_on(photos: Path, tmp_path: Path) -> None:
    run(photos, tmp_path / "whole")
    with closing(
        write_dataset(JOB, entries_of(str(photos)), str(tmp_path / "out"), IN_PROCESS, [str(photos)])
    ) as steps:
        next(steps)
        next(steps)
    assert manifest(tmp_path / "out")["ended"] is None
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}
    assert len(times) == 2
    assert run(photos, tmp_path / "out")[-1] == Progress(10, 6)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert shards(tmp_path / "out") == shards(tmp_path / "whole")
    assert manifest(tmp_path / "out")["shards"] == manifest(tmp_path / "whole")["shards"]


def test_of_images_that_changed_the_old_rows_go(photos: Path, tmp_path: Path) -> None:
    run(photos, tmp_path / "out")
    before = shards(tmp_path / "out")
    write_image(photos / "9.png", np.zeros((4, 6, 3), np.uint8))
    assert run(photos, tmp_path / "out")[-1] == Progress(10, 9)
    after = shards(tmp_path / "out")
    assert len(after) == 4
    assert len(before.keys() & after.keys()) == 3


def test_another_job_does_not_go_into_the_same_folder(photos: Path, tmp_path: Path) -> None:
    run(photos, tmp_path / "out")
    with pytest.raises(InputError, match="holds a run that differs in what; choose another folder"):
        run(photos, tmp_path / "out", job=Job(mean, columns, {"what": "median"}, shard=3))


@pytest.mark.parametrize("who", ["processes", pytest.param("ray", marks=pytest.mark.slow)])
def test_an_image_that_ends_its_worker_is_one_row(
    photos: Path, tmp_path: Path, who: str, request: pytest.FixtureRequest
) -> None:
    executor: Executor = Processes(2) if who == "processes" else request.getfixturevalue("on_ray")
    write_image(photos / "kills.png", np.zeros((4, 6, 3), np.uint8))
    write_image(photos / "later.png", np.full((4, 6, 3), 7, np.uint8))
    steps = run(photos, tmp_path / "out", executor)
    assert steps[-1].done == 12
    rows = {
        row["name"]: row
        for file in (tmp_path / "out").glob("*.parquet")
        for row in parquet.read_table(file).to_pylist()
    }
    assert len(rows) == 12
    assert "kills.png: ended the worker that had it 3 times" in rows["kills.png"]["error"]
    assert rows["later.png"]["mean"] == 7
    (shard,) = [shard for shard in manifest(tmp_path / "out")["shards"] if shard["lost"]]
    assert [name for name, _ in shard["failed"]] == ["kills.png"]


class _FullOnce:
    """A disk with room for so many shards."""

    def __init__(self, room: int) -> None:
        self.room, self.real = room, write

    def __call__(self, place: str, content: bytes) -> None:
        if place.endswith(".parquet"):
            if not self.room:
                raise OutputError(f"{place}: the disk is full; free some space and run the same command again")
            self.room -= 1
        self.real(place, content)


def test_after_a_full_disk_the_same_command_goes_on(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tamis.scale.dataset.write", _FullOnce(2))
        with pytest.raises(OutputError, match="the disk is full"):
            run(photos, tmp_path / "out")
    assert len(shards(tmp_path / "out")) == 2
    assert run(photos, tmp_path / "out")[-1] == Progress(10, 6)


def slowly(entry: Entry) -> Mapping[str, Any]:
    time.sleep(0.1)
    return mean(entry)


@pytest.mark.slow
def test_a_machine_that_leaves_in_the_middle_costs_nothing(photos: Path, tmp_path: Path, nodes: Any) -> None:
    for number in range(10, 40):
        write_image(photos / f"x{number}.png", np.full((4, 6, 3), number, np.uint8))
    leaving = nodes.add_node(num_cpus=1, object_store_memory=80 << 20)
    executor = Cluster(nodes.address, 3)
    job = Job(slowly, columns, JOB.settings, shard=3)
    with closing(write_dataset(job, entries_of(str(photos)), str(tmp_path / "out"), executor, [str(photos)])) as steps:
        for _ in range(3):
            next(steps)
        nodes.remove_node(leaving, allow_graceful=False)
        last = list(steps)[-1]
    executor.close()
    assert last.done == 40
    run(photos, tmp_path / "one")
    assert shards(tmp_path / "one") == shards(tmp_path / "out")


def test_two_runs_do_not_write_into_one_folder(photos: Path, tmp_path: Path) -> None:
    steps = write_dataset(JOB, entries_of(str(photos)), str(tmp_path / "out"), IN_PROCESS, [str(photos)])
    next(steps)
    said: list[str] = []

    def second() -> None:
        try:
            run(photos, tmp_path / "out")
        except InputError as error:
            said.append(str(error))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    steps.close()
    assert "another run is writing there" in said[0]

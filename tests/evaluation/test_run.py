import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.evaluation.combination import StudySettings, run_study
from tamis.evaluation.compare import compare, difference, load_run, load_runs, write_comparison
from tamis.evaluation.report import write_report
from tamis.evaluation.rules import Rules
from tamis.evaluation.run import run_evaluation
from tamis.results.journal import opened
from tamis.scale.executors import IN_PROCESS, Processes
from tamis.segmentors import load_segmentor
from tests.evaluation.scenes import sample_of

RULES = Rules(clicks=2, repeats=2)


@pytest.fixture
def dataset(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> Dataset:
    image, disc = scene
    place = tmp_path / "data"
    place.mkdir()
    samples = tuple(
        sample_of(
            place, f"image{i}", np.roll(image, 7 * i, axis=1), {"disc": np.roll(disc, 7 * i, axis=1), "rest": ~disc}
        )
        for i in range(4)
    )
    return Dataset("made-up", "", place, samples, "", "", {"images without masks": ("lonely",)})


def results(out: Path) -> tuple[Any, Any]:
    """All that does not measure time."""
    table = pq.read_table(out / "masks.parquet").drop_columns("seconds")
    summary = json.loads((out / "summary.json").read_text())
    return table, {key: value for key, value in summary.items() if not key.startswith("seconds")}


def test_an_interrupted_run_ends_like_one_that_was_not(dataset: Dataset, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    steps = list(run_evaluation("hierarchy", dataset, RULES, whole))
    assert [step.done for step in steps] == [1, 2, 3, 4]
    interrupted = run_evaluation("hierarchy", dataset, RULES, broken)
    assert len(list(islice(interrupted, 2))) == 2
    interrupted.close()
    assert not (broken / "summary.json").exists()
    with (broken / "journal.jsonl").open("ab") as journal:
        journal.write(b'["image2", {"cut off')  # as a crash in the middle of a write leaves it
    assert [step.done for step in run_evaluation("hierarchy", dataset, RULES, broken, executor=Processes(2))] == [3, 4]
    assert results(broken) == results(whole)


def test_the_table_has_one_row_for_each_mask_repeat_and_click(dataset: Dataset, tmp_path: Path) -> None:
    list(run_evaluation("hierarchy", dataset, RULES, tmp_path / "run", limit=2))
    rows = pq.read_table(tmp_path / "run" / "masks.parquet").to_pylist()
    assert {row["dataset"] for row in rows} == {"made-up"}
    assert len({(row["image"], row["mask"], row["repeat"], row["click"]) for row in rows}) == len(rows)
    assert {row["repeat"] for row in rows} == {0, 1}
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["masks"] == 4
    first = [row["iou"] for row in rows if row["click"] == 1]
    assert summary["miou"][0] == pytest.approx(np.mean(first), abs=1e-6)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["settings"]["rules"]["clicks"] == 2
    assert len(run["dataset_fingerprint"]) == 64


def test_a_folder_belongs_to_one_run(dataset: Dataset, tmp_path: Path) -> None:
    list(run_evaluation("hierarchy", dataset, RULES, tmp_path / "run"))
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(InputError, match="holds a run that differs in rules, seed; choose another folder"):
        list(run_evaluation("hierarchy", dataset, Rules(), tmp_path / "run", seed=1))
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_folder_belongs_to_one_study(dataset: Dataset, tmp_path: Path) -> None:
    out, settings = tmp_path / "study", StudySettings(extra=(1,))
    list(run_study(load_segmentor("hierarchy"), dataset, settings, out))
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(InputError, match="holds a run that differs in seed; choose another folder"):
        list(run_study(load_segmentor("hierarchy"), dataset, settings, out, seed=1))
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_two_runs_at_once_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    first = run_evaluation("hierarchy", dataset, RULES, tmp_path / "run")
    next(first)
    with pytest.raises(InputError, match="another run is writing there"):
        next(run_evaluation("hierarchy", dataset, RULES, tmp_path / "run"))
    assert len(list(first)) == 3


def test_a_journal_gives_back_what_was_added(tmp_path: Path) -> None:
    with opened(tmp_path / "j", {"a": 1}) as journal:
        journal.add("ünïcode", [0.1, None])
    with opened(tmp_path / "j", {"a": 1}) as journal:
        assert journal.entries == {"ünïcode": [0.1, None]}
        journal.add("second", {})
    with opened(tmp_path / "j", {"a": 1}) as journal:
        assert list(journal.entries) == ["ünïcode", "second"]


def test_a_journal_goes_on_after_its_last_whole_line_however_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"a":1}\n["first",{"b":2}]\n["cut', encoding="utf-8")
    with opened(tmp_path / "j", {"a": 1}) as journal:
        journal.add("second", 3)
    assert (tmp_path / "j").read_text() == '{"a":1}\n["first",{"b":2}]\n["second", 3]\n'
    (tmp_path / "other").write_text("3\n")
    with pytest.raises(InputError, match="is no journal of a run"), opened(tmp_path / "other", {"a": 1}):
        pass


def test_the_report_shows_pictures_and_what_was_left_out(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "run"
    list(run_evaluation("hierarchy", dataset, RULES, out))
    page = write_report(out, load_segmentor("hierarchy"), dataset, RULES).read_text()
    assert "images without masks: lonely" in page
    assert "mIoU@1" in page
    assert "mIoU@2" in page
    assert page.count("<img ") == len(list((out / "report").iterdir())) == 12
    for title in ("Best", "Median", "Worst"):
        assert f"<h2>{title}</h2>" in page
    shown = [float(iou) for iou in re.findall(r"IoU ([\d.]+) ·", page)]
    best, worst = shown[:4], shown[-4:]
    assert best == sorted(best, reverse=True)
    assert worst == sorted(worst)


def test_runs_are_compared_try_by_try(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("hierarchy", "grabcut"):
        list(run_evaluation(name, dataset, Rules(), tmp_path / name))
    runs = [load_run(tmp_path / name) for name in ("hierarchy", "grabcut")]
    (found,) = compare(runs)
    expected = np.mean([runs[1].ious[key] - runs[0].ious[key] for key in runs[0].ious])
    assert found.difference == pytest.approx(expected)
    assert found.low <= found.difference <= found.high
    assert (found.tries, found.images) == (24, 4)
    same = difference(runs[0], runs[0])
    assert (same.difference, same.p) == (0, 1)
    write_comparison(tmp_path / "page.html", runs, [found])
    page = (tmp_path / "page.html").read_text()
    assert page.count("<circle") == 4
    assert "http" not in page.replace("http-equiv", "")


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run here; `tamis evaluate"):
        load_run(tmp_path)


def test_runs_of_one_name_are_told_apart(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a/run", "b/run"):
        list(run_evaluation("hierarchy", dataset, Rules(), tmp_path / folder, limit=1))
    monkeypatch.chdir(tmp_path / "a")
    assert [run.name for run in load_runs([Path("run"), Path("../b/run")])] == ["run", "../b/run"]
    monkeypatch.chdir(tmp_path / "a" / "run")
    assert load_run(Path()).name == "run"
    with pytest.raises(InputError, match="run: is given 2 times"):
        load_runs([Path("../run"), Path("../run")])


def test_a_summary_that_is_none_is_said(dataset: Dataset, tmp_path: Path) -> None:
    list(run_evaluation("hierarchy", dataset, Rules(), tmp_path, limit=1))
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(InputError, match="its results cannot be read"):
        load_run(tmp_path)


def test_combination_study(dataset: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "study"
    settings = StudySettings(extra=(1, 3))
    list(islice(run_study(load_segmentor("hierarchy"), dataset, settings, out), 1))
    assert [step.done for step in run_study(load_segmentor("hierarchy"), dataset, settings, out)][-1] == 4
    rows = json.loads((out / "combine.json").read_text())["results"]
    assert len(rows) == 1 + 2 * 5 * 2  # the real click alone; places × rules × numbers
    alone = rows[0]
    assert (alone["rule"], alone["gain"]) == ("the real click alone", 0)
    for row in rows[1:]:
        assert row["gain"] == pytest.approx(row["miou"] - alone["miou"], abs=2e-6)
        assert row["gain_ci95"][0] <= row["gain"] <= row["gain_ci95"][1]
    assert "<svg" in (out / "report.html").read_text()


def test_workers_make_the_same_study(dataset: Dataset, tmp_path: Path) -> None:
    settings = StudySettings(extra=(1,))
    for name, executor in (("one", IN_PROCESS), ("two", Processes(2))):
        list(run_study(load_segmentor("hierarchy"), dataset, settings, tmp_path / name, 0, 2, executor))
    assert (tmp_path / "one" / "combine.json").read_bytes() == (tmp_path / "two" / "combine.json").read_bytes()

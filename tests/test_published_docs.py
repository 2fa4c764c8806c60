import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import published, published_clicks, research
from tamis.cli.evaluate_command import interactive
from tamis.datasets.registry import find_dataset
from tamis.evaluation.rules import PROTOCOLS
from tamis.segmentors import find_model


def test_the_table_of_published_figures_is_made_of_the_summaries_on_record() -> None:
    text = published.PAGE.read_text(encoding="utf-8")
    assert published.page(text) == text


@pytest.mark.parametrize("figure", published.FIGURES, ids=lambda figure: figure.dataset)
def test_every_command_is_one_that_tamis_takes(figure: published.Figure) -> None:
    find_model(figure.segmentor)
    assert figure.split in ("", *find_dataset(figure.dataset).splits)
    arguments = figure.command.removeprefix("tamis evaluate interactive ").split()
    said = CliRunner().invoke(interactive, arguments).exception
    assert "no such folder" in str(said) or "needs more than is installed" in str(said), said


def test_a_measurement_fills_its_row_if_its_rules_are_the_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "KEPT", tmp_path / "kept")
    rules = {name: getattr(PROTOCOLS["tamis"], name) for name in ("clicker", "threshold", "min_area", "combine")}
    summary = {
        "segmentor": "sam2.1-base-plus",
        "dataset": "davis345",
        "split": "",
        "rules": rules,
        "miou": [0.5],
        "miou_ci95": [[0.4, 0.6]],
    }
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    published.keep(tmp_path)
    assert "| 53.15 | 50.00 (40.00–60.00) | `tamis evaluate" in published.table()
    (tmp_path / "summary.json").write_text(json.dumps({**summary, "rules": {**rules, "clicker": "center"}}))
    with pytest.raises(SystemExit, match="was measured with clicker center"):
        published.keep(tmp_path)


def test_the_table_of_the_click_tools_is_of_today() -> None:
    text = published.PAGE.read_text(encoding="utf-8")
    assert published_clicks.page(text) == text
    keys = [figure.key for figure in published_clicks.figures()]
    assert len(set(keys)) == len(keys)
    for command in {
        figure.command.partition(" --out")[0]: figure.command for figure in published_clicks.figures()
    }.values():
        said = CliRunner().invoke(interactive, command.removeprefix("tamis evaluate interactive ").split()).exception
        assert "no such folder" in str(said), said


def test_a_measurement_of_a_click_tool_fills_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_clicks, "KEPT", tmp_path / "kept")
    run = tmp_path / "ritm-hrnet18-grabcut-noc-90"
    run.mkdir()
    (run / "summary.json").write_text(json.dumps({"noc90": 1.54, "rules": {}, "masks": 50}))
    published_clicks.keep(run)
    assert "| RITM HRNet18 | GrabCut | NoC@90 | 1.54 | 1.54 | `tamis evaluate" in published_clicks.table()
    other = run.rename(tmp_path / "other")
    with pytest.raises(SystemExit, match="no figure was published"):
        published_clicks.keep(other)


def test_every_experiment_is_on_its_page() -> None:
    text = research.PAGE.read_text(encoding="utf-8")
    assert research.page(text) == text

"""What people took on the page becomes costs, and a run that is compared with simulations."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tamis.annotation import Project
from tamis.annotation.simulate.compare import load_simulations, write_simulations
from tamis.annotation.simulate.costs import Costs, read_costs
from tamis.annotation.simulate.people import fit_costs, write_fitted
from tamis.errors import InputError


def test_costs_are_medians_and_what_the_first_event_takes_longer_is_looking(
    project: Project, annotator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.annotation.simulate.people.ENOUGH", 2)
    for number in (0, 1):
        anna = annotator(number, f"tab {number}", "anna")
        # Looking for 3 s and two clicks of 2 s; a click; a harmful one and its undo; a polygon; done.
        anna.do("mask.set", {**anna.mask("a"), "tool": "click"}, active_ms=7000, clicks=2)
        anna.do("mask.set", {**anna.mask("a"), "tool": "click"}, active_ms=2000, clicks=1)
        anna.do("mask.set", {**anna.mask("a"), "tool": "click"}, active_ms=2000, clicks=1)
        anna.do("undo", active_ms=500)
        anna.do("mask.set", {**anna.mask("b"), "tool": "polygon"}, active_ms=20_000, clicks=9)
        anna.do("image.state", {"state": "done"}, active_ms=1000)
    fitted = fit_costs(project)
    expected = Costs(switch=0, inspect=3, accept=1, click=2, undo=0.5, polygon=20)
    assert fitted.costs == expected
    assert fitted.measured["click"] == {"events": 4, "low": 2, "median": 2, "high": 2}
    (first, second) = fitted.rows
    assert [action["kind"] for action in first["actions"]] == ["inspect", *["click"] * 4, "undo", "polygon", "accept"]
    assert sum(action["seconds"] for action in second["actions"]) == 32.5


def test_proposals_are_accepted_corrected_and_rejected(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator(0, "tab", "anna")
    cat = project.labels()[0].id
    anna.do("masks.set", {"set": [{**anna.mask("i"), "tool": "import"}], "deleted": []})
    anna.do("proposal.reject", {"label": cat, "rejected": True}, active_ms=900)
    anna.do("mask.set", {**anna.mask("a"), "tool": "assistant"}, active_ms=1000)
    anna.do("mask.set", {**anna.mask("a"), "tool": "assistant"}, active_ms=2000, clicks=1)
    anna.do("mask.set", {**anna.mask("a"), "tool": "assistant"}, active_ms=4000)
    anna.do("masks.set", {"set": [{**anna.mask("b"), "tool": "assistant"}], "deleted": []}, active_ms=700)
    anna.do("image.note", {"text": "dark"}, active_ms=100)
    anna.do("image.state", {"state": "done"}, active_ms=300)
    (row,) = fit_costs(project).rows
    kinds = [action["kind"] for action in row["actions"]]
    assert kinds == ["inspect", "reject", "accept", "click", "brush", "accept", "inspect", "accept"]
    assert fit_costs(project).costs == Costs()  # too little to measure anything by


def test_real_and_simulated_curves_are_in_one_picture(
    project: Project, annotator: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="nobody has annotated here yet"):
        fit_costs(project)
    for number in (0, 1):
        anna = annotator(number, f"tab {number}", "anna")
        anna.do("mask.set", {**anna.mask("a"), "tool": "click"}, active_ms=3000, clicks=1)
        anna.do("image.state", {"state": "done"}, active_ms=1000)
    write_fitted(project, fit_costs(project), tmp_path / "me", "folder", "", "")
    assert read_costs(tmp_path / "me" / "costs.json") == Costs()
    told = json.loads((tmp_path / "me" / "simulation.json").read_text())
    assert told["policies"]["people"]["seconds"] == 8
    simulated = {**told, "policies": {"scratch": told["policies"]["people"]}}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "simulation.json").write_text(json.dumps(simulated))
    (tmp_path / "other" / "actions.parquet").write_bytes((tmp_path / "me" / "actions.parquet").read_bytes())
    runs = load_simulations([tmp_path / "me", tmp_path / "other"])
    assert runs[0].concept == runs[1].concept
    runs[1].rows["scratch"] = runs[1].rows.pop("people")
    write_simulations(tmp_path / "page.html", runs)
    page = (tmp_path / "page.html").read_text()
    assert "people (me)" in page
    assert "scratch (other)" in page
    assert page.count("<svg") == 3

"""A simulated annotator, their prices, and ways of annotating."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tamis.annotation.simulate.costs import Costs, costs_as_json, read_costs
from tamis.annotation.simulate.curves import summary_of
from tamis.annotation.simulate.person import Person
from tamis.annotation.simulate.policies.registry import POLICIES, make_policy
from tamis.annotation.simulate.report import write_simulation_report
from tamis.annotation.simulate.run import Settings, simulate
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.mask.iou import iou_of
from tamis.segmentors import load_segmentor
from tests.annotation.test_assistant import scene
from tests.evaluation.scenes import sample_of


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    place = tmp_path_factory.mktemp("data")
    samples = tuple(
        sample_of(place, f"image{i}", image, {"1": mask}) for i, (image, mask) in enumerate(map(scene, range(6)))
    )
    return Dataset("made-up", "", place, samples, "", "", {})


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))


def test_a_person_clicks_until_the_mask_is_right_and_pays_for_it() -> None:
    image, mask = scene(0)
    encoded = load_segmentor("hierarchy").encode(image)
    person = Person(Costs(click=2, inspect=1, switch=1, accept=1))
    left = person.annotate(encoded, mask, None, np.random.default_rng(0))
    assert iou_of(left, mask) >= 0.9
    kinds = [action.kind for action in person.actions]
    assert kinds[:2] == ["switch", "inspect"]
    assert kinds[-1] == "accept"
    assert person.seconds == sum(action.seconds for action in person.actions) == 3 + 2 * kinds.count("click")


def test_a_right_proposal_costs_a_look_and_a_worthless_one_is_rejected() -> None:
    image, mask = scene(0)
    encoded, rng = load_segmentor("hierarchy").encode(image), np.random.default_rng(0)
    person = Person(Costs())
    person.annotate(encoded, mask, mask, rng)
    assert [action.kind for action in person.actions] == ["switch", "inspect", "accept"]
    person.annotate(encoded, mask, ~mask, rng)
    assert [action.kind for action in person.actions][:4] == ["switch", "inspect", "reject", "click"]
    nothing = person.annotate(encoded, np.zeros_like(mask), mask, rng)
    assert not nothing.any()
    assert [action.kind for action in person.actions] == ["switch", "inspect", "reject"]


def test_a_click_on_a_proposal_edits_it() -> None:
    """What the proposal has besides is kept: only what is clicked changes."""
    image, mask = scene(0)
    encoded = load_segmentor("hierarchy").encode(image)
    lacking = mask.copy()
    lacking[: int(np.argwhere(mask)[:, 0].mean())] = False
    person = Person(Costs(worthless=0.1))
    left = person.annotate(encoded, mask, lacking, np.random.default_rng(0))
    assert iou_of(left, mask) >= 0.9
    assert (left >= lacking).all() or iou_of(left, mask) > 0.95


def test_what_clicks_cannot_do_is_drawn_by_hand() -> None:
    image, _ = scene(0)
    squares = np.logical_and.outer(np.arange(120) % 18 < 9, np.arange(160) % 18 < 9)
    person = Person(Costs(), most_clicks=2)
    left = person.annotate(load_segmentor("hierarchy").encode(image), squares, None, np.random.default_rng(0))
    np.testing.assert_array_equal(left, squares)
    drawn = next(action for action in person.actions if action.kind == "polygon")
    assert drawn.seconds == 63 * Costs().polygon  # every one of them


def test_people_tire_and_err_as_the_costs_say() -> None:
    image, mask = scene(0)
    encoded = load_segmentor("hierarchy").encode(image)
    tired = Person(Costs(fatigue=1.0), seconds=3600)
    tired.annotate(encoded, mask, mask, np.random.default_rng(0))
    assert tired.actions[0].seconds == pytest.approx(2 * Costs().switch, rel=0.01)
    hasty = Person(Costs(misjudged=0.5, worthless=0))
    lefts = [hasty.annotate(encoded, mask, np.roll(mask, 8, 1), np.random.default_rng(i)) for i in range(8)]
    assert min(iou_of(left, mask) for left in lefts) < 0.9


def test_costs_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text('{"click": 2.5, "sources": {"click": "my watch"}}')
    assert read_costs(file) == Costs(click=2.5)
    assert "click" not in costs_as_json(read_costs(file))["sources"]  # type: ignore[operator]
    for text, problem in (('{"klick": 1}', "names klick"), ("[1]", "is no object"), ("{", "cannot be read")):
        file.write_text(text)
        with pytest.raises(InputError, match=problem):
            read_costs(file)
    file.write_text('{"click": -1}')
    with pytest.raises(InputError, match="cost click"):
        read_costs(file)


def test_the_assistant_saves_time_and_an_interrupted_run_ends_alike(dataset: Dataset, tmp_path: Path) -> None:
    model = load_segmentor("hierarchy")
    settings = Settings(("scratch", "assistant", "assistant-uncertain"), seeds=2)
    steps = list(simulate(model, dataset, settings, tmp_path / "whole"))
    assert [step.done for step in steps] == list(range(1, 37))
    broken = simulate(model, dataset, settings, tmp_path / "broken")
    assert len(list(islice(broken, 14))) == 14
    broken.close()
    list(simulate(model, dataset, settings, tmp_path / "broken"))
    tables = [pq.read_table(tmp_path / each / "actions.parquet") for each in ("whole", "broken")]
    assert tables[0] == tables[1]
    told = json.loads((tmp_path / "whole" / "simulation.json").read_text())
    scratch, assistant = told["policies"]["scratch"], told["policies"]["assistant"]
    assert assistant["seconds"] < scratch["seconds"]
    assert assistant["clicks"] < 0.6 * scratch["clicks"]
    assert assistant["accepted"] > 0.5
    page = write_simulation_report(tmp_path / "whole").read_text()
    assert "assistant-uncertain" in page
    assert page.count("<svg") == 2


def test_figures_of_a_policy() -> None:
    def row(number: int, clicks: int, iou: float, proposed: float | None) -> dict[str, object]:
        actions = [{"kind": "inspect", "seconds": 1.0, "iou": 0.0}]
        actions += [{"kind": "click", "seconds": 2.0, "iou": iou}] * clicks
        return {"seed": 0, "number": number, "iou": iou, "proposed": proposed, "actions": actions}

    told = summary_of([row(1, 3, 0.95, None), row(2, 0, 0.92, 0.92), row(3, 1, 0.5, 0.6)], 0.9)
    assert told["seconds"] == 11
    assert told["clicks"] == pytest.approx(4 / 3, abs=1e-4)
    assert told["accepted"] == 0.5
    assert told["seconds_to_most"] is None
    assert told["clicks_warm"] is None


def test_every_policy_has_a_name() -> None:
    for name in POLICIES:
        assert make_policy(name) is not make_policy(name)
    with pytest.raises(InputError, match="choose from scratch, assistant"):
        make_policy("magic")


def test_the_assistant_needs_regions(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has none"):
        list(simulate(load_segmentor("grabcut"), dataset, Settings(), tmp_path / "out"))

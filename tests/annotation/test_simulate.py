"""A simulated annotator, their prices, and ways of annotating."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tamis.annotation.assistant.concept import RegionView
from tamis.annotation.simulate.compare import comparison, load_simulations, write_simulations
from tamis.annotation.simulate.costs import Costs, costs_as_json, read_costs
from tamis.annotation.simulate.curves import (
    clicks_by_number,
    good_against_time,
    iou_against_time,
    rows_of,
    summary_of,
)
from tamis.annotation.simulate.person import Key, Person
from tamis.annotation.simulate.policies.protocol import Pending
from tamis.annotation.simulate.policies.registry import POLICIES, Brief, make_policy
from tamis.annotation.simulate.policies.review import Reviewed
from tamis.annotation.simulate.report import write_simulation_report
from tamis.annotation.simulate.run import Settings, Step, multiverseg, simulate
from tamis.annotation.simulate.studio import wanted_of
from tamis.arrays import MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.datasets.protocol import Dataset, Sample
from tamis.errors import InputError
from tamis.image import write_image
from tamis.mask.iou import iou_of
from tamis.regions.protocol import AnswersByRegion
from tamis.scale.executors import IN_PROCESS, InProcess, Processes
from tamis.segmentors import Segmentor, load_segmentor
from tests.annotation.test_assistant import scene
from tests.evaluation.scenes import sample_of


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    place = tmp_path_factory.mktemp("data")
    samples = tuple(
        sample_of(place, f"image{i}", image, {"1": mask}) for i, (image, mask) in enumerate(map(scene, range(6)))
    )
    return Dataset("made-up", "", place, samples, "", "", {})


def encoded(model: Segmentor, sample: Sample) -> AnswersByRegion:
    found = model.encode(sample.image())
    assert isinstance(found, AnswersByRegion)
    return found


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
    person = Person(Costs(brush=1e5), most_clicks=2)
    left = person.annotate(load_segmentor("hierarchy").encode(image), squares, None, np.random.default_rng(0))
    np.testing.assert_array_equal(left, squares)
    drawn = next(action for action in person.actions if action.kind == "polygon")
    assert drawn.seconds == 63 * Costs().polygon  # every one of them


def test_a_click_that_does_harm_is_taken_back_and_the_brush_mends_what_clicks_cannot() -> None:
    class Stubborn:
        """Answers every click with a worse mask."""

        shape = (60, 80)

        def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
            return np.zeros(self.shape, np.float32)

        def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
            return np.zeros((len(clicks), *self.shape), np.float32)

        def probability_from_mask(self, mask: MaskArray, clicks: Sequence[Click]) -> ProbabilityArray:
            return np.zeros(self.shape, np.float32)

    wanted = np.zeros((60, 80), bool)
    wanted[10:40, 10:40] = True
    begun = wanted.copy()
    begun[10:18, 10:40] = False
    person = Person(Costs(click=2, brush=10))
    left = person.annotate(Stubborn(), wanted, begun, np.random.default_rng(0))
    np.testing.assert_array_equal(left, wanted)
    assert [action.kind for action in person.actions] == ["switch", "inspect", "click", "undo", "brush", "accept"]
    stroke = next(action for action in person.actions if action.kind == "brush")
    assert stroke.seconds == pytest.approx(2 + 10 * (30 + 8) / 100)  # half of the outline, of a diagonal of 100 pixels


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
    assert page.count("<svg") == 3
    pictures = told["pictures"]["assistant"]
    assert [each["image"] for each in pictures] == [f"image{number}" for number in (0, 1, 2, 4, 5)]
    assert pictures[0]["proposed"] is None
    assert pictures[-1]["proposed"] > 0.5
    assert all((tmp_path / "whole" / each["file"]).is_file() for each in pictures)
    assert page.count("<img") == 3 * len(pictures)


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
    brief = Brief(given=lambda name: None)
    for name in POLICIES:
        assert make_policy(name, brief) is not make_policy(name, brief)
    with pytest.raises(InputError, match="choose from scratch, assistant"):
        make_policy("magic")


def test_the_assistant_needs_regions(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has none"):
        list(simulate(load_segmentor("grabcut"), dataset, Settings(), tmp_path / "out"))


def test_proposals_are_reviewed_side_by_side_and_the_rejected_ones_corrected(dataset: Dataset, tmp_path: Path) -> None:
    """A tile costs a look and a key and no change of image; what is rejected waits again, at the end."""
    model = load_segmentor("hierarchy")
    policy = Reviewed(first=2)
    samples = {sample.name: sample for sample in dataset.samples}
    waiting, shown = [Pending(name, RegionView.of(encoded(model, samples[name]))) for name in samples], []
    person, rng = Person(Costs()), np.random.default_rng(0)
    while waiting:
        image = waiting.pop(policy.next(waiting))
        seen, wanted = encoded(model, samples[image.name]), wanted_of(samples[image.name])
        if policy.in_review(image):
            begun = policy.propose(image, seen)
            assert begun is not None
            accepted = person.review(wanted if image.name != "image3" else ~wanted, begun, rng)
            kinds = [action.kind for action in person.actions]
            assert kinds == ["inspect", "accept" if accepted else "reject"]
            shown.append(image.name)
            if not accepted:
                policy.rejected(image)
                waiting.append(image)
                continue
        policy.done(image, seen, wanted)
    assert sorted(shown) == ["image2", "image3", "image4", "image5"]
    assert image.name == "image3"


def test_one_key_accepts_what_is_left_of_a_page() -> None:
    _, mask = scene(0)
    person, rng = Person(Costs()), np.random.default_rng(0)
    kinds = []
    keys: list[tuple[MaskArray, Key]] = [(mask, "none"), (~mask, "none"), (mask, "page")]
    for begun, key in keys:
        assert person.review(mask, begun, rng, key) == (begun is mask)
        kinds += [action.kind for action in person.actions]
    assert kinds == ["inspect", "inspect", "reject", "inspect", "accept"]
    assert not person.review(mask, ~mask, rng, "page")
    assert [action.kind for action in person.actions] == ["inspect", "reject", "accept"]


def test_a_page_is_accepted_with_the_last_that_is_shown(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = {"review": (lambda brief: Reviewed(first=2, accepts="page"), "")}
    monkeypatch.setattr("tamis.annotation.simulate.policies.registry.POLICIES", review)
    list(simulate(load_segmentor("hierarchy"), dataset, Settings(("review",), target_iou=0.8), tmp_path / "out"))
    rows = rows_of(pq.read_table(tmp_path / "out" / "actions.parquet").to_pylist())["review"]
    kinds = [[action["kind"] for action in row["actions"]] for row in rows]
    assert kinds[2:] == [["inspect"], ["inspect"], ["inspect"], ["inspect", "accept"]]


def test_what_is_wrong_is_corrected_where_it_is_shown() -> None:
    """By clicks there, by the brush in an image of its own, and what is worth nothing is rejected."""
    image, mask = scene(0)
    encoded, rng = load_segmentor("hierarchy").encode(image), np.random.default_rng(0)
    lacking = mask.copy()
    lacking[: int(np.argwhere(mask)[:, 0].mean())] = False
    person = Person(Costs(worthless=0.1))
    left = person.review_correcting(encoded, mask, lacking, rng, "none")
    assert left is not None
    assert iou_of(left, mask) >= 0.9
    kinds = [action.kind for action in person.actions]
    assert kinds[0] == "inspect"
    assert set(kinds[1:]) == {"click"}

    squares = np.logical_and.outer(np.arange(120) % 18 < 9, np.arange(160) % 18 < 9)
    half = squares & (np.arange(160) < 100)
    left = Person(Costs(brush=1), most_clicks=2).review_correcting(encoded, squares, half, rng, "own")
    assert left is not None
    assert iou_of(left, squares) >= 0.9
    person = Person(Costs(brush=1), most_clicks=2)
    person.review_correcting(encoded, squares, half, rng, "page")
    kinds = [action.kind for action in person.actions]
    assert kinds[kinds.index("switch") :][:2] == ["switch", "inspect"]
    assert kinds[-3:] == ["brush", "accept", "accept"]  # the image, and the page it was shown on

    person = Person(Costs())
    assert person.review_correcting(encoded, mask, ~mask, rng, "own") is None
    assert [action.kind for action in person.actions] == ["inspect", "reject"]
    nothing = np.zeros_like(mask)
    assert person.review_correcting(encoded, nothing, mask, rng) is None
    left = person.review_correcting(encoded, nothing, nothing, rng)
    assert left is not None
    assert not left.any()


def test_a_page_that_is_corrected_leaves_nothing_to_be_done(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lacking(Reviewed):
        def propose(self, image: Pending, encoded: AnswersByRegion) -> MaskArray | None:
            mask = super().propose(image, encoded)
            if mask is not None and self.in_review(image):
                mask[: int(np.quantile(np.nonzero(mask)[0], 0.3))] = False
            return mask

    review = {"review": (lambda brief: Lacking(first=2, accepts="page", corrects=True), "")}
    monkeypatch.setattr("tamis.annotation.simulate.policies.registry.POLICIES", review)
    list(simulate(load_segmentor("hierarchy"), dataset, Settings(("review",)), tmp_path / "out"))
    rows = rows_of(pq.read_table(tmp_path / "out" / "actions.parquet").to_pylist())["review"]
    kinds = [[action["kind"] for action in row["actions"]] for row in rows]
    assert len(rows) == len(dataset.samples)
    assert [each[0] for each in kinds] == ["switch"] * 2 + ["inspect"] * 4  # none waits again
    assert all("click" in each for each in kinds[2:])
    assert all(row["actions"][-1]["iou"] >= 0.9 for row in rows)
    assert kinds[-1][-1] == "accept"


def test_an_interrupted_review_ends_alike(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was rejected before the interruption is rejected again, and pays for it once."""
    monkeypatch.setattr(
        "tamis.annotation.simulate.policies.registry.POLICIES", {"review": (lambda brief: Reviewed(first=2), "")}
    )
    costs = Costs(misjudged=0.3, fatigue=1)
    settings, model = Settings(("review",), costs=costs, target_iou=0.93), load_segmentor("hierarchy")
    list(simulate(model, dataset, settings, tmp_path / "whole"))
    for images in (3, 1):
        broken = simulate(model, dataset, settings, tmp_path / "broken")
        list(islice(broken, images))
        broken.close()
    list(simulate(model, dataset, settings, tmp_path / "broken"))
    tables = [pq.read_table(tmp_path / each / "actions.parquet") for each in ("whole", "broken")]
    assert tables[0] == tables[1]
    assert "reject" in tables[0]["kind"].to_pylist()


def test_masks_that_are_given_are_corrected(dataset: Dataset, tmp_path: Path) -> None:
    for sample in dataset.samples[:2]:
        write_image(tmp_path / "masks" / f"{sample.name}.png", wanted_of(sample))
    settings = Settings(("given",), masks=tmp_path / "masks")
    list(simulate(load_segmentor("hierarchy"), dataset, settings, tmp_path / "out"))
    rows = rows_of(pq.read_table(tmp_path / "out" / "actions.parquet").to_pylist())["given"]
    kinds = [[action["kind"] for action in row["actions"]] for row in rows]
    assert kinds[:2] == [["switch", "inspect", "accept"]] * 2
    assert all("click" in each for each in kinds[2:])
    with pytest.raises(InputError, match="--masks"):
        make_policy("given")
    with pytest.raises(InputError, match="no such folder"):
        list(
            simulate(load_segmentor("hierarchy"), dataset, Settings(("given",), masks=tmp_path / "no"), tmp_path / "x")
        )


def test_a_tool_without_regions_is_clicked_while_the_assistant_sees_those_of_another(
    dataset: Dataset, tmp_path: Path
) -> None:
    few = replace(dataset, samples=dataset.samples[:3])
    settings = Settings(("assistant",), most_clicks=3)
    list(simulate(load_segmentor("grabcut"), few, settings, tmp_path, sight=load_segmentor("hierarchy")))
    told = json.loads((tmp_path / "simulation.json").read_text())
    assert told["policies"]["assistant"]["accepted"] > 0


def test_clicks_are_counted_as_multiverseg_counts_them() -> None:
    """Until Dice .9; nothing is rejected, and what clicks do not reach is neither drawn nor paid for."""
    settings = multiverseg()
    assert settings.target_iou == pytest.approx(0.9 / 1.1)
    person = Person(settings.costs, settings.target_iou, 2, settings.draws)
    squares = np.logical_and.outer(np.arange(120) % 18 < 9, np.arange(160) % 18 < 9)
    image, _ = scene(0)
    person.annotate(load_segmentor("hierarchy").encode(image), squares, ~squares, np.random.default_rng(0))
    assert [action.kind for action in person.actions] == ["switch", "inspect", "click", "click", "accept"]


def test_simulations_are_set_side_by_side(dataset: Dataset, tmp_path: Path) -> None:
    few = replace(dataset, samples=dataset.samples[:4])
    for name, seeds in (("a", 2), ("b", 1)):
        settings = Settings(("scratch", "propagate"), seeds=seeds, costs=Costs(misjudged=0.2))
        list(simulate(load_segmentor("hierarchy"), few, settings, tmp_path / name))
    runs = load_simulations([tmp_path / "a", tmp_path / "b"])
    write_simulations(tmp_path / "page.html", runs)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == 3
    assert "propagate (b)" in page
    assert page.count("<img") == 16
    assert (tmp_path / re.findall(r'<img src="([^"]+)"', page)[-1]).is_file()
    assert "<polygon" in page  # the band of two seeds
    assert list(comparison(runs)["simulations"]) == ["a", "b"]
    with pytest.raises(InputError, match="no finished simulation"):
        load_simulations([tmp_path])
    with pytest.raises(InputError, match="given 2 times"):
        load_simulations([tmp_path / "a", tmp_path / "a"])


def test_curves_over_time_and_over_numbers() -> None:
    def row(seed: int, number: int, seconds: float, clicks: int, iou: float) -> dict[str, object]:
        actions = [{"kind": "click", "seconds": seconds / max(clicks, 1), "iou": iou}] * max(clicks, 1)
        return {"seed": seed, "number": number, "iou": iou, "proposed": None, "actions": actions}

    rows = [row(0, 1, 10, 4, 0.95), row(0, 2, 10, 2, 0.5), row(1, 1, 5, 2, 0.9), row(1, 2, 15, 2, 0.9)]
    good = good_against_time(rows, 0.9, images=2)
    assert (good.x[0], good.x[-1]) == (0, 20)
    at_ten = int(np.searchsorted(good.x, 10))
    assert (good.low[at_ten], good.mean[at_ten], good.high[at_ten]) == (0.5, 0.5, 0.5)
    assert (good.low[-1], good.high[-1]) == (0.5, 1.0)
    assert iou_against_time(rows, images=2).mean[-1] == pytest.approx((0.725 + 0.9) / 2)
    clicks = clicks_by_number(rows, window=1)
    assert clicks.mean.tolist() == [3, 2]
    assert clicks.high.tolist() == [4, 2]
    assert clicks_by_number(rows, window=2).mean.tolist() == [3, 2.5]


def test_several_processes_annotate_alike(dataset: Dataset, tmp_path: Path) -> None:
    few = replace(dataset, samples=dataset.samples[:3])
    model, settings = load_segmentor("hierarchy"), Settings(("scratch", "assistant"), seeds=2)
    for name, executor in (("one", IN_PROCESS), ("two", Processes(2))):
        steps = list(simulate(model, few, settings, tmp_path / name, executor=executor))
        assert steps[-1] == Step(12, 12)
    tables = [pq.read_table(tmp_path / name / "actions.parquet") for name in ("one", "two")]
    assert tables[0] == tables[1]


def test_a_worker_that_is_killed_loses_one_image(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker, or this process, begins with the image at which it was."""
    model, settings = load_segmentor("hierarchy"), Settings(("assistant",))
    list(simulate(model, dataset, settings, tmp_path / "whole"))
    annotate, done = Person.annotate, list[int]()

    def killed_at_the_fourth(*arguments: Any) -> MaskArray:
        done.append(1)
        if len(done) == 4:
            raise KeyboardInterrupt
        return annotate(*arguments)

    monkeypatch.setattr(Person, "annotate", killed_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        list(simulate(model, dataset, settings, tmp_path / "broken", executor=ByAnother()))
    assert len(done) == 4
    list(simulate(model, dataset, settings, tmp_path / "broken"))
    assert len(done) == 4 + len(dataset.samples) - 3
    tables = [pq.read_table(tmp_path / each / "actions.parquet") for each in ("whole", "broken")]
    assert tables[0] == tables[1]
    assert not (tmp_path / "broken" / "parts").exists()


class ByAnother(InProcess):
    """This process as if it were another."""

"""Out of a project and into one: what was drawn, nothing twice, nothing under an unknown label."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.annotation import Project, open_project
from tamis.annotation import log as log_module
from tamis.annotation.exchange import ImportResult, import_dataset, shapes, states_in, to_dataset, usual_states
from tamis.annotation.problems import LeaseError
from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord
from tamis.formats.registry import export, load
from tamis.mask import Masks


def one(*names: str, seed: int = 0) -> Dataset:
    """A mask on a.png for each label, side by side."""
    masks = np.zeros((len(names), 6, 8), bool)
    for number in range(len(names)):
        masks[number, number : number + 2, seed : seed + 3] = True
    return Dataset(names, (ImageRecord("a.png", Masks.from_dense(masks), names),))


def test_a_project_goes_out_and_comes_back(
    project: Project, annotator: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    anna = annotator(0)
    dog = project.labels()[1].id
    anna.do("mask.set", anna.mask("one", np.eye(6, 8, dtype=bool), dog))
    anna.do("mask.set", anna.mask("two"))
    anna.do("image.state", {"state": "done"})
    everything = to_dataset(project)
    assert everything.masks == 2
    assert everything.labels == ("cat", "dog")
    assert [image.name for image in to_dataset(project, ["done"]).images] == ["a.png"]
    assert to_dataset(project, ["reviewed"]).images == ()
    with pytest.raises(InputError, match="--states finished: there is no such state; choose from todo"):
        to_dataset(project, ["finished"])

    export(everything, "coco", tmp_path / "out")
    other = open_project(folder, str(tmp_path / "other.sqlite"), ["dog"])
    again, unknown = load(tmp_path / "out", "coco", shapes(other))
    assert unknown == []
    with pytest.raises(InputError, match="has no label 'cat'; make them with --add-labels"):
        import_dataset(other, again, "ben")
    assert import_dataset(other, again, "ben", add_labels=True) == ImportResult(1, 2, 0, ("cat",))
    (image,) = [image for image in to_dataset(other).images if image.labels]
    assert (image.masks, image.labels) == (everything.images[0].masks, ("dog", "cat"))
    row = other.rows()[0]
    assert (row.state, row.masks, row.seq) == ("progress", 2, 1)
    assert other.log.history(row.id)[1][0]["user"] == "ben"
    other.close()


def test_an_export_tells_which_masks_the_assistant_has_proposed(
    project: Project, annotator: Callable[..., Any], tmp_path: Path
) -> None:
    anna = annotator(0)
    anna.do("mask.set", {**anna.mask("one"), "tool": "assistant", "attributes": {"fur": "long"}})
    anna.do("mask.set", {**anna.mask("two"), "tool": "click"})
    dataset = to_dataset(project)
    assert dataset.images[0].attributes == ({"fur": "long", "origin": "assistant"}, {})
    assert dataset.kinds == {"cat": {"origin": "text"}}
    export(dataset, "coco", tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.json")
    told = [each.get("attributes") for each in json.loads(file.read_text())["annotations"]]
    assert told == [{"fur": "long", "origin": "assistant"}, None]


def test_what_is_there_already_is_not_added_twice(project: Project) -> None:
    project.look([row.id for row in project.rows()])
    import_dataset(project, one("cat"), "ben")
    with pytest.raises(InputError, match=r"1 mask on 1 image, such as a\.png, would lie on masks .* --overlap skip"):
        import_dataset(project, one("cat", "dog"), "ben")
    assert project.rows()[0].masks == 1
    assert import_dataset(project, one("cat", "dog"), "ben", overlap="skip") == ImportResult(1, 1, 1, ())
    assert import_dataset(project, one("cat", "dog"), "ben", overlap="skip") == ImportResult(0, 0, 2, ())
    assert import_dataset(project, one("cat"), "ben", overlap="add") == ImportResult(1, 1, 0, ())
    assert import_dataset(project, one("cat", seed=4), "ben") == ImportResult(1, 1, 0, ())
    assert project.rows()[0].masks == 4


def test_an_image_that_somebody_is_at_work_on_is_left_alone(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator(0)
    with pytest.raises(LeaseError, match="anna is at work"):
        import_dataset(project, one("cat"), "ben")
    assert project.rows()[0].seq == 0
    anna.do("mask.set", anna.mask("m", np.eye(6, 8, dtype=bool)))  # and she goes on


def test_nothing_to_import(project: Project) -> None:
    with pytest.raises(InputError, match="there is nothing to import"):
        import_dataset(project, Dataset(("cat",), ()), "ben")
    with pytest.raises(InputError, match="--overlap maybe"):
        import_dataset(project, one("cat"), "ben", overlap="maybe")  # type: ignore[arg-type]


def test_capitals_make_two_labels_unless_they_are_merged(project: Project) -> None:
    with pytest.raises(InputError, match=r"no label 'Cat' \(but 'cat'\); make them .*, or .*--merge-labels"):
        import_dataset(project, one("Cat", "cat"), "ben")
    assert import_dataset(project, one("Cat"), "ben", merge_labels=True) == ImportResult(1, 1, 0, ())
    assert import_dataset(project, one("Cat", seed=4), "ben", add_labels=True).new_labels == ("Cat",)
    assert [label.name for label in project.labels()] == ["cat", "dog", "Cat"]
    (image,) = (image for image in to_dataset(project).images if image.labels)
    assert image.labels == ("cat", "Cat")


def test_spaces_and_accents_of_any_kind_are_the_same_label(project: Project) -> None:
    import_dataset(project, one("traffic\u00a0 light", "Mu\u0308ller"), "ben", add_labels=True)
    import_dataset(project, one("traffic light", "M\u00fcller", seed=4), "ben")
    assert [label.name for label in project.labels()] == ["cat", "dog", "traffic light", "M\u00fcller"]


@pytest.mark.parametrize("name", ["", "  ", "a\x07b", "x" * 201, "\u202egnp.exe"])
def test_a_name_that_cannot_be_shown_is_named_and_nothing_is_done(project: Project, name: str) -> None:
    with pytest.raises(InputError, match="a label needs a name of 1 to 200 characters"):
        import_dataset(project, one("bird", name), "ben", add_labels=True)
    assert [label.name for label in project.labels()] == ["cat", "dog"]
    assert project.rows()[0].seq == 0


def test_numbers_and_unused_classes_survive(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "labels").mkdir(parents=True)
    (tmp_path / "in" / "data.yaml").write_text("names: {0: cat, 2: cow, 5: hen}\n")
    (tmp_path / "in" / "labels" / "a.txt").write_text("2 .1 .1 .9 .1 .9 .9\n")
    project = open_project(folder, str(tmp_path / "new.sqlite"))
    assert [label.name for label in project.labels()] == ["object"]
    found, _ = load(tmp_path / "in", "yolo", shapes(project))
    import_dataset(project, found, "ben", add_labels=True)
    assert [label.name for label in project.labels()] == ["cat", "cow", "hen"]
    export(to_dataset(project), "yolo", tmp_path / "out")
    project.close()
    assert (tmp_path / "out" / "data.yaml").read_text().endswith("names:\n  0: cat\n  2: cow\n  5: hen\n")
    assert (tmp_path / "out" / "labels" / "a.txt").read_text().startswith("2 ")


def test_a_label_that_somebody_used_stays(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator(0)
    anna.do("mask.set", anna.mask("m"))
    anna.do("undo")
    import_dataset(project, Dataset(("bird",), (another(project),)), "ben", add_labels=True)
    assert [label.name for label in project.labels()] == ["cat", "dog", "bird"]


def another(project: Project) -> ImageRecord:
    """A bird on the whole of the second image."""
    row = project.rows()[1]
    assert row.shape is not None
    return ImageRecord(row.name, Masks.from_dense(np.ones((1, *row.shape), bool)), ("bird",))


def test_an_import_is_all_or_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    several = Dataset(("bird",), (one("bird").images[0], another(project)))
    written = log_module._values
    calls: list[int] = []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return written(*arguments)

    monkeypatch.setattr(log_module, "_values", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_dataset(project, several, "ben", add_labels=True)
    monkeypatch.undo()
    assert [row.seq for row in project.rows()] == [0] * len(project.rows())
    assert [label.name for label in project.labels()] == ["cat", "dog"]
    assert import_dataset(project, several, "ben", add_labels=True) == ImportResult(2, 2, 0, ("bird",))
    assert [row.masks for row in project.rows()][:2] == [1, 1]


def test_what_nobody_looked_at_is_not_exported(project: Project, annotator: Callable[..., Any]) -> None:
    assert usual_states(project)[0] == ("progress", "done", "reviewed")
    anna = annotator(0)
    anna.do("mask.set", anna.mask("m"))
    assert usual_states(project)[1].startswith(f"left out {len(project.rows()) - 1} image")
    annotator(1, "other").do("image.state", {"state": "done"})
    states, told = usual_states(project)
    assert states == ("done", "reviewed")
    assert "1 in progress, with 1 mask; --states all takes them" in told
    assert [image.complete for image in to_dataset(project, states_in("all")).images][:2] == [False, True]
    assert states_in("done, reviewed,") == ("done", "reviewed")


def test_lvis_knows_what_is_absent_only_where_somebody_looked(tmp_path: Path) -> None:
    (image,) = one("cat").images
    begun = ImageRecord("b.png", image.masks, image.labels, complete=False)
    export(Dataset(("cat", "dog"), (image, begun)), "lvis", tmp_path)
    first, second = json.loads((tmp_path / "annotations.json").read_text())["images"]
    assert (first["neg_category_ids"], first["not_exhaustive_category_ids"]) == ([2], [])
    assert (second["neg_category_ids"], second["not_exhaustive_category_ids"]) == ([], [1])


def test_tags_come_to_images_without_a_mask_too(project: Project) -> None:
    def tagged(*tags: str) -> int:
        given = Dataset((), (ImageRecord("a.png", Masks.none((6, 8)), (), tags=tags),))
        return import_dataset(project, given, "ben").tagged

    assert [tagged("night"), tagged("rain", "night"), tagged("rain")] == [1, 1, 0]
    (image,) = [image for image in to_dataset(project).images if image.name == "a.png"]
    assert image.tags == ("night", "rain")
    row = project.rows()[0]
    assert (row.state, row.seq) == ("todo", 2)  # nobody has drawn anything

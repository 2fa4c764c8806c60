"""Out of a project and into one: what was drawn, nothing twice, nothing under an unknown label."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.annotation import Project, open_project
from tamis.annotation.exchange import Imported, import_dataset, shapes, to_dataset
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
    assert import_dataset(other, again, "ben", add_labels=True) == Imported(1, 2, 0, ("cat",))
    (image,) = [image for image in to_dataset(other).images if image.labels]
    assert (image.masks, image.labels) == (everything.images[0].masks, ("dog", "cat"))
    row = other.rows()[0]
    assert (row.state, row.masks, row.seq) == ("progress", 2, 1)
    assert other.log.history(row.id)[1][0]["user"] == "ben"
    other.close()


def test_what_is_there_already_is_not_added_twice(project: Project) -> None:
    project.look([row.id for row in project.rows()])
    import_dataset(project, one("cat"), "ben")
    with pytest.raises(InputError, match=r"1 mask on 1 image, such as a\.png, would lie on masks .* --overlap skip"):
        import_dataset(project, one("cat", "dog"), "ben")
    assert project.rows()[0].masks == 1
    assert import_dataset(project, one("cat", "dog"), "ben", overlap="skip") == Imported(1, 1, 1, ())
    assert import_dataset(project, one("cat", "dog"), "ben", overlap="skip") == Imported(0, 0, 2, ())
    assert import_dataset(project, one("cat"), "ben", overlap="add") == Imported(1, 1, 0, ())
    assert import_dataset(project, one("cat", seed=4), "ben") == Imported(1, 1, 0, ())
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

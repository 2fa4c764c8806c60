"""Labels: added, changed, ordered, and not deleted while masks have them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tamis.annotation import Project, labels, open_project
from tamis.annotation.problems import RequestError


def change(project: Project, function: Callable[..., Any], *arguments: Any) -> Any:
    with project.database.writing() as connection:
        return function(connection, *arguments)


def test_labels_survive_and_are_offered_once(project: Project, db: str) -> None:
    change(project, labels.add_label, "bird", "anna", "#FF0000", "b")
    again = open_project(project.folder, db, ["Cat", "fish", " dog ", "FISH"])
    found = again.labels()
    again.close()
    assert [label.name for label in found] == ["cat", "dog", "bird", "fish"]
    assert [label.key for label in found] == ["1", "2", "b", "3"]
    assert found[2].color == "#ff0000"
    assert len({label.color for label in found}) == 4


def test_a_project_without_labels_has_one(folder: Any) -> None:
    project = open_project(folder)
    assert [label.name for label in project.labels()] == ["object"]
    project.close()


def test_change_and_order(project: Project) -> None:
    cat, dog = project.labels()
    change(project, labels.change_label, cat.id, {"name": "kitten <b>", "color": "#00ff00", "key": "k"}, "ben")
    change(project, labels.order_labels, [dog.id, cat.id], "ben")
    first, second = project.labels()
    assert first == dog
    assert (second.id, second.name, second.color, second.key) == (cat.id, "kitten <b>", "#00ff00", "k")
    change(project, labels.change_label, cat.id, {"name": "Kitten <b>"}, "ben")  # its own name is not taken


def test_a_label_in_use_is_not_deleted(project: Project, annotator: Callable[..., Any]) -> None:
    cat, dog = project.labels()
    anna = annotator()
    anna.do("mask.set", anna.mask("m", label=dog.id))
    with pytest.raises(RequestError, match="the label 'dog' has 1 mask on 1 image: give them another label first"):
        change(project, labels.delete_label, dog.id, "anna")
    anna.do("mask.label", {"id": "m", "label": cat.id})
    change(project, labels.delete_label, dog.id, "anna")
    assert project.labels() == [cat]
    anna.do("undo")  # the mask is a dog again
    assert [label.name for label in project.labels()] == ["cat", "dog"]
    anna.do("redo")
    assert project.labels() == [cat]
    anna.do("mask.delete", {"id": "m"})
    with pytest.raises(RequestError, match="'cat' is the only label"):
        change(project, labels.delete_label, cat.id, "anna")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "a label needs a name"),
        ({"name": "x" * 201}, "a label needs a name"),
        ({"name": "a\x00b"}, "can be shown"),
        ({"name": "DOG"}, "there is already a label 'DOG'"),
        ({"key": "2"}, "the key '2' already chooses the label 'dog'"),
        ({"key": "ab"}, "a key is a single character"),
        ({"color": "red"}, "'red' is no colour"),
        ({"color": "url(x)"}, "no colour"),
    ],
)
def test_what_a_label_cannot_be(project: Project, changes: Mapping[str, str], sentence: str) -> None:
    cat, _ = project.labels()
    with pytest.raises(RequestError, match=sentence):
        change(project, labels.change_label, cat.id, changes, "anna")
    assert project.labels()[0] == cat


def test_unknown_labels(project: Project) -> None:
    cat, dog = project.labels()
    with pytest.raises(RequestError, match="no label with the id 'zebra'"):
        change(project, labels.delete_label, "zebra", "anna")
    with pytest.raises(RequestError, match="every label once"):
        change(project, labels.order_labels, [cat.id], "anna")
    with pytest.raises(RequestError, match="every label once"):
        change(project, labels.order_labels, [cat.id, dog.id, dog.id], "anna")

"""Several people on a project: who annotates what, attributes and tags, and how well two annotations agree."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.annotation import Project, open_project
from tamis.annotation.agreement import agreement, in_share, open_second
from tamis.annotation.assignment import assign, assign_evenly, assigned
from tamis.annotation.board import Board
from tamis.annotation.exchange import import_dataset, to_dataset
from tamis.annotation.leases import release_lease
from tamis.annotation.problems import DatabaseError, RequestError
from tamis.annotation.tags import tags_of
from tamis.annotation.vocabulary import use_schema
from tamis.errors import InputError


def test_images_are_given_evenly_and_stay_with_whom_they_were_given_to(project: Project) -> None:
    with project.database.writing() as connection:
        assign(connection, {1: "ben"}, "anna")
    assert assign_evenly(project, ["anna", "ben"], "anna") == 2
    assert assign_evenly(project, ["anna", "ben"], "anna") == 0
    with project.database.reading() as connection:
        assert assigned(connection) == {1: "ben", 2: "anna", 3: "anna"}
    board = Board(project, lambda row: {"encoded": "none", "problem": None})
    board.update()
    version, images = board.since(None)
    assert [image["assigned"] for image in images] == ["ben", "anna", "anna"]
    with project.database.writing() as connection:
        assign(connection, {2: ""}, "anna")
    board.update()
    assert [(image["id"], image["assigned"]) for image in board.since(version)[1]] == [(2, "")]


def test_a_schema_makes_labels_with_attributes_and_tags(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "schema.yaml"
    file.write_text(
        "labels:\n  cat:\n    attributes: {fur: [short, long], asleep: yes/no}\n  bird:\n    color: '#123456'\n"
        "tags: [night]\n"
    )
    for _ in range(2):  # again is harmless
        use_schema(project, file, "anna")
    found = {label.name: label for label in project.labels()}
    assert list(found) == ["cat", "dog", "bird"]
    assert found["cat"].attributes == {"fur": ["short", "long"], "asleep": "yes/no"}
    assert found["bird"].color == "#123456"
    with project.database.reading() as connection:
        assert tags_of(connection) == ["night"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("labels: [cat]", "needs `labels:`"),
        ("labels: {cat: {attributes: {fur: colour}}}", "the attribute 'fur' must be a list of choices, or yes/no"),
        ("labels: {}\ntags: night", "`tags:` is a list of names"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_schema_that_cannot_be(project: Project, tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "schema.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=sentence):
        use_schema(project, file, "anna")


def test_what_an_attribute_may_be(annotator: Callable[..., Any]) -> None:
    anna = annotator()
    anna.do("mask.set", anna.mask("a"))
    anna.do("mask.attributes", {"id": "a", "attributes": {"fur": "long", "legs": 4, "asleep": False}})
    wrong: Any
    for wrong in ({"fur": ["long"]}, {"": "x"}, {"fur": float("nan")}, [], {"fur": "x" * 2000}):
        with pytest.raises(RequestError):
            anna.do("mask.attributes", {"id": "a", "attributes": wrong})
    for kind, body in (
        ("image.tags", {"tags": "night"}),
        ("comment.add", {"id": "c", "text": "  "}),
        ("comment.done", {"id": "c", "done": 1}),
        ("masks.label", {"ids": ["a"], "label": "nobody's"}),
        ("masks.order", {"ids": "a"}),
        ("mask.set", {**anna.mask("b"), "polygon": [[0, 0], [1, 1]]}),
    ):
        with pytest.raises(RequestError):
            anna.do(kind, body)


def test_lists_know_what_can_be_seen_of_an_image(project: Project, annotator: Callable[..., Any]) -> None:
    anna = annotator()
    square = np.zeros((6, 8), bool)
    square[:2, :3] = True
    anna.do("mask.set", anna.mask("a", square))
    anna.do("mask.set", anna.mask("b", np.ones((6, 8), bool)))
    anna.do("image.tags", {"tags": ["night"]})
    anna.do("comment.add", {"id": "c", "text": "why"})
    anna.do("image.state", {"state": "rejected", "reason": "rough"})
    board = Board(project, lambda row: {"encoded": "none", "problem": None})
    board.update()
    image = board.since(None)[1][0]
    assert (image["smallest"], image["largest"], image["labels"]) == (6, 48, [anna.label])
    assert (image["tags"], image["comments"], image["reason"], image["note"]) == (["night"], 1, "rough", False)
    assert project.drawing(anna.image_id).comments[0]["by"] == "anna"


def test_attributes_and_tags_go_to_other_programs_and_attributes_come_back(
    project: Project, annotator: Callable[..., Any]
) -> None:
    anna = annotator()
    anna.do("mask.set", {**anna.mask("a"), "attributes": {"fur": "long"}})
    anna.do("image.tags", {"tags": ["night"]})
    dataset = to_dataset(project)
    assert (dataset.images[0].attributes, dataset.images[0].tags) == (({"fur": "long"},), ("night",))
    with project.database.writing() as connection:
        release_lease(connection, anna.image_id, anna.lease)
    import_dataset(project, dataset, "ben", overlap="add")
    seen = project.drawing(anna.image_id)
    assert [mask.get("attributes") for mask in seen.masks.values()] == [{"fur": "long"}] * 2
    assert seen.tags == ("night",)


def test_two_annotations_agree_as_far_as_their_masks_do(folder: Path) -> None:
    first = open_project(folder, labels=["cat", "dog"], user="anna")
    first.look([row.id for row in first.rows()])
    names = [row.name for row in first.rows()]
    share = next(share / 100 for share in range(1, 101) if sum(in_share(name, share / 100) for name in names) == 1)
    second = open_second(first, share, "ben")
    (row,) = second.look([row.id for row in second.rows()])
    assert agreement(first) is None  # nobody has finished
    left, right = np.zeros((6, 8), bool), np.zeros((6, 8), bool)
    left[:, :4], right[:, :3] = True, True  # IoU 18 / 24
    mine = next(each.id for each in first.rows() if each.name == row.name)
    drawn = ((first, mine, (("cat", left), ("dog", right))), (second, row.id, (("cat", right),)))
    for project, image, masks in drawn:
        draw(project, image, masks)
    found = agreement(first)
    assert found is not None
    assert (found["images"], found["first"], found["second"], found["pairs"]) == (1, 2, 1, 1)
    assert (found["iou"], found["f1"]) == (0.75, pytest.approx(2 / 3))
    assert [(each["label"], each["iou"], each["f1"]) for each in found["per_label"]] == [
        ("cat", 0.75, 1.0),
        ("dog", None, 0.0),
    ]
    assert len(second.rows()) == 1  # nothing of the first annotation is to be seen
    first.close()
    second.close()


def draw(project: Project, image: int, masks: Any) -> None:
    """A finished image."""
    from tamis.annotation.events import Event
    from tamis.annotation.leases import take_lease
    from tamis.mask import Masks

    labels = {label.name: label.id for label in project.labels()}
    with project.database.writing() as connection:
        lease = take_lease(connection, image, "tab", "somebody").lease
    events = []
    for i, (label, pixels) in enumerate(masks):
        (rle,) = Masks.from_dense(pixels[None]).coco()
        body = {"id": f"m{i}", "label": labels[label], "rle": {"size": [6, 8], "counts": rle["counts"].decode()}}
        events.append(Event(f"{label}-{id(project)}", "mask.set", body))
    events.append(Event(f"done-{id(project)}", "image.state", {"state": "done"}))
    project.log.append(image, events, "tab", lease, 0)


def test_a_database_that_is_not_the_one_that_was_opened_takes_nothing(folder: Path, monkeypatch: Any) -> None:
    project = open_project(folder)
    file = project.database.file
    assert file is not None
    assert project.database.problem() is None
    away = file.with_name("away")
    file.rename(away)
    with pytest.raises(DatabaseError, match="is gone"), project.database.writing():
        pass
    file.write_bytes(away.read_bytes())
    assert "is another file" in str(project.database.problem())
    away.replace(file)
    assert project.database.problem() is None
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "cannot be written" in str(project.database.problem())
    project.close()


def test_what_is_written_into_a_file_that_goes_meanwhile_is_not_acknowledged(folder: Path) -> None:
    project = open_project(folder)
    file = project.database.file
    assert file is not None
    with pytest.raises(DatabaseError, match="is gone"), project.database.writing():
        file.unlink()
    project.close()

"""A project as a library sees it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.annotation.exchange import import_dataset
from tamis.annotation.labels import DEFAULT_LABEL
from tamis.annotation.problems import DatabaseError
from tamis.annotation.project import open_project
from tamis.errors import InputError
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("b.png", "a.png"):
        Image.new("RGB", (8, 6)).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


def test_a_project_gives_back_its_database_at_the_end(photos: Path) -> None:
    with open_project(photos) as project:
        assert [label.name for label in project.labels()] == [DEFAULT_LABEL]
        assert [row.name for row in project.rows()] == ["a.png", "b.png"]
        assert repr(project) == f"Project({str(photos)!r})"
    assert (photos / ".tamis" / "project.sqlite").is_file()
    with open_project(photos, create=False) as project:
        assert len(project.rows()) == 2


def test_masks_come_with_their_labels(photos: Path) -> None:
    square = np.zeros((6, 8), bool)
    square[1:3, 2:6] = True
    with open_project(photos, labels=["cat"]) as project:
        assert list(project.images()) == []  # nobody has looked at the files yet
        project.look([row.id for row in project.rows()])
        drawn = ImageRecord("a.png", Masks.from_dense(square[None]), ("cat",))
        import_dataset(project, Dataset(("cat",), (drawn,)), "anna")
        first, second = project.images()
    assert (first.name, first.labels, first.state, first.shape) == ("a.png", ["cat"], "progress", (6, 8))
    assert (first.masks[0] == square).all()
    assert len(second.masks) == 0


def test_folders_that_are_none(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_project(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a file"):
        open_project(photos / "a.png")
    with pytest.raises(DatabaseError):
        open_project(photos, create=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no images in this folder"):
        open_project(tmp_path / "empty")

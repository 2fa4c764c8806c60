"""The twelve tasks of docs/python.md: each is at most six lines, and runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

import tamis
from tamis.annotation.exchange import import_dataset
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks

PAGE = Path(__file__).parent.parent / "docs" / "python.md"
TASKS = re.findall(r"^## (.+?)\n+```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
LINES = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph, a folder of photographs, a project with a mask, a dataset."""
    home = tmp_path_factory.mktemp("snippets")
    picture = Image.fromarray(data.coffee())  # type: ignore[no-untyped-call]
    for place in ("photo.jpg", "photos/a.jpg", "annotated/a.jpg", "dataset/images/a.jpg"):
        path = home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        (picture if place == "photo.jpg" else picture.resize((200, 133))).save(path, quality=90)
    mask = np.zeros((133, 200), bool)
    mask[40:90, 50:140] = True
    (home / "dataset" / "masks").mkdir()
    Image.fromarray(mask).save(home / "dataset" / "masks" / "a.png")
    with tamis.open_project(home / "annotated", labels=["cup"]) as project:
        project.look([row.id for row in project.rows()])
        drawn = ImageRecord("a.jpg", Masks.from_dense(mask[None]), ("cup",))
        import_dataset(project, Dataset(("cup",), (drawn,)), "anna")
    return home


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_there_are_the_thirteen_tasks() -> None:
    assert len([name for name, _ in TASKS]) == 14  # and the door for programs written for SAM


@pytest.mark.parametrize(("name", "code"), TASKS, ids=[name for name, _ in TASKS])
def test_a_task_is_short_and_runs(name: str, code: str) -> None:
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= LINES, f"{name}: {len(lines)} lines"
    exec(compile(code, name, "exec"), {})


def test_files_of_the_tasks_are_there(folder: Path) -> None:
    for name in ("mask.png", "overlay.png", "labels.png", "coco.json", "masks/coco.json", "exported"):
        assert (folder / name).exists(), name

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tamis.annotation import open_project
from tamis.annotation.exchange import import_dataset
from tamis.formats.record import Dataset, ImageRecord
from tamis.mask import Masks

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(example: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_one_click(photograph: Path, tmp_path: Path) -> None:
    said = run("one_click.py", photograph, 40, 50, tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert said == f"{np.count_nonzero(np.asarray(mask))} pixels in {tmp_path / 'mask.png'}\n"


def test_annotate_from_python(photograph: Path) -> None:
    project = open_project(photograph.parent, labels=["disc"])
    project.look([1])
    square = np.zeros((96, 128), bool)
    square[:3, :4] = True
    record = ImageRecord("photo.jpg", Masks.from_dense(square[None]), ("disc",))
    import_dataset(project, Dataset(("disc",), (record,)), "anna")
    project.close()
    assert run("annotate_from_python.py", photograph.parent) == "photo.jpg progress [('disc', 12)]\n"


def test_segment_folder(photograph: Path, tmp_path: Path) -> None:
    said = run("segment_folder.py", photograph.parent, tmp_path / "out")
    assert said.startswith("photo.jpg: ")
    assert (tmp_path / "out" / "coco.json").exists()


def test_sam_predictor(photograph: Path, tmp_path: Path) -> None:
    said = run("sam_predictor.py", photograph, 40, 50, tmp_path / "mask.png", "hierarchy")
    with Image.open(tmp_path / "mask.png") as mask:
        assert said.startswith(f"1 masks; the best has {np.count_nonzero(np.asarray(mask))} pixels")


def test_sam_generator(photograph: Path, tmp_path: Path) -> None:
    said = run("sam_generator.py", photograph, tmp_path / "masks.json", "hierarchy")
    records = json.loads((tmp_path / "masks.json").read_text())
    assert said == f"{len(records)} masks, the largest of {max(record['area'] for record in records)} pixels\n"

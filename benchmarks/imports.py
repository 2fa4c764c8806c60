"""How long `tamis import` takes with many polygons, and an outline with many holes: seconds, and memory at its most.

python -m benchmarks.imports
"""

import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tamis.annotation.exchange import import_dataset, shapes
from tamis.annotation.project import project_of
from tamis.formats.outlines import rings_of
from tamis.formats.registry import loaded

IMAGES, EACH, HOLES = 200, 50, 5_000


def main() -> None:
    """Measure, and print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        file = annotated(Path(folder))
        start = time.perf_counter()
        project = project_of(Path(folder) / "photos")
        found = loaded(file, "coco", shapes(project))
        done = import_dataset(project, found.dataset, "benchmark", add_labels=True)
        seconds = time.perf_counter() - start
        project.close()
    print(f"{done.masks} polygons on {done.images} images imported in {seconds:.1f} s")
    start = time.perf_counter()
    rings_of(holed())
    print(f"a mask with {HOLES} holes as one line in {time.perf_counter() - start:.2f} s")
    print(f"memory at its most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def annotated(folder: Path) -> Path:
    """A COCO file of polygons of 20 to 60 corners, and its images beside it."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    picture = Image.fromarray(rng.integers(0, 255, (480, 640, 3), dtype=np.uint8))
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(IMAGES):
        picture.save(folder / "photos" / f"{number}.jpg")
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480})
        for _ in range(EACH):
            corners = int(rng.integers(20, 60))
            angles, radii = np.sort(rng.uniform(0, 2 * np.pi, corners)), rng.uniform(20, 60, corners)
            around = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
            ring = (rng.uniform([60, 60], [580, 420]) + around).round(1).ravel().tolist()
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "segmentation": [ring]}
            )
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "in.json").write_text(json.dumps(content))
    return folder / "in.json"


def holed() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A mask with holes of a pixel."""
    mask = np.ones((710, 710), bool)
    rows, columns = np.mgrid[5:705:9, 5:705:9]
    mask[rows.ravel()[:HOLES], columns.ravel()[:HOLES]] = False
    return mask


if __name__ == "__main__":
    main()

"""Masks of the objects of `dreambooth`, which has none: by the model in the box, looked at by a person.

python -m benchmarks.personal DREAMBOOTH OUT makes OUT/images and OUT/masks, in the layout `instances`.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import MaskArray
from tamis.image import read_image, write_image
from tamis.segmentors import AnswersByRegion, load_segmentor

REFUSED = {
    ("candle", "00"),
    ("clock", "00"),
    ("clock", "01"),
    ("dog3", "04"),
    ("dog5", "01"),
    ("dog7", "00"),
    ("pink_sunglasses", "02"),
    ("pink_sunglasses", "05"),
    ("vase", "01"),
    ("vase", "05"),
}
"""Masks of something else than the object, as a person saw: an arm, a stone, a lamp, a pot; or a head, one lens."""


def main_object(encoded: AnswersByRegion) -> MaskArray:
    """(H, W) bool: the best rated answer that lies in the middle, away from the frame, neither tiny nor huge."""
    region_map, count = encoded.region_map, encoded.answers.shape[1]
    height, width = region_map.shape
    rows = encoded.answers.reshape(-1, count) > 127
    frame = np.concatenate([region_map[0], region_map[-1], region_map[:, 0], region_map[:, -1]])
    middle = region_map[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3].ravel()
    area, at_frame, inside = (rows @ _shares(part, count) for part in (region_map.ravel(), frame, middle))
    score = encoded.ratings.ravel() / 255 + 0.8 * inside - 3 * at_frame
    score -= 2 * np.maximum(0, 0.04 - area) / 0.04 + 3 * np.maximum(0, area - 0.65)
    return np.asarray(rows[int(score.argmax())][encoded.fine_map])


def _shares(labels: NDArray[np.uint16], count: int) -> NDArray[np.float64]:
    return np.bincount(labels, minlength=count) / len(labels)


def main(root: Path, out: Path) -> None:
    """Write links to the images and the masks that are good."""
    model = load_segmentor()
    with (root / "instances.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name = Path(row["file"])
        link = out / "images" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to((root / "images" / name).resolve())
        mask = out / "masks" / name.with_suffix(".png")
        if (row["instance"], name.stem) not in REFUSED and not mask.exists():
            encoded = model.encode(read_image(link))
            assert isinstance(encoded, AnswersByRegion)
            write_image(mask, main_object(encoded).astype(np.uint8) * 255)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

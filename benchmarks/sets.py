"""The sets that figures are measured on, and where pages and pictures of them lie."""

from dataclasses import dataclass, replace
from pathlib import Path

from tamis.datasets.protocol import Dataset

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "benchmarks" / "quality"
PICTURES = ROOT / "docs" / "images"


@dataclass(frozen=True)
class Set:
    """One row of the table: a dataset, its folder below TAMIS_DATA, its split."""

    dataset: str
    folder: str
    split: str

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"{self.folder} {self.split}".strip()

    def file(self, segmentor: str) -> Path:
        """Where a segmentor's summary is kept."""
        return KEPT / segmentor / f"{self.name.replace(' ', '_').replace('/', '-')}.json"


SETS = (
    Set("bsds500", "bsds500", "test"),
    Set("duts", "duts", "val10"),
    Set("davis", "davis", "2016/dev"),
    Set("weizmann-horses", "weizmann_horses", "val10"),
    Set("folder", "coco_mval", "val10"),  # instance by instance; the peers' coco-mval merges them
    Set("leeds-butterflies", "leeds_butterflies", "val10"),
    Set("feral-cats", "feral_cats", "val10"),
    Set("berkeley", "berkeley", ""),
    Set("camvid", "camvid", "test"),
    Set("dsb2018", "dsb2018", "val10"),
    Set("coco128-seg", "coco128_seg", "val10"),
    Set("cwfid", "cwfid", "val10"),
    Set("crackforest", "crackforest", "val10"),
)


def spaced(dataset: Dataset, images: int) -> Dataset:
    """The dataset with so many of its images, evenly spaced."""
    count = len(dataset.samples)
    chosen = range(count) if count <= images else [i * count // images for i in range(images)]
    return replace(dataset, samples=tuple(dataset.samples[i] for i in chosen))

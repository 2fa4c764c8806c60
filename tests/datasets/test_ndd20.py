"""NDD20: outlines of dolphins, the split by names as text, and a download that goes on where it stopped."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tamis.datasets import open_dataset
from tamis.datasets.archive import PIECE, fetch_archive, sha256_of
from tamis.datasets.ndd20_download import ARCHIVE, download_ndd20
from tamis.errors import InputError
from tests.datasets.web import Site


def region(kind: str, xs: list[float], ys: list[float]) -> dict[str, Any]:
    return {"shape_attributes": {"name": kind, "all_points_x": xs, "all_points_y": ys}, "region_attributes": {}}


def write(root: Path, count: int, regions: list[dict[str, Any]]) -> None:
    (root / "BELOW").mkdir(parents=True, exist_ok=True)
    (root / "ABOVE").mkdir(exist_ok=True)
    entries = {}
    for number in range(1, count + 1):
        Image.new("RGB", (8, 6)).save(root / "BELOW" / f"{number}.jpg")
        entries[f"{number}.jpg123"] = {"filename": f"{number}.jpg", "size": 123, "regions": regions}
    (root / "BELOW_LABELS.json").write_text(json.dumps(entries))
    Image.new("RGB", (8, 6)).save(root / "ABOVE" / "1.jpg")
    above = {"1.jpg1": {"filename": "1.jpg", "size": 1, "regions": regions}}
    (root / "ABOVE_LABELS.json").write_text(json.dumps(above))


SQUARE, LINE = region("polygon", [0, 2, 2, 0], [0, 0, 2, 2]), region("polyline", [4, 8, 8, 4], [3, 3, 6, 6])


def test_all_dolphins_are_one_mask_and_polylines_are_closed(tmp_path: Path) -> None:
    write(tmp_path, 1, [SQUARE, LINE])
    (target,) = open_dataset("ndd20", tmp_path, "below").samples[0].targets()
    expected = np.zeros((6, 8), bool)
    expected[:2, :2] = expected[3:, 4:] = True
    np.testing.assert_array_equal(target.mask, expected)
    assert target.label == "dolphin"


def test_the_split_is_by_names_as_text(tmp_path: Path) -> None:
    write(tmp_path, 11, [SQUARE])
    train = [sample.name for sample in open_dataset("ndd20", tmp_path, "below-train").samples]
    assert train == ["1", "10", "11", "2", "3", "4", "5", "6"]
    assert [sample.name for sample in open_dataset("ndd20", tmp_path).samples] == ["7", "8", "9"]
    assert int(0.8 * 2201) == 1760  # as the research counts


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([region("circle", [1], [1])], "is a circle"),
        ([{}], "is no outline"),
        ([SQUARE, region("polygon", [0], [])], "region 2 of 1.jpg"),
    ],
)
def test_a_damaged_outline_is_named(regions: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    write(tmp_path, 1, regions)
    with pytest.raises(InputError, match=message):
        list(open_dataset("ndd20", tmp_path, "below").samples[0].targets())


def archive(tmp_path: Path) -> bytes:
    write(tmp_path / "made", 3, [SQUARE])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for path in sorted((tmp_path / "made").rglob("*.*")):
            file.write(path, Path("NDD20") / path.relative_to(tmp_path / "made"))
        file.writestr("NDD20/../../evil.jpg", b"no")
    return content.getvalue()


def test_it_is_fetched_and_unpacked_over_a_bad_line(site: Site, tmp_path: Path) -> None:
    site.files["n.zip"] = archive(tmp_path)
    site.drops, site.truncates, site.busy = 1, 2, 1
    steps = list(download_ndd20(tmp_path / "set", f"{site.url}n.zip", wait=0.001))
    assert steps[-1] == ("unpacking", 1.0)
    assert len(open_dataset("ndd20", tmp_path / "set", "below").samples) == 3
    assert not list(tmp_path.rglob("evil.jpg"))
    site.asked.clear()
    list(download_ndd20(tmp_path / "set", f"{site.url}n.zip"))
    assert not site.asked  # the archive is there
    digest = sha256_of(tmp_path / "set" / ARCHIVE)
    list(download_ndd20(tmp_path / "set", sha256=digest.upper()))
    with pytest.raises(InputError, match=f"its SHA-256 is {digest}, not 00"):
        list(download_ndd20(tmp_path / "set", sha256="00"))


def test_an_interrupted_fetch_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(2 * PIECE + 5)
    site.files["big"] = content
    steps = fetch_archive(f"{site.url}big", tmp_path / "big", wait=0.001)
    assert next(steps) == 0
    next(steps)
    steps.close()  # Ctrl-C
    assert (tmp_path / "big.part").stat().st_size == PIECE
    before = site.sent
    shares = list(fetch_archive(f"{site.url}big", tmp_path / "big", wait=0.001))
    assert shares[0] == pytest.approx(PIECE / len(content))
    assert site.sent - before < len(content) - PIECE + 100
    assert (tmp_path / "big").read_bytes() == content


def test_another_archive_is_told(site: Site, tmp_path: Path) -> None:
    site.files["n.zip"] = b"no archive" * 100
    with pytest.raises(InputError, match="arrived damaged"):
        list(download_ndd20(tmp_path, f"{site.url}n.zip", wait=0.001))

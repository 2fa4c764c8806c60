import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow.parquet import read_table

from tamis.arrays import ImageArray, MaskArray
from tamis.compat import SAM2AutomaticMaskGenerator, SamAutomaticMaskGenerator
from tamis.formats.coco import CocoImage, masks_of
from tamis.image import read_image
from tamis.jobs import segment
from tamis.mask import label_map
from tamis.scale.stores import read, sizes_in, write
from tamis.segmentors import DEFAULT, load_segmentor

Tamis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, scene: tuple[ImageArray, MaskArray]) -> Path:
    """Three photographs."""
    place = tmp_path / "photos"
    place.mkdir()
    for index in range(3):
        Image.fromarray(np.roll(scene[0], 9 * index, axis=1)).save(place / f"{index}.png")
    return place


def pixels_of(path: Path) -> NDArray[Any]:
    with Image.open(path) as file:
        return np.asarray(file)


def test_it_writes_every_format(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, err = tamis("segment", folder, "--out", out)
    assert (code, err) == (0, "")
    assert said.startswith("3 segmented (")
    dataset = json.loads((out / "coco.json").read_text())
    assert [image["file_name"] for image in dataset["images"]] == ["0.png", "1.png", "2.png"]
    assert [annotation["id"] for annotation in dataset["annotations"]] == list(
        range(1, len(dataset["annotations"]) + 1)
    )
    first = [annotation for annotation in dataset["annotations"] if annotation["image_id"] == 1]
    labels = pixels_of(out / "labelmap" / "0.png")
    assert labels.dtype == np.uint16
    assert (labels == label_map(masks_of(CocoImage("0.png", (96, 128), first)))).all()
    assert pixels_of(out / "overlay" / "0.png").shape == (96, 128, 3)
    run = json.loads((out / "run.json").read_text())
    assert run["settings"]["grid"] is None
    assert run["dataset_fingerprint"]
    assert run["ended"] >= run["started"]


def test_a_second_run_skips_what_is_finished_and_redoes_what_changed(
    tamis: Tamis, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tamis("segment", folder, "--out", out)
    before = (out / "coco.json").read_bytes()
    (out / "overlay" / "1.png").unlink()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / "2.png")
    _, said, _ = tamis("segment", folder, "--out", out, "--json")
    assert [image["skipped"] for image in json.loads(said)["images"]] == [True, False, False]
    assert (out / "overlay" / "1.png").exists()
    assert (out / "coco.json").read_bytes() != before
    _, said, _ = tamis("segment", folder, "--out", out, "--grid", "8", "--json")
    assert not any(image["skipped"] for image in json.loads(said)["images"])


def test_one_broken_image_does_not_stop_the_rest(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    (folder / "1.png").write_text("not a photograph")
    code, said, err = tamis("segment", folder, "--out", tmp_path / "out")
    assert code == 1
    assert said.startswith("2 segmented")
    assert "1 failed" in said
    assert err.startswith(f"tamis: {folder / '1.png'}: not an image that can be read (JPEG, PNG, ")
    assert len(json.loads((tmp_path / "out" / "coco.json").read_text())["images"]) == 2


def test_a_name_too_long_for_its_results_costs_that_image_alone(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    long = "m" * 251 + ".png"
    (folder / "1.png").rename(folder / long)
    (folder / "notes.txt").touch()
    code, said, err = tamis("segment", folder, "--out", tmp_path / "out", "--segmentor", "hierarchy")
    assert code == 1
    assert "2 segmented" in said
    assert "left out 1 file that by name is no image: 1 .txt (notes.txt)" in said
    assert "the name is too long for this disk" in err
    assert long[:-4] in err


def test_only_what_is_asked_for_is_written(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tamis("segment", folder / "0.png", "--out", out, "--format", "labelmap", "--max-proposals", 1, "--min-area", 50)
    assert sorted(path.name for path in out.iterdir()) == ["labelmap", "proposals", "run.json"]
    assert pixels_of(out / "labelmap" / "0.png").max() == 1


def test_masks_of_a_low_score_are_left_out(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    tamis("segment", folder / "0.png", "--out", tmp_path / "all", "--format", "coco", "--min-score", 0)
    tamis("segment", folder / "0.png", "--out", tmp_path / "best", "--format", "coco", "--min-score", ".6")
    every, best = (
        [annotation["score"] for annotation in json.loads((tmp_path / name / "coco.json").read_text())["annotations"]]
        for name in ("all", "best")
    )
    assert best == [score for score in every if score >= 0.6]
    assert 0 < len(best) < len(every)


def test_sams_records_and_drawings(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tamis("segment", folder / "0.png", "--out", out, "--format", "sam,svg,coco")[0] == 0
    records = json.loads((out / "sam" / "0.json").read_text())
    ours = json.loads((out / "coco.json").read_text())["annotations"]
    assert records["image"] == {"image_id": 1, "width": 128, "height": 96, "file_name": "0.png"}
    for record, annotation in zip(records["annotations"], ours, strict=True):
        assert record["segmentation"] == annotation["segmentation"]
        x, y, width, height = annotation["bbox"]
        assert record["bbox"] == [x, y, width - 1, height - 1]
        assert record["point_coords"] == [[annotation["click"][0] - 0.5, annotation["click"][1] - 0.5]]
        assert 0 < record["stability_score"] <= 1
        assert record["predicted_iou"] == annotation["score"]
    drawing = ElementTree.parse(out / "svg" / "0.svg").getroot()
    assert drawing.attrib["viewBox"] == "0 0 128 96"
    assert sorted(path.attrib["id"] for path in drawing) == sorted(f"mask-{i + 1}" for i in range(len(ours)))


def test_several_levels_give_more_masks(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    counts = []
    for levels in ("0.5", ".2,.5,.8"):
        arguments = ["--out", tmp_path / levels, "--levels", levels, "--score", "stability", "--format", "coco"]
        assert tamis("segment", folder / "0.png", *arguments)[0] == 0
        counts.append(len(json.loads((tmp_path / levels / "coco.json").read_text())["annotations"]))
    assert counts[1] > counts[0]
    code, _, err = tamis("segment", folder, "--out", tmp_path / "no", "--levels", "2")
    assert (code, "'2' is no list of probabilities such as .3,.5,.7" in err) == (2, True)


def test_tiles_find_what_the_whole_does_and_more(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    options = ("--format", "coco", "--min-area", "20")
    for name, more in (("whole", ()), ("tiles", ("--tiles", "64"))):
        assert tamis("segment", folder / "0.png", "--out", tmp_path / name, *options, *more)[0] == 0
    whole, tiles = (json.loads((tmp_path / name / "coco.json").read_text()) for name in ("whole", "tiles"))
    assert len(tiles["annotations"]) > len(whole["annotations"])
    assert all(each["segmentation"]["size"] == [96, 128] for each in tiles["annotations"])
    code, _, err = tamis("segment", folder, "--out", tmp_path / "no", "--tiles", "64", "--partition", "4")
    assert code == 2
    assert "--tiles and --partition are different ways to find masks" in err


def test_several_processes_find_the_same(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    (folder / "1.png").write_text("not a photograph")
    written = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        code, said, err = tamis("segment", folder, "--out", out, "--workers", workers, "--segmentor", "hierarchy")
        assert (code, said[:11], "1.png: not an image" in err) == (1, "2 segmented", True)
        written.append((out / "coco.json").read_bytes())
    assert written[0] == written[1]


def test_a_partition_covers_every_pixel_once(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, _ = tamis("segment", folder, "--out", out, "--partition", 5, "--segmentor", "hierarchy")
    assert code == 0
    assert "3 segmented (15 masks" in said
    annotations = [a for a in json.loads((out / "coco.json").read_text())["annotations"] if a["image_id"] == 1]
    masks = masks_of(CocoImage("0.png", (96, 128), annotations))
    assert (masks.dense().sum(axis=0) == 1).all()
    for option in (("--format", "sam"), ("--grid", 4)):
        code, _, err = tamis("segment", folder, "--out", out, "--partition", 5, *option)
        assert (code, "leave out" in err) == (2, True)


def test_a_pattern_does_not_find_the_pictures_of_an_earlier_run(tamis: Tamis, folder: Path) -> None:
    for expected in (False, True):
        _, said, _ = tamis("segment", f"{folder}/**/*.png", "--out", folder / "masks", "--grid", 4, "--json")
        assert [image["skipped"] for image in json.loads(said)["images"]] == [expected] * 3


def test_no_image_is_written_over(tamis: Tamis, folder: Path) -> None:
    place = folder.rename(folder.parent / "overlay")
    before = {path: path.read_bytes() for path in place.iterdir()}
    code, _, err = tamis("segment", place, "--out", place.parent)
    assert code == 2
    assert "a result would be written over the image" in err
    assert {path: path.read_bytes() for path in place.iterdir()} == before


def test_a_larger_limit_on_pixels_does_not_do_finished_images_again(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((100, 200, 3), np.uint8)).save(folder / "1.png")
    limited = ("segment", folder, "--out", tmp_path / "out", "--grid", 4, "--json", "--max-pixels")
    assert tamis(*limited, 15000)[0] == 1
    code, said, _ = tamis(*limited, 20000)
    assert code == 0
    assert [image["skipped"] for image in json.loads(said)["images"]] == [True, False, True]


def test_two_runs_at_once_into_one_folder_are_refused(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = segment.segment_images(sorted(folder.iterdir()), out, load_segmentor("hierarchy"))
    next(first)
    code, _, err = tamis("segment", folder, "--out", out)
    assert (code, err) == (2, f"tamis: --out {out}: another run is writing there; wait for it or choose another\n")
    assert len(list(first)) == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda place: ["none.jpg"], "none.jpg: no such file"),
        (lambda place: [place / "void"], "void: no images in this folder"),
        (lambda place: [place / "*.jpg"], "no image matches this pattern"),
        (lambda place: [place / "empty.gif"], "empty.gif: the file is empty"),
    ],
)
def test_nothing_to_segment_is_said(
    tamis: Tamis, tmp_path: Path, make: Callable[[Path], list[object]], sentence: str
) -> None:
    (tmp_path / "void").mkdir()
    (tmp_path / "empty.gif").touch()
    code, _, err = tamis("segment", *make(tmp_path), "--out", tmp_path / "out")
    assert code == 2
    assert err.count("\n") == 1
    assert sentence in err


def test_an_out_that_is_a_file_is_refused_before_any_work(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("precious")
    code, _, err = tamis("segment", folder, "--out", tmp_path / "taken")
    assert code == 2
    assert "is a file, not a folder" in err
    assert (tmp_path / "taken").read_text() == "precious"


def test_a_full_disk_stops_the_run_and_keeps_what_is_finished(
    tamis: Tamis, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    tamis("segment", folder / "0.png", "--out", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "run.json"}

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = tamis("segment", folder, "--out", out)
    assert code == 2
    assert "the disk is full" in err
    assert {path: path.read_bytes() for path in before} == before


def heed_interrupts() -> None:
    """What a shell starts in the background ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_keeps_finished_images_and_the_next_run_goes_on(folder: Path, tmp_path: Path) -> None:
    for index in range(3, 14):
        (folder / f"{index}.png").write_bytes((folder / "0.png").read_bytes())
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tamis", "segment", str(folder), "--out", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    ) as process:
        deadline = time.monotonic() + 60
        while not list((out / "proposals").glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.lstrip() == "tamis: interrupted; what was finished is saved, and the same command continues from there\n"
    finished = len(list((out / "proposals").glob("*.json")))
    assert 0 < finished < 14
    assert len(json.loads((out / "coco.json").read_text())["images"]) == finished
    assert not list(out.rglob("*.part"))
    again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    assert sum(image["skipped"] for image in json.loads(again)["images"]) == finished


def test_the_protocols_of_sam_give_what_their_generators_give(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    image = read_image(folder / "0.png")
    counts = {}
    for protocol, make in (("sam", SamAutomaticMaskGenerator), ("sam2", SAM2AutomaticMaskGenerator)):
        out = tmp_path / protocol
        arguments = ["--protocol", protocol, "--grid", "8", "--format", "sam,coco"]
        assert tamis("segment", folder / "0.png", "--out", out, *arguments)[0] == 0
        records = json.loads((out / "sam" / "0.json").read_text())["annotations"]
        generator = make(load_segmentor(DEFAULT), points_per_side=8, output_mode="coco_rle")
        expected = json.loads(json.dumps(generator.generate(image)))
        assert [{key: record[key] for key in record if key != "id"} for record in records] == expected
        counts[protocol] = len(json.loads((out / "coco.json").read_text())["annotations"])
    assert 0 < counts["sam"] <= counts["sam2"]  # SAM 2 asks for less
    code, _, err = tamis("segment", folder, "--out", tmp_path / "no", "--protocol", "sam", "--levels", ".3,.5")
    assert code == 2
    assert "--generator has its own rules: leave out --thresholds" in err


def test_adaptive_clicks_find_the_object_too(
    tamis: Tamis, folder: Path, tmp_path: Path, scene: tuple[ImageArray, MaskArray]
) -> None:
    out = tmp_path / "out"
    assert tamis("segment", folder / "0.png", "--out", out, "--adaptive", "--format", "coco")[0] == 0
    annotations = json.loads((out / "coco.json").read_text())["annotations"]
    masks = masks_of(CocoImage("0.png", (96, 128), annotations))
    assert max((mask & scene[1]).sum() / (mask | scene[1]).sum() for mask in masks) > 0.9
    code, _, err = tamis("segment", folder, "--out", tmp_path / "no", "--adaptive", "--grid", "8")
    assert code == 2
    assert "--adaptive has its own rules: leave out --grid" in err


def test_a_collection_becomes_a_dataset_of_parquet(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    arguments = ["--format", "parquet", "--shard", 2, "--segmentor", "hierarchy"]
    told = {}
    for source, workers in ((folder, 1), (folder, 2), (tmp_path / "photos.tar", 1)):
        out = tmp_path / f"{source.name}-{workers}"
        code, said, err = tamis("segment", source, *arguments, "--workers", workers, "--out", out)
        assert (code, said, err) == (0, f"3 segmented; results in {out}\n", "")
        told[out.name] = [row for file in sorted(out.glob("*.parquet")) for row in read_table(file).to_pylist()]
    assert len({json.dumps(rows) for rows in told.values()}) == 1
    (rows, *_) = told.values()
    assert [row["name"] for row in rows] == ["0.png", "1.png", "2.png"]
    assert tamis("segment", folder, "--format", "coco", "--segmentor", "hierarchy", "--out", tmp_path / "coco")[0] == 0
    coco = json.loads((tmp_path / "coco" / "coco.json").read_text())
    first = [each for each in coco["annotations"] if each["image_id"] == 1]
    assert [mask["counts"] for mask in rows[0]["masks"]] == [each["segmentation"]["counts"] for each in first]
    assert [mask["score"] for mask in rows[0]["masks"]] == [each["score"] for each in first]
    again = tamis("segment", folder, *arguments, "--out", tmp_path / f"{folder.name}-1")
    assert again[1].startswith("0 segmented, 3 finished before")


def test_what_only_a_dataset_can_do_is_said(tamis: Tamis, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for arguments, sentence in (
        (["s3://bucket/photos", "--out", out], "URLs, .tar and .parquet go with --format parquet: add it"),
        ([folder, "--out", "memory://out"], "URLs, .tar and .parquet go with --format parquet: add it"),
        ([folder, "--out", out, "--format", "parquet,coco"], "--format parquet is a dataset by itself"),
        ([folder / "none", "--out", out, "--format", "parquet"], "no such file"),
        ([folder, "--out", "memory://o", "--format", "parquet", "--workers", 2], "is the memory of one process"),
    ):
        code, _, err = tamis("segment", *arguments, "--segmentor", "hierarchy")
        assert (code, sentence in err) == (2, True), err


@pytest.mark.parametrize("workers", [1, 2])
def test_from_one_bucket_into_another(
    tamis: Tamis, folder: Path, tmp_path: Path, workers: int, request: pytest.FixtureRequest
) -> None:
    bucket = request.getfixturevalue("s3")
    for path in folder.iterdir():
        write(f"{bucket}/{workers}/photos/{path.name}", path.read_bytes())
    arguments = ["--format", "parquet", "--segmentor", "hierarchy", "--workers", workers]
    code, said, err = tamis("segment", f"{bucket}/{workers}/photos", *arguments, "--out", f"{bucket}/{workers}/masks")
    assert (code, said, err) == (0, f"3 segmented; results in {bucket}/{workers}/masks\n", "")
    (shard,) = [name for name in sizes_in(f"{bucket}/{workers}/masks") if name.endswith(".parquet")]
    rows = read_table(io.BytesIO(read(f"{bucket}/{workers}/masks/{shard}"))).to_pylist()
    assert [row["name"] for row in rows] == ["0.png", "1.png", "2.png"]
    again = tamis("segment", f"{bucket}/{workers}/photos", *arguments, "--out", f"{bucket}/{workers}/masks")
    assert "3 finished before" in again[1]

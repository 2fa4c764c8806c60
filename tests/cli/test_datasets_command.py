import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from tamis.cli.datasets_command import command
from tamis.datasets import list_datasets
from tamis.datasets.synthetic import write_synthetic
from tests.datasets.web import Site, serving

Tamis = Callable[..., tuple[int, str, str]]

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


def test_the_page_names_every_sub_command_option_and_dataset() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.split(r"^\| `(?=\w)", page.split("| command |")[1].split("\n\n")[0], flags=re.MULTILINE)[1:]
    assert {row.split()[0].rstrip("`") for row in rows} == set(command.commands)
    for row in rows:
        options = [
            option.opts[0]
            for option in command.commands[row.split()[0].rstrip("`")].params
            if isinstance(option, click.Option)
        ]
        assert sorted(re.findall(r"`(--[a-z-]+)", row)) == sorted(options)
    for entry in list_datasets():
        assert f"`{entry.name}`" in page


def test_list_says_all_of_every_dataset(tamis: Tamis) -> None:
    code, out, _ = tamis("datasets", "list")
    assert code == 0
    listed = json.loads(tamis("datasets", "list", "--json")[1])
    for entry, found in zip(list_datasets(), listed, strict=True):
        assert f"\n{entry.name}\n" in f"\n{out}"
        assert entry.licence in out
        assert entry.citation in out
        assert found["tree"] == entry.tree
        assert found["splits"] == list(entry.splits)


def test_check_reports_counts_and_what_has_no_partner(tamis: Tamis, tmp_path: Path) -> None:
    code, out, _ = tamis("datasets", "synthetic", "davis345", tmp_path / "set", "--scenes", 3, "--seed", 1)
    assert code == 0
    assert out.startswith("3 images with 3 masks in ")
    (tmp_path / "set" / "gt" / "00001.png").unlink()
    code, out, err = tamis("datasets", "check", "davis345", tmp_path / "set")
    assert (code, err) == (0, "")
    assert "davis345: 2 images, 2 masks; published: 345 images, 345 masks" in out
    assert "1 images without masks: 00001" in out
    assert out.endswith("no problems\n")
    report = json.loads(tamis("datasets", "check", "davis345", tmp_path / "set", "--json")[1])
    assert (report["images"], report["masks"], report["published"]) == (2, 2, [345, 345])
    assert report["unmatched"] == {"images without masks": ["00001"]}


def test_check_names_problems_and_goes_on(tamis: Tamis, tmp_path: Path) -> None:
    write_synthetic("camvid", tmp_path / "set", "val", scenes=3)
    (tmp_path / "set" / "labels" / "val" / "00000.png").write_bytes(b"cut")
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "set" / "labels" / "val" / "00001.png")
    code, out, err = tamis("datasets", "check", "camvid", tmp_path / "set", "--split", "val")
    assert code == 1
    assert "2 problems" in out
    assert "masks have pixels that do not count" in out
    assert "00000.png: not a mask that can be read" in err
    assert "00001.jpg: mask 0 is 3x3" in err


def test_check_shows_what_is_expected(tamis: Tamis, tmp_path: Path) -> None:
    code, _, err = tamis("datasets", "check", "cocolvis", tmp_path)
    assert code == 2
    assert "there is no such file" in err
    assert "tamis datasets prepare cocolvis RAW ROOT" in err
    code, _, err = tamis("datasets", "check", "cocolvs", tmp_path)
    assert (code, err) == (2, "tamis: there is no dataset 'cocolvs'; did you mean 'cocolvis'?\n")


def test_prepare_links_and_counts(tamis: Tamis, tmp_path: Path) -> None:
    root, raw = tmp_path / "set", tmp_path / "raw"
    write_synthetic("cocolvis", root, "train", scenes=3)
    raw.mkdir()
    (root / "train" / "images").rename(raw / "train2017")
    code, out, _ = tamis("datasets", "prepare", "cocolvis", raw, root)
    assert (code, out) == (0, "train: 3 images, 3 linked now\n")
    (root / "train" / "masks" / "000000000002.pickle").unlink()
    code, out, _ = tamis("datasets", "prepare", "cocolvis", raw, root)
    assert (code, out) == (
        1,
        "train: 3 images, 0 linked now\ntrain: 1 masks missing: 000000000002\n",
    )
    assert json.loads(tamis("datasets", "prepare", "cocolvis", raw, root, "--json")[1])[0]["linked"] == 0


def test_prepare_writes_sbd_by_class(tamis: Tamis, tmp_path: Path) -> None:
    write_synthetic("sbd", tmp_path / "sbd", "train", scenes=3)
    arguments = ("datasets", "prepare", "sbd-per-class", tmp_path / "sbd", tmp_path / "out", "--split", "train")
    code, out, _ = tamis(*arguments)
    assert code == 0
    assert "bicycle: 3 images" in out
    assert json.loads(tamis(*arguments, "--json")[1])["bicycle"] == 3
    code, out, _ = tamis("datasets", "check", "sbd-per-class", tmp_path / "out", "--split", "bicycle")
    assert (code, out.splitlines()[0]) == (0, "sbd-per-class bicycle: 3 images, 3 masks")


def test_download_names_what_failed_and_how_to_try_again(tamis: Tamis, tmp_path: Path, site: Site) -> None:
    import io
    import zipfile

    write_synthetic("hypersim", tmp_path / "made", scenes=1)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in (tmp_path / "made").rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path / "made"))
    site.files["ai_001_001.zip"] = content.getvalue()
    site.files["list.csv"] = (
        b"scene_name,camera_name,frame_id,included_in_public_release\n"
        b"ai_001_001,cam_00,0,True\nai_001_002,cam_00,0,True\n"
    )
    root = tmp_path / "set"
    where = ("--base-url", site.url, "--scene-list", f"{site.url}list.csv", "--retries", 0, "--timeout", 5)
    code, out, err = tamis("datasets", "download", "hypersim", root, *where)
    assert code == 1
    assert out == f"1 scenes fetched, 1 failed; in {root}\n"
    assert "ai_001_002.zip: the server answers 404" in err
    again = f"{root} --preview color --base-url {site.url} --scenes ai_001_002"
    assert err.endswith(f"again: tamis datasets download hypersim {again}\n")
    code, out, _ = tamis("datasets", "download", "hypersim", root, *where, "--scenes", "ai_001_001")
    assert (code, out) == (0, f"0 scenes fetched, 1 there before; in {root}\n")
    (tmp_path / "scenes.txt").write_text("ai_001_002\n")
    code, out, _ = tamis(
        "datasets", "download", "hypersim", root, *where, "--scenes", tmp_path / "scenes.txt", "--json"
    )
    assert code == 2
    assert json.loads(out)[0]["scene"] == "ai_001_002"
    code, _, err = tamis("datasets", "download", "hypersim", root, "--scenes", tmp_path / "none.txt")
    assert (code, err) == (2, f"tamis: {tmp_path / 'none.txt'}: no such file; check the name\n")
    assert tamis("datasets", "check", "hypersim", root)[0] == 0


def test_synthetic_refuses_a_folder_with_something_in_it(tamis: Tamis, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    code, _, err = tamis("datasets", "synthetic", "folder", tmp_path)
    assert code == 2
    assert "is not an empty folder" in err


def test_ndd20_is_fetched_and_counted(tamis: Tamis, tmp_path: Path, site: Site) -> None:
    import io
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for view in ("below", "above"):
            write_synthetic("ndd20", tmp_path / view, view, scenes=5)
            for path in (tmp_path / view).rglob("*.*"):
                archive.write(path, path.relative_to(tmp_path / view))
    site.files["n.zip"] = content.getvalue()
    code, out, _ = tamis("datasets", "download", "ndd20", tmp_path / "set", "--base-url", f"{site.url}n.zip")
    assert (code, out) == (0, f"5 images below, 5 images above; in {tmp_path / 'set'}\n")
    code, _, err = tamis("datasets", "download", "ndd20", tmp_path / "set", "--digest", "00")
    assert code == 2
    assert "not 00" in err

from pathlib import Path

import pytest

from tamis.datasets import open_dataset
from tamis.datasets.hypersim_download import SceneDownload, Source, download_hypersim, released_scenes
from tamis.datasets.inspection import inspect_dataset
from tamis.errors import InputError, OutputError
from tests.datasets.web import Site

SCENES = ["ai_001_001", "ai_001_002", "ai_001_003"]


def source(site: Site, retries: int = 3) -> Source:
    return Source(site.url, retries=retries, timeout=5, wait=0.001)


def download(site: Site, root: Path, scenes: list[str] = SCENES, preview: str = "color") -> list[SceneDownload]:
    return list(download_hypersim(root, scenes, preview, source(site), workers=2))


def test_only_two_files_of_each_scene_are_fetched(site: Site, archives: dict[str, bytes], tmp_path: Path) -> None:
    site.files |= archives
    assert download(site, tmp_path) == [SceneDownload(scene, 2) for scene in SCENES]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 6
    assert site.sent < sum(map(len, archives.values())) / 2
    dataset = open_dataset("hypersim", tmp_path)
    assert [sample.name for sample in dataset.samples] == [f"{scene}/cam_00/frame.0000" for scene in SCENES]
    assert not inspect_dataset(dataset).problems


def test_a_second_run_fetches_what_is_missing(site: Site, archives: dict[str, bytes], tmp_path: Path) -> None:
    site.files |= archives
    download(site, tmp_path)
    next(tmp_path.glob("ai_001_002/**/*.hdf5")).unlink()
    site.asked.clear()
    assert download(site, tmp_path) == [SceneDownload(scene, int(scene == SCENES[1])) for scene in SCENES]
    assert set(site.asked) == {"ai_001_002.zip"}
    download(site, tmp_path, preview="tonemap")
    assert len(open_dataset("hypersim", tmp_path, "tonemap").samples) == 3


def test_a_bad_server_is_borne(site: Site, archives: dict[str, bytes], tmp_path: Path) -> None:
    site.files |= archives
    site.drops, site.truncates, site.busy, site.flips = 2, 5, 1, 1
    assert download(site, tmp_path) == [SceneDownload(scene, 2) for scene in SCENES]
    assert not inspect_dataset(open_dataset("hypersim", tmp_path)).problems


def test_scenes_that_fail_are_named_and_the_others_go_on(
    site: Site, archives: dict[str, bytes], tmp_path: Path
) -> None:
    damaged = bytearray(archives["ai_001_002.zip"])
    place = damaged.index(b"render_entity_id")
    damaged[place + 200 : place + 260] = bytes(60)
    site.files |= {**archives, "ai_001_002.zip": bytes(damaged), "ai_001_004.zip": b"no archive" * 1000}
    found = download(site, tmp_path, [*SCENES, "ai_001_004", "ai_009_009"])
    assert [one.scene for one in found if one.error] == ["ai_001_002", "ai_001_004", "ai_009_009"]
    errors = [one.error or "" for one in found]
    assert "arrives damaged" in errors[1]
    assert "arrives damaged" in errors[3]
    assert "404" in errors[4]
    # Nothing damaged and nothing unfinished is left behind.
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    assert not list(tmp_path.glob("ai_001_002/**/*.hdf5"))
    # The picture, which is whole, is kept; the scene alone can be tried again.
    assert found[1].files == 1
    site.files |= archives
    assert download(site, tmp_path, ["ai_001_002"]) == [SceneDownload("ai_001_002", 1)]


def test_a_scene_without_the_frame_says_so(site: Site, archives: dict[str, bytes], tmp_path: Path) -> None:
    site.files["ai_002_001.zip"] = archives["ai_001_001.zip"]
    (found,) = download(site, tmp_path, ["ai_002_001"])
    assert "has no ai_002_001/images" in str(found.error)


def test_names_are_checked_before_anything_is_asked(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'\.\./etc' is no scene"):
        download(site, tmp_path, ["../etc"])
    with pytest.raises(InputError, match="'gamma' is none of the previews color, tonemap"):
        download(site, tmp_path, preview="gamma")
    assert not site.asked


def test_a_folder_that_cannot_be_written_stops_everything(
    site: Site, archives: dict[str, bytes], tmp_path: Path
) -> None:
    site.files |= archives
    (tmp_path / "set").write_text("a file")
    with pytest.raises(OutputError, match="choose another output folder"):
        download(site, tmp_path / "set")


def test_the_table_of_frames_gives_the_scenes(site: Site) -> None:
    site.files["frames.csv"] = (
        b"scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,split_partition_name\n"
        b"ai_001_002,cam_00,0,True,,train\n"
        b"ai_001_001,cam_00,0,True,,val\n"
        b"ai_001_001,cam_00,1,True,,val\n"
        b"ai_001_003,cam_00,0,False,CONTENT FLAGGED FOR REMOVAL,\n"
        b"ai_001_004,cam_01,0,True,,test\n"
    )
    assert released_scenes(f"{site.url}frames.csv", source(site)) == ["ai_001_001", "ai_001_002"]
    for other in (b"<html>not here</html>\n", b"a,b\n1,2\n", b""):
        site.files["other.csv"] = other
        with pytest.raises(InputError, match="no table of HyperSim's frames"):
            released_scenes(f"{site.url}other.csv", source(site))

"""Objects in several images: the peers' layouts, with their traps."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.datasets.burst import TrackFrames, choose, prepare_permirs
from tamis.datasets.episodes import STORED, first_mask, open_episodes, read_tracks, same_track
from tamis.datasets.retrieval import open_collection
from tamis.errors import InputError
from tamis.mask import Masks

SIZE = (20, 30)


def blob(top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def picture(path: Path, value: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1], (value, 80, 70)).save(path)


def drawing(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 128).save(path)


def test_perseg_takes_00_for_the_reference_and_leaves_out_what_has_00_in_its_name(tmp_path: Path) -> None:
    for name in ("00", "01", "02", "100"):
        picture(tmp_path / "Images" / "cup" / f"{name}.jpg")
        drawing(tmp_path / "Annotations" / "cup" / f"{name}.png", blob(3, 3, 5))
    (cup,) = open_episodes("perseg", tmp_path)
    assert (cup.name, cup.reference.name) == ("cup", "cup/00")
    assert [view.name for view in cup.targets] == ["cup/01", "cup/02"]
    assert cup.reference.mask().sum() == 25
    assert cup.reference.image().shape == (*SIZE, 3)
    (tmp_path / "Annotations" / "cup" / "00.png").unlink()
    with pytest.raises(InputError, match=r"(?s)has no reference 00.*perseg is expected as\n    ROOT/Images"):
        open_episodes("perseg", tmp_path)


def test_frames_and_instances(tmp_path: Path) -> None:
    for number in range(20):
        picture(tmp_path / "JPEGImages" / "480p" / "swan" / f"{number:05d}.jpg")
        drawing(tmp_path / "Annotations" / "480p" / "swan" / f"{number:05d}.png", blob(2, 2, 3))
    (swan,) = open_episodes("davis", tmp_path)
    assert [view.name for view in swan.targets] == ["swan/00008", "swan/00016"]
    for name in ("a", "b", "c"):
        picture(tmp_path / "images" / "mug" / f"{name}.jpg")
    for name in ("b", "c"):
        drawing(tmp_path / "masks" / "mug" / f"{name}.png", blob(1, 1, 4))
    (mug,) = open_episodes("instances", tmp_path)
    assert (mug.reference.name, [view.name for view in mug.targets]) == ("mug/b", ["mug/c"])
    collection = open_collection("instances", tmp_path)
    assert [query.name for query in collection.queries] == ["mug/b"]
    assert collection.positives == {"mug/b": ["mug/a.jpg", "mug/c.jpg"]}


def burst(root: Path) -> None:
    """A video in which tracks 1 and 2 are of one category; 1 is seen more often, and grows."""
    frames = []
    for index in range(40):
        seen = {"1": blob(0, 0, 4 + index // 8), "3": blob(12, 20, 3)}
        if index % 2 == 0:
            seen["2"] = blob(10, 5, 4)
        frames.append(
            {track: {"rle": Masks.from_dense([m], SIZE).coco()[0]["counts"].decode()} for track, m in seen.items()}
        )
    video = {
        "width": SIZE[1],
        "height": SIZE[0],
        "dataset": "BDD",
        "seq_name": "v0",
        "annotated_image_paths": [f"{index}.jpg" for index in range(40)],
        "track_category_ids": {"1": 7, "2": 7, "3": 9},
        "segmentations": frames,
    }
    others = [{**video, "dataset": "HACS"}, {**video, "seq_name": "v2", "track_category_ids": {"1": 7, "2": 8, "3": 9}}]
    (root / "annotations" / "val").mkdir(parents=True)
    (root / "annotations" / "val" / "all_classes.json").write_text(
        json.dumps({"sequences": [others[0], video, others[1]]})
    )
    for index in range(40):
        picture(root / "frames" / "val" / "BDD" / "v0" / f"{index}.jpg", 60 + index)


def test_permirs_from_burst(tmp_path: Path) -> None:
    burst(tmp_path / "burst")
    said = list(prepare_permirs(tmp_path / "burst", tmp_path / "permirs"))
    assert [reason for _, reason in said] == [
        "HACS is left out by the authors",
        "",
        "no object with a double in three frames far apart",
    ]
    # 32 has the first of the largest boxes; 0 … 16 are more than 15 frames away, of which the largest are 16 and 8.
    video = json.loads((tmp_path / "burst" / "annotations" / "val" / "all_classes.json").read_text())["sequences"][1]
    assert choose(video) == TrackFrames("1", (32, 16, 8))
    assert [path.name for path in (tmp_path / "permirs").iterdir()] == ["1"]
    (episode,) = open_episodes("permis", tmp_path / "permirs")
    assert [view.name for view in (episode.reference, *episode.targets)] == ["1/0", "1/1", "1/2"]
    np.testing.assert_array_equal(episode.reference.mask(), blob(0, 0, 8))
    np.testing.assert_array_equal(episode.targets[1].mask(), blob(0, 0, 5))
    assert same_track(tmp_path / "permirs" / "1" / STORED)
    assert list(np.load(tmp_path / "permirs" / "1" / STORED, allow_pickle=True)[0]) == ["1"], "numpy reads it too"
    collection = open_collection("permir", tmp_path / "permirs")
    assert (collection.queries[0].name, collection.positives["query/1/0"]) == ("query/1/0", ["1/1", "1/2"])


def test_masks_of_the_peers_own_program_are_read_and_nothing_is_run(tmp_path: Path) -> None:
    frames = [{5: blob(0, 0, 3), 6: blob(5, 5, 2)}, {6: blob(1, 1, 2)}, {5: blob(2, 2, 9)}]
    np.save(tmp_path / "masks.npz", frames)  # type: ignore[arg-type]
    path = tmp_path / STORED
    assert [list(frame) for frame in read_tracks(path)] == [[5, 6], [6], [5]]
    np.testing.assert_array_equal(first_mask(path, 2), blob(2, 2, 9))
    assert not same_track(path)

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (print, ("run",))

    harmful = np.empty(3, object)
    harmful[:] = [Evil(), {}, {}]
    np.save(path, harmful)
    with pytest.raises(InputError, match="asks to run"):
        read_tracks(path)
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(InputError, match=r"masks\.npz\.npy"):
        read_tracks(path)


def test_revisited_and_ilias(tmp_path: Path) -> None:
    truth = {
        "imlist": ["a", "b", "c"],
        "qimlist": ["q"],
        "gnd": [{"bbx": [1, 2, 11, 12], "easy": [0], "hard": [2], "junk": [1]}],
    }
    for name in "abcq":
        picture(tmp_path / "jpg" / f"{name}.jpg")
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(pickle.dumps(truth))
    oxford = open_collection("roxford", tmp_path)
    assert oxford.queries[0].name == "query/q"
    assert list(oxford.queries[0].box or ()) == [1, 2, 11, 12]
    assert list(oxford.database) == ["a", "b", "c"]
    assert oxford.truth == ({"easy": [0], "hard": [2], "junk": [1]},)
    core = tmp_path / "ilias_core" / "cup_001"
    picture(core / "query" / "Q001_00.jpg")
    (core / "query" / "Q001_00_bbox.txt").write_text("2 3 10 8\n0 0 1 1\n")
    picture(core / "pos" / "P001_00.jpg")
    ilias = open_collection("ilias", tmp_path)
    assert list(ilias.queries[0].box or ()) == [2, 3, 12, 11]
    assert ilias.positives == {"cup_001/query/Q001_00.jpg": ["cup_001/pos/P001_00.jpg"]}
    with pytest.raises(InputError, match="there is no such file"):
        open_collection("rparis", tmp_path)

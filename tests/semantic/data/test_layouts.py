import re
from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.semantic.data.dataset import open_semantic, read_sample
from tests.semantic.label_maps import write_folders, write_pair


@pytest.fixture
def ade(tmp_path: Path) -> Path:
    root = tmp_path / "ADEChallengeData2016"
    for split, name in (("training", "ADE_train_00000001"), ("validation", "ADE_val_00000001")):
        write_pair(root / "images" / split / f"{name}.jpg", root / "annotations" / split / f"{name}.png", [0, 1, 150])
    return root


def test_ade20k_is_found_with_and_without_its_folder(ade: Path) -> None:
    for root in (ade, ade.parent):
        for split in ("training", "train"):
            dataset = open_semantic(root, split)
            assert dataset.name == f"ade20k {split}"
            assert (len(dataset), len(dataset.classes), dataset.zero_is_ignored) == (1, 150, True)
    assert read_sample(open_semantic(ade, "val"), 0)[1][0, [0, 30, 59]].tolist() == [255, 0, 149]


@pytest.mark.parametrize(("ending", "value"), [("labelTrainIds", 13), ("labelIds", 26)])
def test_cityscapes_has_either_kind_of_label(tmp_path: Path, ending: str, value: int) -> None:
    for city in ("aachen", "ulm"):
        write_pair(
            tmp_path / "leftImg8bit" / "train" / city / f"{city}_000000_leftImg8bit.png",
            tmp_path / "gtFine" / "train" / city / f"{city}_000000_gtFine_{ending}.png",
            [value, 255],
        )
    dataset = open_semantic(tmp_path, "train")
    assert [path.parent.name for path in dataset.images] == ["aachen", "ulm"]
    assert dataset.classes[int(read_sample(dataset, 1)[1][0, 0])] == "car"
    assert read_sample(dataset, 1)[1][0, 59] == 255


def test_the_lists_of_pascal_voc_say_what_is_in_a_split(tmp_path: Path) -> None:
    for name in ("2007_1", "2007_2"):
        write_pair(
            tmp_path / "JPEGImages" / f"{name}.jpg", tmp_path / "SegmentationClass" / f"{name}.png", [0, 20, 255]
        )
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_2\n")
    (lists / "bad.txt").write_text("2007_3\n")
    dataset = open_semantic(tmp_path, "val")
    assert [path.stem for path in dataset.images] == ["2007_2"]
    assert dataset.palette[:4].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    with pytest.raises(InputError, match=r"2007_3\.jpg: named by .*bad\.txt, but not there"):
        open_semantic(tmp_path, "bad")


@pytest.mark.parametrize("folders", [("images/train", "labels/train"), ("train", "trainannot")])
def test_camvid_is_known_by_the_names_of_its_frames(tmp_path: Path, folders: tuple[str, str]) -> None:
    name = "0001TP_006690.png"
    write_pair(tmp_path / folders[0] / name, tmp_path / folders[1] / name, [0, 11])
    dataset = open_semantic(tmp_path, "train")
    assert dataset.name == "camvid train"
    assert read_sample(dataset, 0)[1][0, [0, 59]].tolist() == [0, 255]


@pytest.mark.data
def test_the_real_camvid(data: Path) -> None:
    sizes = {split: len(open_semantic(data / "camvid", split)) for split in ("train", "val", "test")}
    assert sizes == {"train": 367, "val": 101, "test": 233}
    image, label = read_sample(open_semantic(data / "camvid", "test"), 7)
    assert image.shape == (360, 480, 3)
    assert set(label.ravel().tolist()) <= {*range(11), 255}


def test_any_folder_with_a_class_table(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0, 1], [2]], "half": [[1]]})
    dataset = open_semantic(root, "train")
    assert (dataset.name, dataset.classes) == ("folders train", ("road", "car", "sky"))
    assert [path.name for path in dataset.labels] == ["train00.png", "train01.png"]
    assert len(open_semantic(root, "half")) == 1


def test_the_folder_of_labels_may_have_other_names(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0]]})
    (root / "labels").rename(root / "masks")
    assert len(open_semantic(root, "train")) == 1


def test_a_missing_split_shows_the_expected_tree(tmp_path: Path, ade: Path) -> None:
    with pytest.raises(InputError) as error:
        open_semantic(ade, "testing")
    assert f"{ade / 'images' / 'testing'}: not there; expected under {ade}" in str(error.value)
    assert "images/testing/*.jpg" in str(error.value)
    root = write_folders(tmp_path / "own", {"train": [[0]]})
    (root / "images" / "val").mkdir()
    with pytest.raises(InputError, match=r"labels.val: not there; expected(.|\n)*labels/val/\*\.png"):
        open_semantic(root, "val")


@pytest.mark.parametrize("root", ["nowhere", "."])
def test_a_folder_that_is_no_dataset_shows_all_trees(tmp_path: Path, root: str) -> None:
    with pytest.raises(InputError, match=r"(?s)ade20k:.*cityscapes:.*pascal-voc:.*camvid:.*folders:.*classes\.txt"):
        open_semantic(tmp_path / root, "train")


def test_an_image_without_a_label_map_is_named(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0], [1], [2]]})
    (root / "labels" / "train" / "train01.png").unlink()
    with pytest.raises(InputError, match=r"train01\.png: no label map of that name in .*labels.train"):
        open_semantic(root, "train")
    (root / "labels" / "train" / "train00.png").unlink()
    with pytest.raises(InputError, match=r"train00\.png and 1 more: "):
        open_semantic(root, "train")


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0]]})
    (root / "images" / "train" / "train00.jpg").touch()
    with pytest.raises(InputError, match=r"train00\.png: beside it is train00\.jpg, of the same name"):
        open_semantic(root, "train")


def test_a_split_without_images_is_named(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0]]})
    (root / "images" / "train" / "train00.png").unlink()
    with pytest.raises(InputError, match="no images"):
        open_semantic(root, "train")


def test_a_folder_without_a_class_table_says_how_to_write_one(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0]]})
    (root / "classes.txt").unlink()
    with pytest.raises(InputError, match=f"no class table; write {re.escape(str(root / 'classes.txt'))}"):
        open_semantic(root, "train")


def test_layouts_have_names(tmp_path: Path) -> None:
    root = write_folders(tmp_path, {"train": [[0]]})
    assert open_semantic(root, "train", "folders").classes == ("road", "car", "sky")
    with pytest.raises(InputError, match="no layout is called 'coco'; there are auto, ade20k"):
        open_semantic(root, "train", "coco")

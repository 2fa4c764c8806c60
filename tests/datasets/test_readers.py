"""The rules of single datasets, where the synthetic scenes do not show them."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from scipy.io import savemat

from tamis.datasets import Sample, Target, check_target, open_dataset
from tamis.datasets.sbd import write_per_class
from tamis.datasets.scenes import make_scenes
from tamis.datasets.synthetic import write_synthetic
from tamis.datasets.synthetic_layouts import write_bsds500, write_listed_berkeley
from tamis.errors import InputError
from tests.datasets.test_synthetic import assert_same

Save = Callable[..., Path]
Synthetic = Callable[..., Path]

GREYS = np.array([[0, 1, 64, 127, 128, 129, 255]], np.uint8)


def image_like(mask: Any) -> Any:
    return np.full((*np.shape(mask)[:2], 3), 90, np.uint8)


def only(samples: tuple[Sample, ...]) -> Target:
    (sample,) = samples
    (target,) = sample.targets()
    return target


@pytest.mark.parametrize("name", ["grabcut", "berkeley"])
def test_greys_of_grabcut(name: str, save: Save, tmp_path: Path) -> None:
    images, masks = ("data_GT", "boundary_GT") if name == "grabcut" else ("images", "masks")
    save(f"{images}/a.jpg", image_like(GREYS))
    save(f"{masks}/a.bmp", GREYS)
    target = only(open_dataset(name, tmp_path).samples)
    assert target.mask.astype(int).tolist() == [[0, 0, 0, 0, 0, 1, 1]]
    assert target.valid is not None
    assert target.valid.astype(int).tolist() == [[1, 1, 1, 1, 0, 1, 1]]


def test_a_colour_mask_of_grabcut_is_read_by_opencvs_first_channel(save: Save, tmp_path: Path) -> None:
    save("data_GT/a.jpg", image_like(GREYS))
    save("boundary_GT/a.png", np.stack([GREYS * 0, GREYS * 0, GREYS], axis=2))
    assert only(open_dataset("grabcut", tmp_path).samples).mask.astype(int).tolist() == [[0, 0, 0, 0, 0, 1, 1]]


def test_any_channel_above_0_is_the_object_of_davis345(save: Save, tmp_path: Path) -> None:
    save("img/a.jpg", image_like(np.zeros((1, 4))))
    save("gt/a.png", np.array([[[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 255]]], np.uint8))
    assert only(open_dataset("davis345", tmp_path).samples).mask.tolist() == [[False, True, True, True]]


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "1", "LA"])
def test_masks_of_every_mode(mode: str, save: Save, tmp_path: Path) -> None:
    mask = np.array([[0, 255], [0, 0], [255, 255]], np.uint8)
    save("img/a.jpg", image_like(mask))
    (tmp_path / "gt").mkdir()
    Image.fromarray(mask).convert(mode).save(tmp_path / "gt" / "a.png")
    np.testing.assert_array_equal(only(open_dataset("davis345", tmp_path).samples).mask, mask > 0)
    (tmp_path / "img").rename(tmp_path / "images")
    np.testing.assert_array_equal(only(open_dataset("folder", tmp_path).samples).mask, mask > 0)
    np.testing.assert_array_equal(only(open_dataset("folder-binary", tmp_path).samples).mask, mask > 0)


def test_hqseg44k_keeps_the_published_order(synthetic: Synthetic) -> None:
    names = [sample.name for sample in open_dataset("hqseg44k", synthetic("hqseg44k", scenes=8)).samples]
    thin = "thin_object_detection"
    folders = ["DIS5K/DIS-VD/im", f"{thin}/ThinObject5K/images_test", f"{thin}/COIFT/images", f"{thin}/HRSOD/images"]
    assert names == [f"{folder}/{k}" for folder in folders for k in (0, 1)]


def test_davis_reads_lists_of_frames_and_of_sequences(synthetic: Synthetic) -> None:
    root = synthetic("davis", "2016/val", scenes=4)
    (root / "ImageSets" / "2016").rename(root / "ImageSets" / "480p")
    (root / "ImageSets" / "480p" / "val.txt").write_text(
        "/JPEGImages/480p/b-sequence/00001.jpg /Annotations/480p/b-sequence/00001.png\n\n"
        "/JPEGImages/480p/a-sequence/00000.jpg /Annotations/480p/a-sequence/00000.png\n"
    )
    dataset = open_dataset("davis", root)
    assert dataset.split == "2016/val"
    assert [sample.name for sample in dataset.samples] == ["b-sequence/00001", "a-sequence/00000"]
    assert not dataset.unmatched


def test_davis_has_several_resolutions(synthetic: Synthetic, tmp_path: Path) -> None:
    root = synthetic("davis", "2016/val", scenes=2)
    for folder in ("JPEGImages", "Annotations"):
        (root / folder / "Full-Resolution").symlink_to(root / folder / "480p")
    assert "480p" in str(open_dataset("davis", root).samples[0].image_path)
    full = open_dataset("davis", root, "Full-Resolution/2016/val")
    assert "Full-Resolution" in str(full.samples[0].image_path)
    assert full.samples[0].name == "a-sequence/00000"


def test_void_of_davis_2017_does_not_count(synthetic: Synthetic) -> None:
    root = synthetic("davis", "2017/val", scenes=1)
    path = next(root.rglob("*.png"))
    labels = np.zeros((4, 6), np.uint8)
    labels[:2, :3], labels[3] = 7, 255
    Image.fromarray(labels).save(path)
    target = only(open_dataset("davis", root).samples)
    assert target.id == "7"
    assert target.valid is not None
    assert target.valid.sum() == 18
    # Where 255 is the only label it is the object.
    Image.fromarray(np.where(labels == 7, 255, 0).astype(np.uint8)).save(path)
    target = only(open_dataset("davis", root).samples)
    assert (target.id, int(target.mask.sum()), target.valid) == ("255", 6, None)


def test_bsds500_as_png_files_is_the_same_as_matlab_files(tmp_path: Path) -> None:
    scenes = make_scenes(4)
    written = {}
    for matlab in (True, False):
        root = tmp_path / str(matlab)
        written[matlab] = write_bsds500(root, scenes, "val", matlab)
        dataset = open_dataset("bsds500", root, "val")
        assert_same(dataset, tuple(written[matlab]))
        assert dataset.samples[0].name == "val/1000"
    assert_same(open_dataset("bsds500", tmp_path / "True", "val"), tuple(written[False]))


def test_a_map_without_an_annotator_says_so(save: Save, tmp_path: Path) -> None:
    save("images/test/1.jpg", image_like(GREYS))
    save("segments/test/1.png", GREYS)
    with pytest.raises(InputError, match=r"1\.png: the name must end in _ and the number"):
        open_dataset("bsds500", tmp_path)


@pytest.mark.parametrize("name", ["bsds500", "sbd"])
def test_damaged_matlab_files_say_so(name: str, synthetic: Synthetic) -> None:
    root = synthetic(name, scenes=1)
    (sample,) = open_dataset(name, root).samples
    path = next(root.rglob("*.mat"))
    whole = path.read_bytes()
    for content in (b"", b"no matlab", whole[:200], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"{path.name}: "):
            list(sample.targets())
    savemat(path, {"GTinst": 3, "groundTruth": 3})
    with pytest.raises(InputError, match="not built as in the release"):
        list(sample.targets())
    savemat(path, {"other": 3})
    with pytest.raises(InputError, match="belongs to another dataset"):
        list(sample.targets())


def test_sbd_lists_what_is_missing(synthetic: Synthetic) -> None:
    root = synthetic("sbd", scenes=4)
    (root / "img" / "2008_000000.jpg").unlink()
    (root / "inst" / "2008_000001.mat").unlink()
    dataset = open_dataset("sbd", root)
    assert len(dataset.samples) == 2
    assert dataset.unmatched == {
        "images without masks": ("2008_000001",),
        "masks without images": ("2008_000000",),
    }


def test_sbd_per_class_is_the_union_of_instances(synthetic: Synthetic, tmp_path: Path) -> None:
    root = synthetic("sbd", scenes=5)
    out = tmp_path / "classes"
    counts = write_per_class(root, out)
    assert write_per_class(root, out) == counts
    assert set(counts) == {"aeroplane", "bicycle", "bird"}
    sbd = {sample.name: sample for sample in open_dataset("sbd", root).samples}
    for number, name in enumerate(("aeroplane", "bicycle", "bird")):
        dataset = open_dataset("sbd-per-class", out, name)
        assert len(dataset.samples) == counts[name]
        for sample in dataset.samples:
            (target,) = sample.targets()
            instances = [t.mask for t in sbd[sample.name].targets() if int(t.id) % 3 == number]
            np.testing.assert_array_equal(target.mask, np.any(instances, axis=0))
            assert sample.image().shape[:2] == target.mask.shape


def test_berkeley_may_lie_apart_from_its_images(tmp_path: Path) -> None:
    written = write_listed_berkeley(tmp_path / "berkeley", make_scenes(4))
    dataset = open_dataset("berkeley", tmp_path / "berkeley")
    assert_same(dataset, tuple(written))
    (tmp_path / "images" / "000.jpg").unlink()
    (tmp_path / "berkeley" / "masks" / "001.png").unlink()
    dataset = open_dataset("berkeley", tmp_path / "berkeley")
    assert [sample.name for sample in dataset.samples] == ["002", "003"]
    assert dataset.unmatched == {"images without masks": ("001",), "masks without images": ("000",)}
    (tmp_path / "berkeley" / "pairs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"pairs\.csv: must be a table with the columns mask and image"):
        open_dataset("berkeley", tmp_path / "berkeley")


def test_hypersim_takes_every_frame_that_has_both_files(synthetic: Synthetic) -> None:
    root = synthetic("hypersim", scenes=3)
    next(root.glob("ai_001_001/**/*.hdf5")).unlink()
    next(root.glob("ai_001_002/**/*.color.jpg")).unlink()
    dataset = open_dataset("hypersim", root)
    assert [sample.name for sample in dataset.samples] == ["ai_001_003/cam_00/frame.0000"]
    assert dataset.unmatched == {
        "images without masks": ("ai_001_001/cam_00/frame.0000",),
        "masks without images": ("ai_001_002/cam_00/frame.0000",),
    }
    assert len(open_dataset("hypersim", root, "tonemap").samples) == 2
    next(root.glob("ai_001_003/**/*.hdf5")).write_bytes(b"no hdf5")
    with pytest.raises(InputError, match="damaged or cut off"):
        list(dataset.samples[0].targets())


def test_cocolvis_leaves_parts_and_stuff_out(synthetic: Synthetic) -> None:
    root = synthetic("cocolvis", scenes=2)
    for sample, scene in zip(open_dataset("cocolvis", root).samples, make_scenes(2), strict=True):
        assert [target.id for target in sample.targets()] == [str(k) for k in range(len(scene.shapes))]


def test_cocolvis_lists_images_of_stuff_alone(synthetic: Synthetic) -> None:
    root = synthetic("cocolvis", scenes=3)
    path = root / "val" / "hannotation.pickle"
    hierarchy = pickle.loads(path.read_bytes())
    hierarchy["000000000002"] = {"num_instance_masks": 0, "hierarchy": {}}
    hierarchy["000000000003"]["hierarchy"][99] = None
    hierarchy["000000000003"]["num_instance_masks"] = 100
    path.write_bytes(pickle.dumps(hierarchy))
    dataset = open_dataset("cocolvis", root)
    assert dataset.unmatched == {"images without masks": ("000000000002",)}
    with pytest.raises(InputError, match=r"000000000003\.pickle: has \d+ masks but the hierarchy names mask 99"):
        list(dataset.samples[1].targets())


@pytest.mark.parametrize(
    ("images", "masks"), [("images", "masks"), ("Images", "Annotations"), ("img", "gt"), ("JPEGImages", "labels")]
)
def test_folders_of_many_names(images: str, masks: str, save: Save, tmp_path: Path) -> None:
    labels = np.array([[0, 1, 300], [0, 2, 2]], np.uint16)
    save(f"{images}/deep/a.jpg", image_like(labels))
    save(f"{masks}/deep/a.png", labels)
    (sample,) = open_dataset("folder", tmp_path).samples
    assert sample.name == "deep/a"
    assert [(target.id, int(target.mask.sum())) for target in sample.targets()] == [("1", 1), ("2", 2), ("300", 1)]


def test_a_folder_counts_what_has_no_partner(save: Save, tmp_path: Path) -> None:
    for name in ("images/a.jpg", "images/b.jpg", "images/b.png", "masks/b.png", "masks/b.gif", "masks/c.png"):
        save(name, np.zeros((4, 4), np.uint8))
    (tmp_path / "images" / "._b.jpg").write_bytes(b"not an image")
    (tmp_path / "images" / "notes.txt").touch()
    dataset = open_dataset("folder", tmp_path)
    assert [sample.name for sample in dataset.samples] == ["b"]
    assert dataset.unmatched == {
        "images without masks": ("a",),
        "masks without images": ("c",),
        "files whose name another file has": ("b.png", "b.png"),
    }
    # A mask of background alone is an empty target, to be counted.
    assert not only(dataset.samples).mask.any()


def test_links_that_lead_back_are_not_followed_for_ever(save: Save, tmp_path: Path) -> None:
    for name in ("images/a.png", "masks/a.png"):
        save(name, np.ones((4, 4), np.uint8))
    for folder in ("images", "masks"):
        (tmp_path / folder / "again").symlink_to(tmp_path / folder)
    assert [sample.name for sample in open_dataset("folder", tmp_path).samples] == ["a"]


def test_parts_of_a_folder(save: Save, tmp_path: Path) -> None:
    for k in range(21):
        save(f"images/{k:02}.png", np.zeros((4, 4), np.uint8))
        save(f"masks/{k:02}.png", np.ones((4, 4), np.uint8))
    validation = open_dataset("folder", tmp_path, "val10")
    training = open_dataset("folder", tmp_path, "train90")
    assert [sample.name for sample in validation.samples] == ["00", "10", "20"]
    assert len(training.samples) == 18
    assert not validation.unmatched
    assert not training.unmatched


def test_splits_inside_and_around_the_folders(save: Save, tmp_path: Path) -> None:
    for part in ("train", "test"):
        for root, name in (("inside", f"{{}}/{part}/a.png"), ("around", f"{part}/{{}}/a.png")):
            for folder in ("images", "masks"):
                save(f"{root}/{name.format(folder)}", np.ones((4, 4), np.uint8))
    inside = open_dataset("folder", tmp_path / "inside", "test")
    assert [sample.name for sample in inside.samples] == ["test/a"]
    assert not inside.unmatched
    assert len(open_dataset("folder", tmp_path / "inside").samples) == 2
    assert [sample.name for sample in open_dataset("folder", tmp_path / "around", "test").samples] == ["a"]
    with pytest.raises(InputError, match="has no split 'tset'; did you mean 'test'"):
        open_dataset("folder", tmp_path / "inside", "tset")


def test_soft_masks_begin_at_half(save: Save, tmp_path: Path) -> None:
    save("images/a.png", image_like(GREYS))
    save("masks/a.png", GREYS)
    assert only(open_dataset("folder-binary", tmp_path).samples).mask.astype(int).tolist() == [[0, 0, 0, 0, 1, 1, 1]]
    save("masks/a.png", GREYS // 128)
    assert only(open_dataset("folder-binary", tmp_path).samples).mask.astype(int).tolist() == [[0, 0, 0, 0, 1, 1, 1]]


def test_camvid_as_segnet_has_it(save: Save, tmp_path: Path) -> None:
    labels = np.array([[0, 0, 8], [11, 8, 8]], np.uint8)
    save("test/a.png", image_like(labels))
    save("testannot/a.png", labels)
    (sample,) = open_dataset("camvid", tmp_path).samples
    found = list(sample.targets())
    assert [target.id for target in found] == ["0", "8"]
    assert all(target.valid is not None and not target.valid[1, 0] for target in found)


def test_coco_mval_with_labels(save: Save, tmp_path: Path) -> None:
    labels = np.array([[0, 1, 2]], np.uint8)
    save("images/a.jpg", image_like(labels))
    save("masks/a.png", labels)
    (sample,) = open_dataset("coco-mval", tmp_path).samples
    assert [target.id for target in sample.targets()] == ["1", "2"]


def coco_file(root: Path, annotations: list[dict[str, Any]], **image: Any) -> Path:
    root.mkdir(exist_ok=True)
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(root / "a.jpg")
    entry = {"id": 1, "file_name": "a.jpg", "width": 60, "height": 40, **image}
    path = root / "set.json"
    path.write_text(json.dumps({"images": [entry], "annotations": annotations}))
    return path


def test_coco_agrees_with_pycocotools(tmp_path: Path) -> None:
    polygon = [[10.0, 10.0, 50.0, 10.0, 50.0, 30.0, 10.0, 30.0], [2.0, 2.0, 6.0, 2.0, 6.0, 9.0]]
    dense = np.asfortranarray(np.random.default_rng(0).random((40, 60)) > 0.5, dtype=np.uint8)
    rle = coco_mask.encode(dense)
    crowd: dict[str, Any] = {"size": [40, 60], "counts": [0, 400, 2000]}
    path = coco_file(
        tmp_path,
        [
            {"id": 5, "image_id": 1, "segmentation": polygon, "iscrowd": 0},
            {"id": 6, "image_id": 1, "segmentation": {**rle, "counts": rle["counts"].decode()}},
            {"id": 7, "image_id": 1, "segmentation": crowd, "iscrowd": 1},
            {"id": 8, "image_id": 1, "bbox": [0, 0, 3, 3]},
            {"id": 9, "image_id": 2, "segmentation": polygon},
        ],
    )
    for root in (path, tmp_path):
        dataset = open_dataset("coco", root)
        first, second = dataset.samples[0].targets()
        assert (first.id, second.id) == ("5", "6")
        reference = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygon, 40, 60)))
        assert (first.mask != reference).sum() <= 4
        np.testing.assert_array_equal(second.mask, dense)
        assert second.valid is not None
        np.testing.assert_array_equal(~second.valid, coco_mask.decode(coco_mask.frPyObjects(crowd, 40, 60)) & ~dense)
        assert dataset.unmatched == {
            "masks without images": ("annotation 9",),
            "annotations of crowds, whose pixels do not count": ("7",),
            "annotations without masks": ("8",),
        }
    assert dataset.split == "set"


@pytest.mark.parametrize(
    "segmentation",
    [3, [[1, 2, 3]], [1, 2, 3, 4, 5, 6], {"size": [40, 60], "counts": [5]}, {"counts": "x"}, {}, [["a"] * 6]],
)
def test_a_damaged_annotation_is_named(segmentation: Any, tmp_path: Path) -> None:
    path = coco_file(tmp_path, [{"id": 5, "image_id": 1, "segmentation": segmentation}])
    (sample,) = open_dataset("coco", path).samples
    with pytest.raises(InputError, match=r"set\.json: image 1, annotation 5: "):
        list(sample.targets())


def test_other_files_are_no_coco(tmp_path: Path) -> None:
    path = coco_file(tmp_path, [])
    for content in ("[]", '{"images": []}', '{"images": [{}], "annotations": []}', '{"images": 3, "annotations": 3}'):
        path.write_text(content)
        with pytest.raises(InputError, match="no COCO dataset"):
            open_dataset("coco", path)
    path.write_bytes(b"\xff\x00")
    with pytest.raises(InputError, match="is no JSON"):
        open_dataset("coco", path)
    coco_file(tmp_path, [{"id": 1, "image_id": 1, "segmentation": []}], file_name="far.jpg")
    with pytest.raises(InputError, match=r"its images, such as far\.jpg, are not beside it"):
        open_dataset("coco", path)


def test_coco_in_many_places(tmp_path: Path) -> None:
    write_synthetic("coco", tmp_path / "set", "valid", scenes=2)
    names = [sample.name for sample in open_dataset("coco", tmp_path / "set").samples]
    (tmp_path / "set" / "annotations" / "captions_valid.json").write_text("{}")
    (tmp_path / "set" / "images").mkdir()
    (tmp_path / "set" / "valid").rename(tmp_path / "set" / "images" / "valid")
    assert [sample.name for sample in open_dataset("coco", tmp_path / "set").samples] == names
    flow = tmp_path / "flow" / "valid"
    flow.parent.mkdir()
    (tmp_path / "set" / "images" / "valid").rename(flow)
    (tmp_path / "set" / "annotations" / "instances_valid.json").rename(flow / "_annotations.coco.json")
    dataset = open_dataset("coco", flow.parent)
    assert dataset.split == "valid"
    assert [sample.name for sample in dataset.samples] == names


def test_a_damaged_mask_is_named(synthetic: Synthetic) -> None:
    root = synthetic("davis345", scenes=2)
    path = root / "gt" / "00000.png"
    whole = path.read_bytes()
    first, second = open_dataset("davis345", root).samples
    for content in (b"", b"no picture", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"00000\.png: "):
            list(first.targets())
    path.unlink()
    with pytest.raises(InputError, match="no such mask"):
        list(first.targets())
    assert list(second.targets())


def test_a_mask_of_another_size_is_named() -> None:
    target = Target("3", np.zeros((4, 6), np.bool_))
    check_target((4, 6, 3), target, "a")
    with pytest.raises(InputError, match="a: mask 3 is 6x4 but the image 8x4; one of them was resized"):
        check_target((4, 8, 3), target, "a")

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.errors import InputError
from tamis.semantic.data.class_tables import ClassTable, ade20k, camvid
from tamis.semantic.data.dataset import (
    BrokenFileError,
    BrokenFiles,
    SemanticDataset,
    open_semantic,
    read_bgr,
    read_label,
    read_or_replace,
    read_sample,
)
from tests.semantic.label_maps import picture, stripes, write_folders, write_pair

TWO = ClassTable(("road", "car"), np.zeros((2, 3), np.uint8))


def one(folder: Path, table: ClassTable, values: list[int]) -> SemanticDataset:
    """A dataset of one sample, whose label map has stripes of some values."""
    pair = folder / "image.png", folder / "label.png"
    write_pair(*pair, values)
    return SemanticDataset.of_files("made", table, [pair])


@pytest.mark.parametrize(
    ("table", "stored", "classes"),
    [
        (TWO, [0, 1, 255], [0, 1, 255]),
        (ade20k(), [0, 1, 150, 255], [255, 0, 149, 255]),
        (camvid(), [0, 10, 11], [0, 10, 255]),
        (ClassTable(("road", "car"), TWO.palette, ignored=(3,), values=(7, 26)), [26, 3, 7], [1, 255, 0]),
    ],
)
def test_label_values_become_classes(tmp_path: Path, table: ClassTable, stored: list[int], classes: list[int]) -> None:
    image, label = read_sample(one(tmp_path, table, stored), 0)
    assert np.array_equal(label, stripes(classes))
    assert np.array_equal(image[..., ::-1], picture(0))


def test_a_label_that_no_class_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"label\.png: label 7 at row 0, column 30, but the 2 classes of made have 0 to 1"
    ):
        read_sample(one(tmp_path, TWO, [0, 7]), 0)
    with pytest.raises(InputError, match=r"label 151 .* have 1 to 150"):
        read_sample(one(tmp_path, ade20k(), [151]), 0)


def test_a_label_map_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    dataset = one(tmp_path, TWO, [0])
    Image.fromarray(stripes([0], (40, 59))).save(dataset.labels[0])
    with pytest.raises(InputError, match=r"label\.png: 59x40, but the image .*image\.png is 60x40; save"):
        read_sample(dataset, 0)


def test_a_palette_gives_its_indices(tmp_path: Path) -> None:
    picture = Image.fromarray(stripes([0, 1, 2])).convert("P")
    picture.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200])
    picture.putdata(stripes([2, 0, 1]).ravel().tolist())
    picture.save(tmp_path / "label.png")
    assert np.array_equal(read_label(tmp_path / "label.png"), stripes([2, 0, 1]))


def test_deep_label_maps_are_read_if_their_values_are_bytes(save: Callable[..., Path]) -> None:
    assert np.array_equal(read_label(save("a.png", stripes([3, 200]).astype(np.uint16))), stripes([3, 200]))
    with pytest.raises(InputError, match="label 300, but label values go up to 255"):
        read_label(save("b.png", np.full((4, 4), 300, np.uint16)))


def test_a_coloured_label_map_is_refused(save: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="has colours instead of label values"):
        read_label(save("label.png", picture(0)))


def test_the_orientation_of_a_photograph_is_heeded(tmp_path: Path) -> None:
    photograph = Image.fromarray(picture(0))
    exif = photograph.getexif()
    exif[274] = 6  # turn to the right
    photograph.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert read_bgr(tmp_path / "a.jpg").shape == (60, 40, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("read", [read_bgr, read_label])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[: len(content) * 2 // 3], "cut off"),
        (lambda content: b"", "empty"),
        (lambda content: b"no image at all", "read"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_file_is_named(
    tmp_path: Path,
    read: Callable[[Path], object],
    suffix: str,
    damage: Callable[[bytes], bytes] | None,
    message: str,
) -> None:
    path = tmp_path / f"broken{suffix}"
    Image.fromarray(stripes(range(40), (400, 600))).save(path)
    read(path)
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BrokenFileError, match=f"{re.escape(str(path))}.*{message}.* again"):
        read(path)


def test_a_broken_sample_is_replaced_counted_and_named(tmp_path: Path) -> None:
    dataset = open_semantic(write_folders(tmp_path, {"train": [[0], [1], [2]]}), "train")
    dataset.images[1].write_bytes(b"")
    broken = BrokenFiles()
    rng = np.random.default_rng(0)
    assert (read_or_replace(dataset, 0, rng, broken)[1] == 0).all()
    assert broken.times == {}
    found = {int(read_or_replace(dataset, 1, rng, broken)[1][0, 0]) for _ in range(20)}
    assert found == {0, 2}
    assert set(broken.times) == {1}
    assert broken.times[1] >= 20
    assert str(dataset.images[1]) in broken.reasons[1]


def test_a_wrong_label_is_no_broken_file(tmp_path: Path) -> None:
    dataset = open_semantic(write_folders(tmp_path, {"train": [[0], [9]]}), "train")
    with pytest.raises(InputError, match="label 9"):
        read_or_replace(dataset, 1, np.random.default_rng(0), BrokenFiles())


def test_a_dataset_of_broken_files_alone_stops(tmp_path: Path) -> None:
    dataset = open_semantic(write_folders(tmp_path, {"train": [[0]]}), "train")
    dataset.images[0].write_bytes(b"")
    with pytest.raises(InputError, match=r"1000 samples in a row are broken; .*train00\.png: the file is empty"):
        read_or_replace(dataset, 0, np.random.default_rng(0), BrokenFiles())

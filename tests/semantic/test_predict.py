"""Label maps and pictures of any images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tamis.errors import InputError
from tamis.scale.executors import IN_PROCESS, Processes
from tamis.semantic.data.class_tables import ClassTable
from tamis.semantic.inference import InferenceSettings
from tamis.semantic.measuring import tinted
from tamis.semantic.networks.checkpoints import TrainedNetwork
from tamis.semantic.networks.network import SemanticNetwork
from tamis.semantic.predict import LINE, classes_of, predict_files, with_legend
from tests.semantic.scenes import SMALL

TABLE = ClassTable(("red", "green", "blue"), np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8))
CPU = torch.device("cpu")


class Brightest(SemanticNetwork):
    """The class of a pixel is its strongest channel."""

    def forward(self, images: Tensor) -> Tensor:
        return images


def trained(classes: tuple[str, ...] = TABLE.names) -> TrainedNetwork:
    return TrainedNetwork(Brightest(), SMALL, classes, TABLE.palette.tolist() if classes else (), 3, 0)


def test_a_label_map_and_a_picture_for_every_image(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :20, 0], pixels[:, 20:40, 1], pixels[:, 40:, 2] = 250, 250, 250
    Image.fromarray(pixels).save(tmp_path / "flag.png")
    settings = InferenceSettings(scale=(60, 40))
    out = tmp_path / "out"
    [(path, label)] = predict_files(trained(), [tmp_path / "flag.png"], out, TABLE, settings, CPU, first=1)
    assert path.name == "flag.png"
    assert label[20, [5, 30, 55]].tolist() == [0, 1, 2]
    assert np.array_equal(np.asarray(Image.open(out / "flag.png")), label + 1)
    overlay = np.asarray(Image.open(out / "flag-overlay.jpg"))
    assert overlay.shape[1] > 60
    assert overlay.shape[0] >= 3 * LINE


def test_the_legend_names_what_is_there_the_largest_first() -> None:
    label = np.zeros((100, 100), np.uint8)
    label[:60] = 2
    label[0, :9] = 1  # nine pixels of ten thousand: too few for the legend
    sheet = with_legend(np.zeros((100, 100, 3), np.uint8), label, TABLE)
    boxes = sheet[np.arange(2) * LINE + 12, 114]
    assert boxes.tolist() == [[0, 0, 255], [255, 0, 0]]
    assert sheet[2 * LINE + 12, 114].tolist() == [255, 255, 255]


def test_ignored_pixels_keep_their_colours() -> None:
    image = np.full((2, 2, 3), 100, np.uint8)
    label = np.array([[0, 255], [1, 255]], np.uint8)
    picture = tinted(image, label, TABLE.palette)
    assert picture[:, 1].tolist() == [[100, 100, 100]] * 2
    assert picture[0, 0].tolist() == [185, 45, 45]


def test_classes_come_from_the_checkpoint_or_are_asked_for(tmp_path: Path) -> None:
    assert classes_of(trained(), None).names == TABLE.names
    with pytest.raises(InputError, match="does not say what its classes are: give --classes, such as ade20k"):
        classes_of(trained(classes=()), None)
    with pytest.raises(InputError, match="--classes camvid has 11 classes, but the network knows 3"):
        classes_of(trained(classes=()), "camvid")
    (tmp_path / "classes.txt").write_text("red\ngreen\nblue\n")
    assert classes_of(trained(classes=()), str(tmp_path / "classes.txt")).names == TABLE.names


def test_images_of_the_same_name_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    twice = [tmp_path / "a" / "one.png", tmp_path / "b" / "one.png"]
    with pytest.raises(InputError, match="several images are called 'one'"):
        list(predict_files(trained(), twice, tmp_path / "out", TABLE, SMALL.inference, CPU))
    with pytest.raises(InputError, match="--first 254: labels of 3 classes do not fit"):
        list(predict_files(trained(), twice[:1], tmp_path / "out", TABLE, SMALL.inference, CPU, first=254))
    assert not (tmp_path / "out").exists()


def test_another_process_writes_the_same(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    settings = InferenceSettings(scale=(60, 40))
    written = []
    for name, executor in (("one", IN_PROCESS), ("two", Processes(2))):
        out = tmp_path / name
        assert (
            len(list(predict_files(trained(), [tmp_path / "noise.png"], out, TABLE, settings, CPU, 0, executor))) == 1
        )
        written.append([file.read_bytes() for file in sorted(out.iterdir())])
    assert written[0] == written[1]
    assert len(written[0]) == 2

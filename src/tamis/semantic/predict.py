"""The classes of any images, as label maps and as pictures with a legend."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.image import read_image, write_image
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost
from tamis.semantic.data.class_tables import ClassTable, named_class_table
from tamis.semantic.data.dataset import Pixels
from tamis.semantic.inference import InferenceSettings, predict
from tamis.semantic.measuring import tinted
from tamis.semantic.networks.checkpoints import TrainedNetwork

LEAST_SHARE = 0.001
"""Classes with less of an image are not in its legend."""
LINE = 20
"""Pixels from one line of a legend to the next."""


def classes_of(trained: TrainedNetwork, table: str | None) -> ClassTable:
    """Names and colours of the classes of a network.

    Args:
        trained: the network, which may know them.
        table: a name or file, as `named_class_table` takes it, for a network that does not.

    Raises:
        InputError: the network does not know them and none is given, or the table has another number of classes.
    """
    if table is None and trained.classes:
        return ClassTable(trained.classes, np.array(trained.palette, dtype=np.uint8))
    if table is None:
        raise InputError("the checkpoint does not say what its classes are: give --classes, such as ade20k")
    found = named_class_table(table)
    if len(found.names) != trained.count:
        raise InputError(f"--classes {table} has {len(found.names)} classes, but the network knows {trained.count}")
    return found


def predict_files(
    trained: TrainedNetwork,
    images: Sequence[Path],
    out: Path,
    table: ClassTable,
    settings: InferenceSettings,
    device: torch.device,
    first: int = 0,
    executor: Executor = IN_PROCESS,
) -> Iterator[tuple[Path, Pixels]]:
    """Write `NAME.png`, the label map, and `NAME-overlay.jpg` for every image; give each with its classes.

    Args:
        trained: the network.
        images: to look at.
        out: the folder.
        table: names and colours.
        settings: how images are looked at.
        device: where the network is.
        first: the label of class 0 in the files; ADE20K's server wants 1.
        executor: who works; workers on other machines see the images and `out` in folders that are shared.

    Raises:
        InputError: two images have the same name, or one cannot be read.
        OutputError: a file cannot be written.
        UnavailableError: after all others, where an image ended its workers.
    """
    twice = [name for name, count in Counter(path.stem for path in images).items() if count > 1]
    if twice:
        raise InputError(f"several images are called '{twice[0]}', and their results would be one: run them apart")
    if first + len(table.names) > 256:
        raise InputError(f"--first {first}: labels of {len(table.names)} classes do not fit into a byte then")
    with closing(in_order(_Predict(trained, out, table, settings, device, first), images, executor)) as results:
        yield from none_lost(results)


@dataclass(frozen=True)
class _Predict:
    """What a worker does: the classes of an image, written."""

    trained: TrainedNetwork
    out: Path
    table: ClassTable
    settings: InferenceSettings
    device: torch.device
    first: int

    def __call__(self, path: Path) -> Pixels:
        image = np.ascontiguousarray(read_image(path)[:, :, ::-1])
        label = predict(self.trained.network, image, self.settings, self.device)
        legend = with_legend(tinted(image, label, self.table.palette), label, self.table)
        write_image(self.out / f"{path.stem}.png", label + np.uint8(self.first))
        write_image(self.out / f"{path.stem}-overlay.jpg", legend)
        return label


def with_legend(picture: ImageArray, label: Pixels, table: ClassTable) -> ImageArray:
    """A picture with the names of its classes at the right, the largest first.

    Args:
        picture: (H, W, 3) uint8 RGB.
        label: (H, W) uint8 class indices.
        table: names and colours.
    """
    values, counts = np.unique(label, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = [(int(values[i]), counts[i] / label.size) for i in order if counts[i] >= LEAST_SHARE * label.size]
    font = ImageFont.load_default(size=14)
    texts = [f"{table.names[value]} {share:.1%}" for value, share in shown]
    width = 40 + int(max((font.getlength(text) for text in texts), default=0))
    height = max(picture.shape[0], LINE * len(shown) + 8)
    sheet = Image.new("RGB", (picture.shape[1] + width, height), "white")
    sheet.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(sheet)
    for number, ((value, _), text) in enumerate(zip(shown, texts, strict=True)):
        left, top = picture.shape[1] + 8, 6 + LINE * number
        colour = tuple(int(part) for part in table.palette[value])
        draw.rectangle((left, top, left + 14, top + 14), fill=colour, outline="black")
        draw.text((left + 22, top - 1), text, fill="black", font=font)
    return np.asarray(sheet)

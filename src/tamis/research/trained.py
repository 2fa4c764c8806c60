"""Experiments that train: the same network goes on from the same checkpoint in several ways, for the same samples."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tamis.arrays import LabelArray
from tamis.errors import InputError
from tamis.image import write_image
from tamis.proposals import Selection
from tamis.proposals.grid import grid_proposals
from tamis.research.one_click import ONE, tried
from tamis.research.study import Finding, Setting, Way, paired
from tamis.results.files import write_bytes
from tamis.segmentors import Segmentor
from tamis.segmentors.click_tools import load_click_tool

CONFIDENT = Selection(min_score=0.5, max_proposals=5)
"""Masks that are learned from: the five of an image with the largest expected IoU, of at least one half."""


def losses(setting: Setting) -> Finding:
    """Focal loss, and with it Lovász, soft IoU and level lines."""
    return _compared(
        setting,
        {
            "focal": ["loss=focal=1"],
            "focal and Lovász": ["loss=focal=1,lovasz=1"],
            "focal and soft IoU": ["loss=focal=1,iou=1"],
            "focal and level lines": ["loss=focal=1,level=1"],
        },
    )


def one_or_many(setting: Setting) -> Finding:
    """One positive click for each object, many clicks with corrections, one positive or negative click."""
    return _compared(
        setting,
        {
            "one positive click": ["single=true", "rounds=0"],
            "many clicks and corrections": ["single=false", "rounds=3"],
            "one positive or negative click": ["single=true", "negative=0.5", "rounds=0"],
        },
    )


def training_size(setting: Setting) -> Finding:
    """The usual square, half of it, and three quarters."""
    side = _side(setting)
    return _compared(setting, {f"{each} pixels": [f"size={each}"] for each in (side, side // 2, 3 * side // 4)})


def pseudo_labels(setting: Setting) -> Finding:
    """Going on with true masks, and with the network's own confident ones."""
    own = load_click_tool(f"segnext:{_start(setting)}")
    return _taught(setting, own, "its own confident masks")


def distillation(setting: Setting) -> Finding:
    """Going on with true masks, and with those of another model."""
    return _taught(setting, setting.segmentor, f"masks of {setting.segmentor.name}")


def _taught(setting: Setting, teacher: Segmentor, name: str) -> Finding:
    folder = setting.out / "taught"
    images, masks = write_labels(teacher, setting, folder)
    if not masks:
        raise InputError(f"{name}: no mask was confident enough to learn from")
    finding = _compared(setting, {"true masks": [], name: []}, {name: [f"folder={folder}:"]})
    return Finding(finding.rows, [f"{masks} masks of {images} images were taught"])


def write_labels(teacher: Segmentor, setting: Setting, folder: Path, images: int = 30) -> tuple[int, int]:
    """Masks of training images that a model is confident of, as a dataset `folder`; how many images and masks.

    Args:
        teacher: who finds them, by a grid of 8 × 8 clicks.
        setting: with the images to train on.
        folder: for `images` and `masks`.
        images: at most.
    """
    import cv2

    written, masks = 0, 0
    for source_image in _training_images(setting, images):
        found = grid_proposals(teacher.encode(source_image), 8, CONFIDENT)
        if not len(found):
            continue
        labels: LabelArray = found.label_map()
        write_image(folder / "images" / f"{written:03d}.png", source_image)
        whole, encoded = cv2.imencode(".png", labels.astype(np.uint16))
        assert whole
        write_bytes(folder / "masks" / f"{written:03d}.png", encoded.tobytes())
        written, masks = written + 1, masks + len(np.unique(labels[labels > 0]))
    return written, masks


def _training_images(setting: Setting, most: int) -> Iterator[np.ndarray]:
    from tamis.training.click_tools.sources import open_source

    for text in setting.training:
        source = open_source(text, 0.0)
        for index in range(min(most, len(source.names))):
            yield source.scene(index, np.random.default_rng(setting.seed)).image


def _compared(
    setting: Setting, ways: Mapping[str, Sequence[str]], data: Mapping[str, Sequence[str]] | None = None
) -> Finding:
    """Train each way from the same checkpoint, and ask each for one random click on the same masks."""
    from tamis.training.click_tools.recipe import find_recipe
    from tamis.training.click_tools.trainer import ClickJob, train_segnext

    if not setting.training:
        raise InputError("--train: name a dataset to train on, as NAME=ROOT or NAME=ROOT:SPLIT")
    start, side = _start(setting), _side(setting)
    found: list[Way] = [tried("the start", setting, ONE, load_click_tool(f"segnext:{start}"))]
    for number, (name, changes) in enumerate(ways.items()):
        common = ["start=network", "epochs=1", f"epoch_samples={setting.samples}", "lr=3e-4", "milestones=9",
                  f"size={side}", "loss=focal=1", f"seed={setting.seed}"]  # fmt: skip
        job = ClickJob(
            find_recipe("small", [*common, *changes]),
            (data or {}).get(name, setting.training),
            setting.out / f"run-{number}",
            start,
            device="auto",
        )
        folder = train_segnext(job)
        found.append(tried(name, setting, ONE, load_click_tool(f"segnext:{folder / '000.pth'}")))
    base = found[1]
    return Finding(paired([base, found[0], *found[2:]], setting.seed))


def _start(setting: Setting) -> Path:
    if setting.start is None:
        raise InputError(
            "--start: this experiment trains; name a checkpoint to start from, such as one of tamis train segnext "
            "--recipe small"
        )
    return setting.start


def _side(setting: Setting) -> int:
    from tamis.segmentors.plain_vit.weights import load_segnext

    return load_segnext(_start(setting)).shape.encoder.side

"""How soon does somebody who knows what they want have it? `python -m benchmarks.annotator_trial [SEGMENTOR …]`.

Sixty-four objects of eight held-out sets. Every action is a click in the middle of the largest error; one that made the
mask worse is taken back, which is an action too, and the click after it goes into the next largest error. Up to ten
actions, as the page and its server answer them. Keeps benchmarks/annotator_trial/SEGMENTOR.json and prints how many
objects reach IoU .9 and after how many actions.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.sets import ROOT, SETS, spaced
from tamis import __version__
from tamis.arrays import MaskArray
from tamis.clicks import Click, corrective_click
from tamis.datasets import open_dataset
from tamis.datasets.protocol import Target
from tamis.errors import InputError
from tamis.mask.iou import iou_of
from tamis.segmentors import EncodedImage, load_segmentor, weights_of
from tamis.segmentors.prompts import answer_to

KEPT = ROOT / "benchmarks" / "annotator_trial"
FOLDERS = ("duts", "davis", "coco_mval", "weizmann_horses", "feral_cats", "dsb2018", "berkeley", "bsds500")
OBJECTS = 8
"""Of each set, one of an image."""

ACTIONS = 10
WANTED = 0.9
WORSE = 0.01
"""A click that costs more IoU is taken back."""

LEAST_AREA = 400
"""Pixels of an object."""


@dataclass(frozen=True)
class Trial:
    """One object.

    Attributes:
        place: its set and image.
        ious: after each action.
        undone: how many of these took a click back.
    """

    place: str
    ious: list[float]
    undone: int

    @property
    def actions(self) -> int | None:
        """To IoU `WANTED`; None where it is not reached."""
        return next((number for number, iou in enumerate(self.ious, 1) if iou >= WANTED), None)


def annotate(encoded: EncodedImage, target: Target, place: str) -> Trial:
    """Click until the mask is right, or nobody would go on."""
    mask: MaskArray = np.zeros_like(target.mask)
    clicks: list[Click] = []
    ious: list[float] = []
    undone, spared = 0, np.zeros_like(target.mask)
    best = 0.0
    while len(ious) < ACTIONS and best < WANTED:
        click = _next_click(target, mask, clicks, spared)
        if click is None:
            break
        answer = answer_to(encoded, [*clicks, click], mask=mask if clicks else None) > 0.5
        iou = iou_of(answer, target.mask, target.valid)
        ious.append(iou)
        if iou < best - WORSE:
            ious.append(best)
            undone += 1
            spared |= _error_at(target, mask, click)
        else:
            mask, best = answer, iou
            clicks.append(click)
            spared[:] = False
    return Trial(place, ious[:ACTIONS], undone)


def _next_click(target: Target, mask: MaskArray, clicks: list[Click], spared: MaskArray) -> Click | None:
    valid = ~spared if target.valid is None else target.valid & ~spared
    try:
        return corrective_click(target.mask, mask, clicks, valid)
    except InputError:
        return None


def _error_at(target: Target, mask: MaskArray, click: Click) -> MaskArray:
    """The connected part of the error that a click lies in."""
    parts, _ = ndimage.label(target.mask != mask)
    return np.asarray(parts == parts[click.pixel])


def trials(segmentor: str, data: Path) -> Iterator[Trial]:
    """All objects, the largest of each image."""
    loaded = load_segmentor(segmentor)
    for place in (each for each in SETS if each.folder in FOLDERS):
        dataset = spaced(open_dataset(place.dataset, data / place.folder, place.split), OBJECTS)
        for sample in dataset.samples:
            targets = sorted(sample.targets(), key=lambda each: -int(each.mask.sum()))
            usable = [each for each in targets if each.mask.sum() >= LEAST_AREA]
            if usable:
                target = usable[len(usable) // 4]  # neither the sky nor a button
                yield annotate(loaded.encode(sample.image()), target, f"{place.name}: {sample.name}")


def summary(done: list[Trial]) -> dict[str, float | int]:
    """What became of them."""
    needed = [trial.actions for trial in done]
    reached = [count for count in needed if count is not None]
    return {
        "objects": len(done),
        "reached": len(reached),
        "share": round(len(reached) / len(done), 4),
        "median_actions": float(np.median([ACTIONS + 1 if count is None else count for count in needed])),
        "undone": sum(trial.undone for trial in done),
        "mean_iou": round(float(np.mean([max(trial.ious) for trial in done])), 4),
    }


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.annotator_trial", description=__doc__)
    parser.add_argument("segmentors", nargs="*", default=["embedded"], metavar="SEGMENTOR")
    given = parser.parse_args()
    if not os.environ.get("TAMIS_DATA"):
        sys.exit("set TAMIS_DATA to the folder that holds the datasets")
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in given.segmentors:
        done = list(trials(name, Path(os.environ["TAMIS_DATA"])))
        told = summary(done)
        kept = {"version": __version__, "weights": weights_of(load_segmentor(name)), **told}
        text = json.dumps({**kept, "trials": [asdict(trial) for trial in done]}, indent=1)
        (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(
            f"{name}: {told['reached']} of {told['objects']} objects ({100 * told['share']:.0f} %) reach IoU {WANTED}; "
            f"median {told['median_actions']:g} actions, {told['undone']} clicks taken back"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

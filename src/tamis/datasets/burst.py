"""PerMIRS out of BURST: of each video three frames of an object that has a double, far apart in time."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tamis.datasets.episodes import STORED
from tamis.errors import InputError
from tamis.mask import Masks
from tamis.mask.boxes import box_of
from tamis.results.files import replacing, whole_folder

DROPPED = ("HACS", "AVA", "LaSOT")
"""Sources of BURST that the authors of PerMIRS leave out."""

APART = 15
"""Annotated frames that lie between the first and each other one, at least."""


@dataclass(frozen=True)
class TrackFrames:
    """What is taken of a video.

    Attributes:
        track: of the object.
        frames: three indices of annotated frames, the one with the largest box first.
    """

    track: str
    frames: tuple[int, int, int]


def prepare_permirs(raw: Path, root: Path, split: str = "val") -> Iterator[tuple[str, str]]:
    """Make `root/N/{0,1,2}.jpg` and masks of each video that has what it takes; N counts the videos of the file.

    Several splits go into roots of their own, since their numbers are the same. What is there is left alone.

    Args:
        raw: BURST: `annotations/SPLIT/all_classes.json` and `frames/SPLIT/DATASET/SEQUENCE/….jpg`.
        root: of the dataset to be.
        split: train, val or test.

    Yields:
        Each video that was looked at, and why it is left out, "" where it is not.

    Raises:
        InputError: annotations are missing or damaged.
    """
    path = next(
        (p for p in (raw / "annotations" / split, raw / split, raw) if (p / "all_classes.json").is_file()), None
    )
    if path is None:
        raise InputError(f"{raw}: there is no annotations/{split}/all_classes.json; unpack BURST's annotations there")
    try:
        sequences = json.loads((path / "all_classes.json").read_bytes())["sequences"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / 'all_classes.json'}: is damaged ({error}); download it again") from None
    for number, video in enumerate(sequences):
        name = f"{video['dataset']}/{video['seq_name']}"
        if video["dataset"] in DROPPED:
            yield name, f"{video['dataset']} is left out by the authors"
            continue
        chosen = choose(video)
        if chosen is None:
            yield name, "no object with a double in three frames far apart"
            continue
        frames = [_frame(raw, split, name, video["annotated_image_paths"][index]) for index in chosen.frames]
        if None in frames:
            yield name, "its frames are not here"
            continue
        if not (root / str(number)).exists():
            _write(root / str(number), video, chosen, [frame for frame in frames if frame])
        yield name, ""


def choose(video: Mapping[str, Any]) -> TrackFrames | None:
    """The track that is seen most often beside another of its category, and three of its frames; None without them."""
    categories = {str(track): category for track, category in video["track_category_ids"].items()}
    shape = int(video["height"]), int(video["width"])
    several = {category for category, count in Counter(categories.values()).items() if count > 1}
    counts = dict.fromkeys([track for track, category in categories.items() if category in several], 0)
    sizes: dict[str, list[tuple[int, float]]] = {track: [] for track in counts}
    for index, frame in enumerate(video["segmentations"]):
        there = Counter(categories[str(track)] for track in frame)
        for track, annotation in frame.items():
            if there[categories[str(track)]] > 1:
                counts[str(track)] += 1
                sizes[str(track)].append((index, _box_share(annotation["rle"], shape)))
    if not counts:
        return None
    track = max(counts, key=lambda each: counts[each])
    ordered = [index for index, _ in sorted(sizes[track], key=lambda each: -each[1])]
    far = [index for index in ordered if abs(index - ordered[0]) > APART][:2]
    return TrackFrames(track, (ordered[0], far[0], far[1])) if len(far) == 2 else None


def _box_share(rle: str, shape: tuple[int, int]) -> float:
    box = box_of(_mask(rle, shape))
    if box is None:
        return 0.0
    left, top, right, bottom = box
    return (right - left) * (bottom - top) / (shape[0] * shape[1])


def _mask(rle: str, shape: tuple[int, int]) -> Any:
    return Masks.from_coco([{"size": list(shape), "counts": rle}], shape)[0]


def _frame(raw: Path, split: str, video: str, name: str) -> Path | None:
    places = (raw / "frames" / split / video / name, raw / "frames" / video / name, raw / video / name)
    return next((place for place in places if place.is_file()), None)


def _write(folder: Path, video: Mapping[str, Any], chosen: TrackFrames, frames: list[Path]) -> None:
    shape = int(video["height"]), int(video["width"])
    masks = np.empty(3, object)
    for place, index in enumerate(chosen.frames):
        masks[place] = {chosen.track: _mask(video["segmentations"][index][chosen.track]["rle"], shape)}
    with whole_folder(folder) as begun:
        for place, frame in enumerate(frames):
            shutil.copyfile(frame, begun / f"{place}.jpg")
        with replacing(begun / STORED) as file:
            np.save(file, masks)  # a pickle, as the peers' own program writes it and reads it

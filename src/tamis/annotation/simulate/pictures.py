"""What ways of annotating came to on the same few images, to be looked at."""

from collections.abc import Mapping, Sequence
from html import escape
from os.path import relpath
from pathlib import Path
from typing import Any

import numpy as np

from tamis.annotation.simulate.curves import clicks_of
from tamis.datasets.protocol import Dataset
from tamis.image import resize_to_fit, write_image
from tamis.mask import Masks
from tamis.render.overlays import cut_out, outlined
from tamis.render.page import figure

FOLDER = "pictures"

SHOWN = 5
"""Images, evenly spaced over the dataset."""

LARGEST = 400
"""Pixels of a picture's longer side."""


def write_pictures(out: Path, dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Write pictures of the first seed; the mask that was left keeps its colours, what was proposed is outlined.

    Args:
        out: the result folder.
        dataset: whose images they are.
        rows: what was done to each image by each policy, with its masks.

    Returns:
        By policy, for each picture: `file`, `image`, `seconds`, `clicks`, and the IoUs `proposed` and `iou`.
    """
    done: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        if row["seed"] == 0:
            done.setdefault(row["policy"], {})[row["image"]] = row
    of_all = [sample for sample in dataset.samples if all(sample.name in those for those in done.values())]
    spaced = np.linspace(0, len(of_all) - 1, min(SHOWN, len(of_all))).round().astype(int)
    found: dict[str, list[dict[str, Any]]] = {policy: [] for policy in done}
    for number, place in enumerate(spaced.tolist(), 1):
        sample = of_all[place]
        image = sample.image()
        for policy, those in done.items():
            row, file = those[sample.name], f"{FOLDER}/{policy}-{number}.jpg"
            picture = cut_out(image, Masks.from_coco([row["rle"]])[0])
            if (begun := row.get("begun")) is not None:
                picture = outlined(picture, Masks.from_coco([begun])[0])
            write_image(out / file, resize_to_fit(picture, LARGEST))
            seconds = round(sum(action["seconds"] for action in row["actions"]), 1)
            told = {"file": file, "image": sample.name, "seconds": seconds, "clicks": clicks_of(row)}
            found[policy].append({**told, "proposed": row["proposed"], "iou": row["iou"]})
    return found


def strips(page: Path, folder: Path, told: Mapping[str, Any], called: Mapping[str, str]) -> list[str]:
    """HTML: a row of pictures for each policy of a simulation, as far as it has any.

    Args:
        page: the HTML file.
        folder: of the simulation.
        told: its `simulation.json`.
        called: by policy, how the page calls it.
    """
    parts = []
    for policy, pictures in told.get("pictures", {}).items():
        place = Path(relpath(folder.resolve(), page.resolve().parent))
        figures = [figure((place / each["file"]).as_posix(), _caption(each)) for each in pictures]
        parts.append(f'<p>{escape(called.get(policy, policy))}</p><div class="row">{"".join(figures)}</div>')
    if not parts:
        return []
    legend = "what was left keeps its colours; what was proposed is outlined in blue"
    return [f"<h2>The same images <small>{legend}</small></h2>", *parts]


def _caption(picture: Mapping[str, Any]) -> str:
    clicks = f"{picture['clicks']} click{'' if picture['clicks'] == 1 else 's'}"
    proposed = "" if picture["proposed"] is None else f", proposed {picture['proposed']:.2f}"
    return f"{picture['seconds']:.1f} s, {clicks}{proposed}, IoU {picture['iou']:.2f} · {picture['image']}"

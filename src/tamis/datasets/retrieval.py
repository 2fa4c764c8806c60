"""Datasets of instance retrieval: queries, a database, and which of it each query should find.

| name | layout |
|---|---|
| `roxford`, `rparis` | `jpg/NAME.jpg` and `gnd_roxford5k.pkl` or `gnd_rparis6k.pkl`; queries are cropped to their box |
| `ilias` | `ilias_core/OBJECT/query/Qxxx_yy.jpg` with `…_bbox.txt`, `ilias_core/OBJECT/pos/Pxxx_zz.jpg` |
| `permir` | `N/{0,1,2}.jpg` and `N/masks.npz.npy`; the query is the frame with the largest mask |
| `uned` | `DOMAIN/CLASS/NAME.jpg`: the first image of each class is the query |
| `instances` | `images/OBJECT/NAME.jpg`: the first image of each object is the query |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tamis.arrays import MaskArray
from tamis.datasets.episodes import STORED, first_mask
from tamis.datasets.layers import read_pickle
from tamis.datasets.listing import LayoutError, files_in, folders_in, require_file, require_folder
from tamis.datasets.maskfile import read_half
from tamis.errors import InputError

Corners = tuple[float, float, float, float]

LEAST_SHARE = 0.005
"""PerMIR: a video with a smaller mask is left out, as a share of the image."""


@dataclass(frozen=True)
class Query:
    """What is looked for.

    Attributes:
        name: unique in the dataset.
        path: of the image.
        box: (left, top, right, bottom) of the object, None where it is the whole image.
        mask: reads (H, W) bool, None where there is none.
    """

    name: str
    path: Path
    box: Corners | None = None
    mask: Callable[[], MaskArray] | None = None


@dataclass(frozen=True)
class Collection:
    """An opened dataset.

    Attributes:
        name: of its layout.
        queries: in the peers' order.
        database: files by name, in the peers' order.
        positives: names of the database by query; of ROxford and RParis all that are easy or hard.
        truth: of ROxford and RParis `easy`, `hard` and `junk` rows of each query.
    """

    name: str
    queries: tuple[Query, ...]
    database: Mapping[str, Path]
    positives: Mapping[str, Sequence[str]]
    truth: tuple[Mapping[str, list[int]], ...] = field(default=())


def open_revisited(root: Path, ground_truth: str, name: str) -> Collection:
    """ROxford5k or RParis6k.

    Raises:
        LayoutError: a file is missing.
        InputError: the ground truth is damaged, or of another kind.
    """
    content = read_pickle(require_file(root / ground_truth))
    jpg = require_folder(root / "jpg")
    try:
        images, asked, truth = content["imlist"], content["qimlist"], content["gnd"]
        queries = tuple(
            Query(f"query/{image}", jpg / f"{image}.jpg", _corners(each["bbx"]))
            for image, each in zip(asked, truth, strict=True)
        )
        rows = tuple({key: [int(row) for row in each[key]] for key in ("easy", "hard", "junk")} for each in truth)
        positives = {
            query.name: [images[row] for row in (*each["easy"], *each["hard"])]
            for query, each in zip(queries, rows, strict=True)
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{root / ground_truth}: is no ground truth of {name} ({error}); get it again") from None
    return Collection(name, queries, {image: jpg / f"{image}.jpg" for image in images}, positives, rows)


def open_ilias(root: Path) -> Collection:
    """ILIAS without its distractors, which are a store of their own.

    Raises:
        LayoutError: there are no objects.
    """
    core = require_folder(root / "ilias_core")
    queries: list[Query] = []
    database: dict[str, Path] = {}
    positives: dict[str, list[str]] = {}
    for folder in folders_in(core):
        shown = files_in(folder / "pos").paths if (folder / "pos").is_dir() else {}
        there = {f"{folder.name}/pos/{path.name}": path for path in shown.values()}
        database |= there
        for path in files_in(require_folder(folder / "query")).paths.values():
            query = Query(f"{folder.name}/query/{path.name}", path, _first_box(path))
            queries.append(query)
            positives[query.name] = list(there)
    if not queries:
        raise LayoutError(f"{core}: holds no folder of an object with a query")
    return Collection("ilias", tuple(queries), database, positives)


def open_permir(root: Path) -> Collection:
    """PerMIRS: of each video the frame with the largest mask is the query, the two others are in the database.

    Raises:
        LayoutError: there is no video.
        InputError: masks cannot be read.
    """
    queries: list[Query] = []
    database: dict[str, Path] = {}
    positives: dict[str, list[str]] = {}
    for folder in sorted((each for each in folders_in(require_folder(root)) if each.name.isdecimal()), key=_number):
        masks = [first_mask(folder / STORED, number) for number in range(3)]
        if min(float(mask.mean()) for mask in masks) < LEAST_SHARE:
            continue
        largest = max(range(3), key=lambda number: int(masks[number].sum()))
        query = Query(
            f"query/{folder.name}/{largest}",
            folder / f"{largest}.jpg",
            mask=partial(first_mask, folder / STORED, largest),
        )
        others = {f"{folder.name}/{number}": folder / f"{number}.jpg" for number in range(3) if number != largest}
        queries.append(query)
        database |= others
        positives[query.name] = list(others)
    if not queries:
        raise LayoutError(f"{root}: holds no numbered folder of a video whose masks are large enough")
    return Collection("permir", tuple(queries), database, positives)


def open_instances(root: Path) -> Collection:
    """Folders of objects; masks of queries, where there are any, lie in `masks/OBJECT/NAME.png`.

    Raises:
        LayoutError: no object has two images.
    """
    queries: list[Query] = []
    database: dict[str, Path] = {}
    positives: dict[str, list[str]] = {}
    for folder in folders_in(require_folder(root / "images")):
        paths = list(files_in(folder).paths.items())
        if len(paths) < 2:
            continue
        drawn = [stem for stem, _ in paths if (root / "masks" / folder.name / f"{stem}.png").is_file()]
        shown = drawn[0] if drawn else paths[0][0]
        mask = root / "masks" / folder.name / f"{shown}.png"
        query = Query(f"{folder.name}/{shown}", dict(paths)[shown], mask=partial(read_half, mask) if drawn else None)
        others = {f"{folder.name}/{path.name}": path for stem, path in paths if stem != shown}
        queries.append(query)
        database |= others
        positives[query.name] = list(others)
    if not queries:
        raise LayoutError(f"{root / 'images'}: no folder has two images of an object")
    return Collection("instances", tuple(queries), database, positives)


def open_uned(root: Path) -> Collection:
    """UnED: `DOMAIN/CLASS/NAME.jpg`, of which the first of each class is the query.

    Its object is in `NAME_bbox.txt` or `NAME_mask.png` beside it where there is one, the whole image otherwise.

    Raises:
        LayoutError: no class has two images.
    """
    queries: list[Query] = []
    database: dict[str, Path] = {}
    positives: dict[str, list[str]] = {}
    for domain in folders_in(require_folder(root)):
        for folder in folders_in(domain):
            paths = [path for stem, path in files_in(folder).paths.items() if not stem.endswith("_mask")]
            if len(paths) < 2:
                continue
            name, mask = f"{domain.name}/{folder.name}", paths[0].with_name(f"{paths[0].stem}_mask.png")
            drawn = partial(read_half, mask) if mask.is_file() else None
            queries.append(Query(f"{name}/{paths[0].name}", paths[0], _first_box(paths[0]), drawn))
            others = {f"{name}/{path.name}": path for path in paths[1:]}
            database |= others
            positives[queries[-1].name] = list(others)
    if not queries:
        raise LayoutError(f"{root}: no DOMAIN/CLASS has two images")
    return Collection("uned", tuple(queries), database, positives)


OPENERS: Mapping[str, Callable[[Path], Collection]] = {
    "roxford": partial(open_revisited, ground_truth="gnd_roxford5k.pkl", name="roxford"),
    "rparis": partial(open_revisited, ground_truth="gnd_rparis6k.pkl", name="rparis"),
    "ilias": open_ilias,
    "permir": open_permir,
    "instances": open_instances,
    "uned": open_uned,
}


def open_collection(name: str, root: Path) -> Collection:
    """The dataset of a layout at a root.

    Raises:
        InputError: there is no such layout, or something of it is missing.
    """
    if name not in OPENERS:
        raise InputError(f"--dataset {name}: there is none; choose from {', '.join(OPENERS)}")
    if not root.is_dir():
        raise InputError(f"--root {root}: there is no such folder")
    return OPENERS[name](root)


def _corners(box: Any) -> Corners:
    left, top, right, bottom = (float(number) for number in box)
    return left, top, right, bottom


def _first_box(path: Path) -> Corners | None:
    """ILIAS: lines of left, top, width, height; the first counts."""
    place = path.with_name(f"{path.stem}_bbox.txt")
    if not place.is_file():
        return None
    try:
        left, top, width, height = map(float, place.read_text(encoding="utf-8").replace(",", " ").split()[:4])
    except ValueError:
        raise InputError(f"{place}: holds no box of four numbers; get it again") from None
    return left, top, left + width, top + height


def _number(folder: Path) -> int:
    return int(folder.name)

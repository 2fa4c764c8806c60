"""How synthetic scenes are written in the layout of each dataset."""

import csv
import io
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamis.datasets.bsds500 import DEVELOPMENT, SPLITS
from tamis.datasets.described import META
from tamis.datasets.hqseg44k import PARTS
from tamis.datasets.hypersim import PREVIEWS, entities_path, preview_path
from tamis.datasets.maskfile import ONLY
from tamis.datasets.protocol import Target
from tamis.datasets.scenes import ExpectedSample, Scene
from tamis.datasets.splits import TRAINING, VALIDATION, every_tenth
from tamis.datasets.supervision import Kind
from tamis.image import write_image
from tamis.mask import Masks, components, to_coco_polygons
from tamis.mask.polygons import Polygon, from_polygons, to_polygons
from tamis.results.files import replacing, write_bytes

Writer = Callable[[Path, list[Scene], str], list[ExpectedSample]]

DEFAULT_SPLITS = {"coco": "val2017", "sbd-per-class": "cat"}
"""Where the dataset has none of its own."""


def _davis345(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    for k, scene in enumerate(scenes):
        write_image(root / "img" / f"{k:05}.jpg", scene.image)
        # Each object has its own channel and grey, as the objects of a frame of DAVIS have their own colours.
        grey = np.stack([np.where(scene.labels % 3 == c, scene.labels, 0) for c in range(3)], axis=2)
        write_image(root / "gt" / f"{k:05}.png", grey.astype(np.uint8))
    return [_merged(f"{k:05}", scene) for k, scene in enumerate(scenes)]


def _mval(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    return _share(_davis345(root, scenes, ""), split)


def _classes(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    return _davis345(root / split, scenes, "")


def _davis(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    *resolution, year, name = split.split("/")
    folder = resolution[0] if resolution else "480p"
    written = []
    for k, scene in enumerate(scenes):
        frame = f"{'ab'[k % 2]}-sequence/{k // 2:05}"
        write_image(root / "JPEGImages" / folder / f"{frame}.jpg", scene.image)
        _write_palette(root / "Annotations" / folder / f"{frame}.png", scene.labels)
        written.append(_labelled(frame, scene) if year == "2017" else _merged(frame, scene))
    sequences = sorted({one.name.split("/")[0] for one in written})
    write_bytes(root / "ImageSets" / year / f"{name}.txt", "".join(f"{s}\n" for s in sequences).encode())
    return written


def _hqseg44k(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    parts = PARTS[split]
    for images, masks in parts:
        for folder in (images, masks):
            (root / folder).mkdir(parents=True, exist_ok=True)
    written = []
    for part, (images, masks) in enumerate(parts):
        for k, scene in enumerate(scenes[part :: len(parts)]):
            write_image(root / images / f"{k}.jpg", scene.image)
            # Outlines are anti-aliased: any grey above 0 counts.
            write_image(root / masks / f"{k}.png", np.where(scene.labels > 0, scene.labels * 40, 0).astype(np.uint8))
            written.append(_merged(f"{images}/{k}", scene))
    return written


def _hypersim(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    import h5py

    written = []
    for k, scene in enumerate(scenes):
        name = f"ai_001_{k + 1:03}"
        for preview in PREVIEWS:
            exposed = scene.image if preview == "tonemap" else (scene.image * 0.4).astype(np.uint8)
            write_image(root / preview_path(name, preview), exposed)
        entities = np.where(scene.labels > 0, scene.labels.astype(np.int16) * 100, -1).astype(np.int16)
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            file.create_dataset("dataset", data=entities, compression="gzip")
        write_bytes(root / entities_path(name), content.getvalue())
        written.append(_labelled(f"{name}/cam_00/frame.0000", scene, factor=100))
    return written


def _grabcut(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    return _trimaps(root / "data_GT", root / "boundary_GT", ".bmp", scenes)


def _berkeley(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    return _trimaps(root / "images", root / "masks", ".png", scenes)


def write_listed_berkeley(root: Path, scenes: Sequence[Scene]) -> list[ExpectedSample]:
    """Berkeley with its images elsewhere: `root/pairs.csv`, `root/masks`, and `images` in the folder above."""
    written = _trimaps(root.parent / "images", root / "masks", ".png", scenes)
    table = io.StringIO(newline="")
    rows = csv.writer(table)
    rows.writerows([("mask", "image"), *((one.name, f"images/{one.name}.jpg") for one in written)])
    write_bytes(root / "pairs.csv", table.getvalue().encode())
    return written


def _trimaps(images: Path, masks: Path, suffix: str, scenes: Sequence[Scene]) -> list[ExpectedSample]:
    written = []
    for k, scene in enumerate(scenes):
        mask = scene.mask(scene.shapes[-1])
        strip = _edge(mask)
        grey = np.where(mask, 255, np.where(scene.labels > 0, 64, 0))  # 64 is the background near the object
        write_image(images / f"{k:03}.jpg", scene.image)
        write_image(masks / f"{k:03}{suffix}", np.where(strip, 128, grey).astype(np.uint8))
        written.append(ExpectedSample(f"{k:03}", (Target(ONLY, mask & ~strip, ~strip),), scene.image))
    return written


def _sbd(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    written = []
    for k, scene in enumerate(scenes):
        name = f"2008_{k:06}"
        write_image(root / "img" / f"{name}.jpg", scene.image)
        categories = np.array([[1 + label % 3] for label in scene.shapes], np.uint8)
        record = {"Segmentation": scene.labels, "Boundaries": np.zeros((1, 1)), "Categories": categories}
        _write_matlab(root / "inst" / f"{name}.mat", {"GTinst": record})
        written.append(_labelled(name, scene))
    write_bytes(root / f"{split}.txt", "".join(f"{one.name}\n" for one in written).encode())
    return written


def _bsds500(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    return write_bsds500(root, scenes, split, matlab=True)


def write_bsds500(root: Path, scenes: Sequence[Scene], split: str, matlab: bool) -> list[ExpectedSample]:
    """BSDS500 as released (`data/groundTruth`, .mat) or as PNG files (`segments`), two annotators for each image."""
    base = root / "data" if matlab else root
    truth_folder = "groundTruth" if matlab else "segments"
    for folder in (base / kind / name for kind in ("images", truth_folder) for name in SPLITS):
        folder.mkdir(parents=True, exist_ok=True)
    written = []
    for k, scene in enumerate(scenes):
        part = split if split in SPLITS else DEVELOPMENT[k * len(DEVELOPMENT) // len(scenes)]
        name = f"{part}/{k + 1000}"
        fine = scene.labels.astype(np.uint16) + 1
        maps = (fine, np.minimum(fine, 2).astype(np.uint16))
        write_image(base / "images" / f"{name}.jpg", scene.image)
        if matlab:
            truth = np.empty((1, len(maps)), object)
            for annotator, labels in enumerate(maps):
                truth[0, annotator] = {"Segmentation": labels, "Boundaries": np.zeros(labels.shape, np.uint8)}
            _write_matlab(base / "groundTruth" / f"{name}.mat", {"groundTruth": truth})
        else:
            for annotator, labels in enumerate(maps):
                write_image(base / "segments" / f"{name}_{annotator}.png", labels)
        targets = [
            Target(f"{annotator}/{label}", np.asarray(labels == label))
            for annotator, labels in enumerate(maps)
            for label in np.unique(labels).tolist()
        ]
        written.append(ExpectedSample(name, tuple(targets), scene.image))
    return _share(written, split)


def _cocolvis(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    import cv2

    base, hierarchy, written = root / split, {}, []
    for k, scene in enumerate(scenes):
        name = f"{k + 1:012}"
        write_image(base / "images" / f"{name}.jpg", scene.image)
        count = len(scene.shapes)
        # A part, the upper half of the last thing, lies in a layer of its own; stuff is the ground.
        part = np.zeros_like(scene.labels)
        rows = np.flatnonzero(scene.mask(scene.shapes[-1]).any(axis=1))
        part[: rows[len(rows) // 2]] = scene.mask(scene.shapes[-1])[: rows[len(rows) // 2]]
        stuff = np.where(scene.labels == 0, 1, 0).astype(np.uint8)
        layers = [cv2.imencode(".png", layer)[1] for layer in (scene.labels, part, stuff)]
        mapping = [*((0, label) for label in scene.shapes), (1, 1), (2, 1)]
        write_bytes(base / "masks" / f"{name}.pickle", pickle.dumps((layers, mapping)))
        nodes: dict[int, Any] = dict.fromkeys(range(count - 1))
        nodes[count - 1] = {"children": [count], "parent": None, "node_level": 0}
        nodes[count] = {"children": [], "parent": count - 1, "node_level": 1}
        hierarchy[name] = {"num_instance_masks": count + 1, "hierarchy": nodes}
        targets = (Target(str(number), scene.mask(label)) for number, label in enumerate(scene.shapes))
        written.append(ExpectedSample(name, tuple(targets), scene.image))
    write_bytes(base / "hannotation.pickle", pickle.dumps(hierarchy))
    return written


def _coco(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    images, written = [], []
    annotations: list[dict[str, Any]] = []
    for k, scene in enumerate(scenes, start=1):
        name = f"{k:012}"
        write_image(root / split / f"{name}.jpg", scene.image)
        height, width = scene.labels.shape
        images.append({"id": k, "file_name": f"{name}.jpg", "height": height, "width": width})
        *single, last = scene.shapes
        crowd = scene.mask(last)
        targets = []
        for label in single:
            number = len(annotations) + 1
            mask = scene.mask(label)
            annotations.append({**_drawn(mask, number), "id": number, "image_id": k, "category_id": 1, "iscrowd": 0})
            targets.append(Target(str(number), mask, ~crowd))
        number = len(annotations) + 1
        annotations.append({**_rle(crowd), "id": number, "image_id": k, "category_id": 1, "iscrowd": 1})
        written.append(ExpectedSample(name, tuple(targets), scene.image))
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "shape"}]}
    write_bytes(root / "annotations" / f"instances_{split}.json", json.dumps(content).encode())
    return written


def _ndd20(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    """Outlines of all shapes, as polygons and polylines in turn; holes are no part of them."""
    view, _, part = split.partition("-")
    entries, written = {}, []
    for k, scene in enumerate(scenes, start=1):
        height, width = scene.labels.shape
        mask = np.zeros((height, width), np.bool_)
        regions: list[dict[str, Any]] = []
        for polygon in (each for label in scene.shapes for each in to_polygons(scene.mask(label))):
            mask |= from_polygons([Polygon(polygon.outer)], (height, width))
            corners = {"all_points_x": polygon.outer[:, 0].tolist(), "all_points_y": polygon.outer[:, 1].tolist()}
            kind = "polyline" if len(regions) % 2 else "polygon"
            regions.append({"shape_attributes": {"name": kind, **corners}, "region_attributes": {}})
        write_image(root / view.upper() / f"{k}.jpg", scene.image)
        entries[f"{k}.jpg0"] = {"filename": f"{k}.jpg", "size": 0, "regions": regions}
        written.append(ExpectedSample(str(k), (Target(ONLY, mask),), scene.image))
    write_bytes(root / f"{view.upper()}_LABELS.json", json.dumps(entries).encode())
    written.sort(key=lambda one: one.name)
    trained = int(0.8 * len(written))
    return {"": written, "train": written[:trained], "test": written[trained:]}[part]


def _folder(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    """Label maps; a split of its own becomes a folder inside `images` and `masks`."""
    prefix = f"{split}/" if split not in ("", VALIDATION, TRAINING) else ""
    written = []
    for k, scene in enumerate(scenes):
        name = f"{prefix}{k:05}"
        write_image(root / "images" / f"{name}.jpg", scene.image)
        write_image(root / "masks" / f"{name}.png", scene.labels)
        written.append(_labelled(name, scene))
    return _share(written, split)


def _described(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    """Label maps whose META.json says that 1 is unknown."""
    written = _folder(root, scenes, split)
    write_bytes(root / META, json.dumps({"kind": Kind.INSTANCES.value, "unknown": 1}).encode())
    return [
        ExpectedSample(
            one.name,
            tuple(
                Target(target.id, target.mask, np.asarray(~unknown.mask))
                for unknown in one.targets[:1]
                for target in one.targets[1:]
            ),
            one.image,
        )
        for one in written
    ]


def _binary(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    """Masks of one object of 0 and 255 with a soft outline."""
    written = []
    for k, scene in enumerate(scenes):
        mask = scene.labels > 0
        write_image(root / "images" / f"{k:05}.jpg", scene.image)
        write_image(root / "masks" / f"{k:05}.png", np.where(mask, 255, _edge(mask) * 90).astype(np.uint8))
        written.append(_merged(f"{k:05}", scene))
    return _share(written, split)


def _camvid(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    written = []
    for k, scene in enumerate(scenes):
        name = f"{split}/{k:05}"
        void = _edge(scene.labels > 0)
        write_image(root / "images" / f"{name}.jpg", scene.image)
        write_image(root / "labels" / f"{name}.png", np.where(void, 11, scene.labels).astype(np.uint8))
        seen = [label for label in (0, *scene.shapes) if (scene.mask(label) & ~void).any()]
        targets = (Target(str(label), scene.mask(label) & ~void, ~void) for label in seen)
        written.append(ExpectedSample(name, tuple(targets), scene.image))
    return written


def _plants(root: Path, scenes: Sequence[Scene], split: str) -> list[ExpectedSample]:
    written = []
    for k, scene in enumerate(scenes):
        classes = np.where(scene.labels > 0, 1 + scene.labels % 2, 0).astype(np.uint8)
        write_image(root / "images" / f"{k:03}.jpg", scene.image)
        write_image(root / "masks" / f"{k:03}.png", classes)
        targets = [
            Target(f"{label}/{number}", part)
            for label in np.unique(classes[classes > 0]).tolist()
            for number, part in enumerate(components(classes == label), start=1)
        ]
        written.append(ExpectedSample(f"{k:03}", tuple(targets), scene.image))
    return _share(written, split)


WRITERS: dict[str, Writer] = {
    "davis345": _davis345,
    "davis": _davis,
    "hqseg44k": _hqseg44k,
    "hypersim": _hypersim,
    "grabcut": _grabcut,
    "berkeley": _berkeley,
    "sbd": _sbd,
    "sbd-per-class": _classes,
    "ndd20": _ndd20,
    "coco-mval": _mval,
    "cocolvis": _cocolvis,
    "bsds500": _bsds500,
    "folder": _folder,
    "folder-binary": _binary,
    "folder-described": _described,
    "coco": _coco,
    "duts": _binary,
    "weizmann-horses": _binary,
    "leeds-butterflies": _binary,
    "feral-cats": _folder,
    "dsb2018": _folder,
    "camvid": _camvid,
    "coco128-seg": _folder,
    "crackforest": _folder,
    "cwfid": _plants,
}
"""Of each dataset, what writes scenes as a split and says what must be read."""


def _merged(name: str, scene: Scene) -> ExpectedSample:
    return ExpectedSample(name, (Target(ONLY, scene.labels > 0),), scene.image)


def _labelled(name: str, scene: Scene, factor: int = 1) -> ExpectedSample:
    return ExpectedSample(name, tuple(Target(str(k * factor), scene.mask(k)) for k in scene.shapes), scene.image)


def _share(written: list[ExpectedSample], split: str) -> list[ExpectedSample]:
    if split not in (VALIDATION, TRAINING):
        return written
    return every_tenth(written, held_out=split == VALIDATION)


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) bool: pixels with a neighbour above, below, left or right on the other side of the outline."""
    edge = np.zeros_like(mask)
    for axis in (0, 1):
        change = np.diff(mask, axis=axis)
        edge |= np.insert(change, 0, False, axis=axis) | np.insert(change, change.shape[axis], False, axis=axis)
    return edge


def _drawn(mask: NDArray[np.bool_], number: int) -> dict[str, Any]:
    """COCO's segmentation of a mask: polygons where they are exact, or compressed or plain run lengths, in turn."""
    polygons = to_coco_polygons(mask)
    if number % 3 == 0 and polygons.iou == 1:
        return {"segmentation": polygons.segmentation}
    return _rle(mask, compressed=number % 2 == 0)


def _rle(mask: NDArray[np.bool_], compressed: bool = False) -> dict[str, Any]:
    rle = Masks.from_dense(mask[None]).coco(compressed=compressed)[0]
    counts = rle["counts"].decode() if compressed else rle["counts"]
    return {"segmentation": {"size": rle["size"], "counts": counts}}


def _write_palette(path: Path, labels: NDArray[np.uint8]) -> None:
    picture = Image.fromarray(labels)
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128, 128, 0, 128])
    with replacing(path) as file:
        picture.save(file, format="PNG")


def _write_matlab(path: Path, variables: dict[str, Any]) -> None:
    from scipy.io import savemat

    content = io.BytesIO()
    savemat(content, variables, do_compression=True)
    write_bytes(path, content.getvalue())

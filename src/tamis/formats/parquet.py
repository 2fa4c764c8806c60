"""Parquet as Hugging Face's datasets have it: a row for each image, its bytes and its masks.

Columns: `image` {bytes, path}, `width`, `height`, and `objects`, lists of `category` (a class label), `area`, `bbox`
(x, y, width, height) and `segmentation` (COCO's run lengths).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tamis.errors import InputError, UnavailableError
from tamis.formats.names import Names, Shapes
from tamis.formats.reading import Loaded, Reading, label_at
from tamis.formats.record import Dataset
from tamis.mask import Masks
from tamis.results.files import replacing

FILE = "train.parquet"

_COLUMNS = ["image.path", "width", "height", "objects"]
"""All but the images themselves."""


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `train.parquet`; an image whose file cannot be read has a row without bytes.

    Raises:
        UnavailableError: pyarrow is not installed.
    """
    arrow, parquet = _arrow()
    schema = _schema(arrow).with_metadata(
        {"huggingface": json.dumps({"info": {"features": _features(dataset.labels)}})}
    )
    numbers = {label: number for number, label in enumerate(dataset.labels)}
    with replacing(out / FILE) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for image in dataset.images:
            height, width = image.shape
            rles = [{"size": rle["size"], "counts": rle["counts"].decode()} for rle in image.masks.coco()]
            row = {
                "image": {"bytes": _bytes(dataset.folder, image.name), "path": image.name},
                "width": width,
                "height": height,
                "objects": {
                    "category": [numbers[label] for label in image.labels],
                    "area": image.masks.areas.tolist(),
                    "bbox": image.masks.coco_boxes.tolist(),
                    "segmentation": rles,
                },
            }
            writer.write_table(arrow.Table.from_pylist([row], schema=schema))


def read(path: Path, images: Shapes) -> Loaded:
    """Read a file, or the one in a folder.

    Raises:
        InputError: it is no Parquet, or an image has another size.
        UnavailableError: pyarrow is not installed.
    """
    arrow, parquet = _arrow()
    path = path / FILE if path.is_dir() else path
    try:
        with parquet.ParquetFile(path) as file:
            metadata = file.schema_arrow.metadata or {}
            features = json.loads(metadata[b"huggingface"])["info"]["features"]
            labels = features["objects"]["category"]["feature"]["names"]
            said = [_path(row) for row in file.read(columns=["image.path"]).to_pylist()]
            reading = Reading(Names.of_images(images, filter(None, said)))
            distinct = reading.distinct(filter(None, said))
            rows = (row for batch in file.iter_batches(16, columns=_COLUMNS) for row in batch.to_pylist())
            for number, row in enumerate(rows, start=1):
                path_in_file = _path(row)
                if not path_in_file:
                    reading.problem(f"row {number} has no path of an image")
                    continue
                name = reading.names.find(path_in_file, (row["height"], row["width"]))
                if name is not None and path_in_file in distinct:
                    _read_objects(row["objects"] or {}, f"row {number}", labels, name, reading)
    except arrow.ArrowException as error:
        raise InputError(f"{path}: is no Parquet file that can be read ({error})") from error
    return reading.done(labels)


def _read_objects(objects: Mapping[str, Any], called: str, labels: Sequence[str], name: str, reading: Reading) -> None:
    shape = reading.names.shape(name)
    reading.add(name, Masks.none(shape), [])
    masks, categories = objects.get("segmentation") or [], objects.get("category") or []
    if len(masks) != len(categories):
        reading.problem(f"{called} has {len(masks)} masks and {len(categories)} categories")
        return
    for number, (rle, category) in enumerate(zip(masks, categories, strict=True), start=1):
        with reading.each(f"{called}, mask {number}"):
            reading.add(name, Masks.from_coco([rle], shape), [label_at(labels, category)])


def _path(row: Mapping[str, Any]) -> str:
    return str((row["image"] or {}).get("path") or "")


def _bytes(folder: Path | None, name: str) -> bytes | None:
    try:
        return None if folder is None else (folder / name).read_bytes()
    except OSError:
        return None


def _schema(arrow: Any) -> Any:
    rle = arrow.struct({"size": arrow.list_(arrow.int32()), "counts": arrow.string()})
    objects = {
        "category": arrow.list_(arrow.int64()),
        "area": arrow.list_(arrow.int64()),
        "bbox": arrow.list_(arrow.list_(arrow.float32())),
        "segmentation": arrow.list_(rle),
    }
    return arrow.schema(
        {
            "image": arrow.struct({"bytes": arrow.binary(), "path": arrow.string()}),
            "width": arrow.int32(),
            "height": arrow.int32(),
            "objects": arrow.struct(objects),
        }
    )


def _features(labels: Sequence[str]) -> dict[str, Any]:
    """What `datasets` reads from the metadata, so that images are pictures and categories have names."""

    def value(dtype: str) -> dict[str, str]:
        return {"dtype": dtype, "_type": "Value"}

    def several(feature: Any) -> dict[str, Any]:
        return {"feature": feature, "_type": "List"}

    rle = {"size": several(value("int32")), "counts": value("string")}
    return {
        "image": {"_type": "Image"},
        "width": value("int32"),
        "height": value("int32"),
        "objects": {
            "category": several({"names": list(labels), "_type": "ClassLabel"}),
            "area": several(value("int64")),
            "bbox": several(several(value("float32"))),
            "segmentation": several(rle),
        },
    }


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UnavailableError(
            "--format parquet needs more than is installed: run pip install 'tamis[parquet]'"
        ) from error
    return pyarrow, parquet

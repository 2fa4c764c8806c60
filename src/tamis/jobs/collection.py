"""The masks of a collection of any size, as a dataset of Parquet: `tamis segment --format parquet`, as a function."""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tamis
from tamis.errors import InputError
from tamis.formats import coco
from tamis.image import find_images
from tamis.jobs.segment import SegmentSettings, image_masks
from tamis.scale.dataset import SHARD, Job, Progress, write_dataset
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor
from tamis.scale.sources import Entry, entries_of, is_collection
from tamis.scale.stores import local
from tamis.segmentors import Segmentor, weights_of


def segment_collection(
    sources: Sequence[str],
    out: str,
    segmentor: Segmentor,
    settings: SegmentSettings,
    executor: Executor = IN_PROCESS,
    shard: int = SHARD,
) -> Generator[Progress]:
    """Segment every image of some sources; a row each: `name`, `error`, `sha256`, `height`, `width` and `masks`.

    Of every mask: `counts` (COCO's compressed run lengths), `area`, `bbox` (x, y, width, height), `score`, `stability`
    and `click` (x, y), where there are any, the best first. Further `out/manifest.json`; see `write_dataset`.

    Args:
        sources: folders with all folders in them, patterns, files, .tar, .parquet, and URLs of these.
        out: a folder or the URL of one.
        segmentor: the model; for other processes than this it can be pickled.
        settings: what to find; formats do not count.
        executor: who works.
        shard: images of a file of Parquet.

    Yields:
        Progress after every shard.

    Raises:
        InputError: there is no such source, it holds no images, or `out` another run.
        OutputError: nobody can write to `out`.
    """
    decided = {name: value for name, value in settings.record().items() if name != "formats"}
    said = {"segmentor": segmentor.name, "version": tamis.__version__, "seed": None, **decided}
    job = Job(SegmentEntry(segmentor, settings), schema, said, weights_of(segmentor), shard)
    yield from write_dataset(job, _entries(sources, out), out, executor, sources)


@dataclass(frozen=True)
class SegmentEntry:
    """From an image of a collection to its row.

    Attributes:
        segmentor: the model.
        settings: what to find.
    """

    segmentor: Segmentor
    settings: SegmentSettings

    def __call__(self, entry: Entry) -> Mapping[str, Any]:
        """The row of one image.

        Raises:
            InputError: it cannot be read.
        """
        content = entry.content()
        image = entry.image(content, self.settings.max_pixels)
        proposals = image_masks(image, self.segmentor, self.settings).proposals
        annotations = coco.annotations_of(proposals.masks, proposals.details())
        return {
            "sha256": hashlib.sha256(content).hexdigest(),
            "height": image.shape[0],
            "width": image.shape[1],
            "masks": [{**each, "counts": each["segmentation"]["counts"]} for each in annotations],
        }


def schema() -> Any:
    """The columns besides name and error."""
    import pyarrow as arrow

    mask = {
        "counts": arrow.string(),
        "area": arrow.int64(),
        "bbox": arrow.list_(arrow.float64()),
        "score": arrow.float64(),
        "stability": arrow.float64(),
        "click": arrow.list_(arrow.float64()),
    }
    return arrow.schema(
        {
            "sha256": arrow.string(),
            "height": arrow.int32(),
            "width": arrow.int32(),
            "masks": arrow.list_(arrow.struct(mask)),
        }
    )


def _entries(sources: Sequence[str], out: str) -> Iterator[Entry]:
    """The images of all sources, in order; where there are several, a name begins with that of its source."""
    place = local(out)
    for source in sources:
        for entry in _of(source, [] if place is None else [place]):
            alone = len(sources) == 1 or entry.place == source
            yield entry if alone else replace(entry, name=f"{source.rstrip('/')}/{entry.name}")


def _of(source: str, leave_out: Sequence[Path]) -> Iterator[Entry]:
    path = local(source)
    if is_collection(source) or (path is not None and path.exists()):
        yield from entries_of(source, leave_out)
        return
    try:
        found = find_images([source])  # a pattern
    except InputError as error:
        raise InputError(f"{error}; folders, patterns, .tar, .parquet and URLs are understood") from None
    for image in found:
        for entry in entries_of(str(image)):
            yield replace(entry, name=str(image))

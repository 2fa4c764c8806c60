"""What several workers gain, what Ray costs, and how much memory a long job takes.

python -m benchmarks.scale PHOTOS writes benchmarks/scale.json and docs/images/scale-memory.svg; PHOTOS is a folder
of photographs. Every figure is of a process of its own; those that are compared were run in turn, the best
of `REPEATS` counts, and processor seconds are told beside the clock's, since another program's load strikes only the
latter.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import closing
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pictures import write_picture
from tamis.render.chart import curves
from tamis.results.environment import facts
from tamis.scale.dataset import Job, write_dataset
from tamis.scale.executors import executor_of, share_cores
from tamis.scale.running import Executor, in_order
from tamis.scale.sources import Entry, entries_of

ROOT = Path(__file__).parent.parent
REPEATS = 3
RUNS = {"segment": (4, 68), "precompute": (32, 512)}
"""Photographs of a short run, which are not timed since workers begin with them, and of a long one."""
BEGUN, TIMED = 500, 5000
"""Items that are not timed, and that are."""
SIZES = (100, 1_000, 10_000, 100_000)
WORKERS = {"one": (1, None), "two": (2, None), "ray": (2, "local")}


def usage() -> tuple[float, float]:
    """Processor seconds of this process and of its ended children, and the peak of memory of the largest in MB."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both), max(one.ru_maxrss for one in both) / 1024


def job(kind: str, source: Path, most: int, executor: Executor) -> dict[str, float]:
    """A job on photographs: seconds of all, and of each once the first are done."""
    from tamis.jobs.collection import segment_collection
    from tamis.jobs.segment import SegmentSettings
    from tamis.personal.retrieval.encoders import load_encoder
    from tamis.personal.retrieval.precompute import precompute
    from tamis.segmentors import load_segmentor

    least, _ = RUNS[kind]
    with tempfile.TemporaryDirectory() as place:
        photos = Path(place, "photos")
        photos.mkdir()
        for number, path in zip(range(most), cycle(sorted(source.glob("*.jpg"))), strict=False):
            (photos / f"{number:04d}.jpg").symlink_to(path)
        start = perf_counter()
        if kind == "segment":
            settings, model = SegmentSettings(), load_segmentor("embedded")
            steps = (
                step.done for step in segment_collection([str(photos)], f"{place}/out", model, settings, executor, 1)
            )
        else:
            encoder = load_encoder("embedded")
            steps = (step.new for step in precompute(str(photos), Path(place, "out"), encoder, executor=executor))
        passed = [(done, perf_counter() - start) for done in steps]
        executor.close()
        seconds = perf_counter() - start
    first, begun = next((done, when) for done, when in passed if done >= least)
    each = (passed[-1][1] - begun) / max(1, most - first)
    return {"seconds": seconds, "each": each, "cpu": usage()[0]}


def tiny(entry: Entry) -> Mapping[str, Any]:
    """The cheapest thing that can be done with an image."""
    with Image.open(io.BytesIO(entry.content())) as picture:
        return {"mean": float(np.asarray(picture).mean())}


def columns() -> Any:
    """Of it."""
    import pyarrow as arrow

    return arrow.schema({"mean": arrow.float64()})


def memory(tar: Path, executor: Executor) -> dict[str, float]:
    """Peaks of memory of a job on all images of a tar, and seconds."""
    start = perf_counter()
    with tempfile.TemporaryDirectory() as out:
        work = Job(tiny, columns, {}, shard=64)
        with closing(write_dataset(work, entries_of(str(tar)), out, executor, [str(tar)])) as steps:
            done = 0
            for step in steps:
                done = step.done
        executor.close()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"images": done, "mb": own, "worker_mb": worker, "seconds": perf_counter() - start}


def overhead(executor: Executor) -> dict[str, float]:
    """Milliseconds for each of many items that take no time, once workers have begun."""
    start = perf_counter()
    passed = []
    with closing(in_order(abs, range(BEGUN + TIMED), executor)) as results:
        for number, _ in enumerate(results):
            if number in (0, BEGUN, BEGUN + TIMED - 1):
                passed.append(perf_counter() - start)
    executor.close()
    return {"ms": (passed[2] - passed[1]) / TIMED * 1000, "start_seconds": passed[0]}


def apart(*arguments: object, threads: int | None = 1) -> dict[str, float]:
    """One measurement in a process of its own."""
    environment = {**os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {})}
    command = [sys.executable, "-m", "benchmarks.scale", "--one", *map(str, arguments)]
    found: dict[str, float] = json.loads(subprocess.check_output(command, env=environment, cwd=ROOT))
    return found


def best(kind: str, photos: Path) -> dict[str, Any]:
    """A job by one worker and by two, in turn."""
    runs: dict[str, list[tuple[float, float, float]]] = {who: [] for who in ("one", "two")}
    for _ in range(REPEATS):
        for who, done in runs.items():
            few, run = (apart(kind, who, photos, count) for count in RUNS[kind])
            done.append((run["seconds"], run["each"], run["cpu"] - few["cpu"]))
    told = {
        who: {
            "seconds": min(run[0] for run in done),
            "seconds_per_image": min(run[1] for run in done),
            "cpu_per_image": min(run[2] for run in done) / (RUNS[kind][1] - RUNS[kind][0]),
        }
        for who, done in runs.items()
    }
    one, two = told["one"], told["two"]
    return {
        **told,
        "ratio": one["seconds_per_image"] / two["seconds_per_image"],
        "ratio_with_start": one["seconds"] / two["seconds"],
        "ratio_of_cpu": 2 * one["cpu_per_image"] / two["cpu_per_image"],
    }


def tar_of(count: int, place: Path) -> Path:
    """A tar of so many images of 16 × 16 pixels."""
    rng = np.random.default_rng(0)
    with tarfile.open(place, "w") as archive:
        for number in range(count):
            content = io.BytesIO()
            Image.fromarray(rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)).save(content, "png")
            member = tarfile.TarInfo(f"{number:06d}.png")
            member.size = content.tell()
            content.seek(0)
            archive.addfile(member, content)
    return place


def main(photos: Path) -> None:
    """Measure all, write the record and the picture; what is in the record already is not measured again."""
    record = ROOT / "benchmarks" / "scale.json"
    told: dict[str, Any] = json.loads(record.read_bytes()) if record.exists() else {}
    told["command"], told["seed"] = ["python", "-m", "benchmarks.scale", "PHOTOS"], 0
    told["environment"], told["photographs"], told["repeats"] = facts(), RUNS, REPEATS

    def keep(name: str, value: Any) -> None:
        told[name] = value
        record.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    if "overhead" not in told:
        keep("overhead", {who: apart("overhead", who) for who in WORKERS})
    for kind in ("segment", "precompute"):
        if kind not in told:
            keep(kind, best(kind, photos))
    if "memory" not in told:
        found: dict[str, list[dict[str, float]]] = {who: [] for who in WORKERS}
        with tempfile.TemporaryDirectory() as place:
            for size in SIZES:
                tar = tar_of(size, Path(place, f"{size}.tar"))
                for who, rows in found.items():
                    rows.append(apart("memory", who, tar))
        keep("memory", found)
    draw(told["memory"])


def draw(found: Mapping[str, list[dict[str, float]]]) -> None:
    """Peaks of memory by the number of images."""
    lines = {}
    for who, name in (("one", "in process"), ("two", "two processes"), ("ray", "Ray")):
        lines[name] = [(float(np.log10(row["images"])), row["mb"]) for row in found[who]]
    lines["one of the two"] = [(float(np.log10(row["images"])), row["worker_mb"]) for row in found["two"]]
    top = max(y for line in lines.values() for _, y in line)
    svg = curves(lines, "images, powers of ten", "peak memory, MB", (0, 1.2 * top))
    write_picture(ROOT / "docs" / "images" / "scale-memory.svg", svg)


def measure_one(what: str, who: str, *more: str) -> dict[str, float]:
    """What `apart` asks for."""
    if who == "one":
        share_cores(1)  # as each of the two
    executor = executor_of(*WORKERS[who])
    if what == "overhead":
        return overhead(executor)
    if what == "memory":
        return memory(Path(more[0]), executor)
    return job(what, Path(more[0]), int(more[1]), executor)


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        print(json.dumps(measure_one(*sys.argv[2:])))
    else:
        main(Path(sys.argv[1]).resolve())

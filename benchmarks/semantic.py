"""The training pipeline and the metric of semantic segmentation, against mmsegmentation's own.

The peer runs in an interpreter of its own, since it wants an older numpy: the environment variable TAMIS_MMSEG_PYTHON
names it. It needs `pip install 'numpy<2' torch mmsegmentation==1.2.2 mmcv-lite==2.1.0 mmengine==0.10.7 ftfy regex`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Finding, measure
from benchmarks.segments import cells, stretched
from benchmarks.timing import Timing
from tamis.semantic.data.class_tables import ade20k
from tamis.semantic.data.dataset import SemanticDataset, read_sample
from tamis.semantic.data.pipeline import TrainTransform, augment, stack
from tamis.semantic.data.transforms import normalise
from tamis.semantic.metrics import confusion, measures, nothing_yet

INTERPRETER = "TAMIS_MMSEG_PYTHON"
N, REPEATS, BATCH, SEEDS = 24, 7, 4, 4
SHAPE = (512, 683)
"""The most frequent size of ADE20K."""

CLASSES = 150


def run(seed: int = 0) -> Finding:
    """Compare the pixels of some passes, then time both."""
    interpreter = os.environ.get(INTERPRETER)
    if not interpreter:
        sys.exit(f"the environment variable {INTERPRETER} must name a Python with mmsegmentation 1.2.2")
    with TemporaryDirectory() as folder, peer(interpreter) as ask:
        root = Path(folder)
        dataset, source = samples(root, seed)
        ask("load", folder=folder)
        compared = sum(same_pixels(dataset, ask, root / "shown.npz", seed + k) for k in range(SEEDS))
        arrays = [read_sample(dataset, index) for index in range(len(dataset))]
        settings = TrainTransform()

        def in_memory(number: int) -> None:
            rng = np.random.default_rng(number)
            for image, label in arrays:
                augment(image, label, settings, rng)

        def from_files(number: int) -> None:
            rng = np.random.default_rng(number)
            for first in range(0, len(dataset), BATCH):
                made = [augment(*read_sample(dataset, first + k), settings, rng) for k in range(BATCH)]
                images, labels = zip(*made, strict=True)
                stack([normalise(image) for image in images], labels, settings.crop)

        in_turn = alternate_with(in_memory, lambda number: ask("transforms", seed=number))
        batches = alternate_with(from_files, lambda number: ask("batches", seed=number, size=BATCH))
        metric = metric_timing(ask, root / "predictions.npz", seed)
    return Finding(
        "semantic",
        "Semantic segmentation: training pipeline and metric",
        f"{N} images of {SHAPE[1]}×{SHAPE[0]}, {source}, labels of up to 40 of 150 classes, crops of 512×512; random "
        "numbers drawn anew by each. Theirs runs in an interpreter of its own with OpenCV 4.11 and numpy 1.26. Times "
        "are those of the processor.",
        f"With their random numbers replayed, {compared} passes give exactly their pixels; mIoU, mAcc and aAcc are the "
        "same to the two decimals that they give.",
        seed,
        ["src/tamis/semantic"],
        ["numpy", "opencv-python-headless"],
        [
            measure(f"training pipeline, {N} images in memory", "mmsegmentation's transforms", in_turn, 2, 4),
            measure(f"{N} files to normalised batches of {BATCH}", "mmsegmentation's pipeline", batches, 1.5, 2),
            measure(f"metric of {N} predictions", "mmsegmentation's IoUMetric", metric, 5, 10),
        ],
    )


Ask = Callable[..., dict[str, Any]]


@contextmanager
def peer(interpreter: str) -> Iterator[Ask]:
    """A process of mmsegmentation that answers requests."""
    program = str(Path(__file__).with_name("semantic_peer.py"))
    with subprocess.Popen(
        [interpreter, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        requests, answers = process.stdin, process.stdout

        def ask(what: str, **arguments: object) -> dict[str, Any]:
            requests.write(json.dumps({"what": what, **arguments}) + "\n")
            requests.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield ask
        requests.close()


class Replay:
    """Gives the random numbers that mmsegmentation drew, in their order."""

    def __init__(self, draws: Sequence[tuple[str, Any]]) -> None:
        self._draws = iter(draws)

    def random(self) -> float:
        """A factor of the size, or the coin of the flip, which mmcv tosses as a choice between a direction and none."""
        name, value = next(self._draws)
        if name == "choice":
            return 0.0 if value else 1.0
        return self._checked(name, "random_sample", float(value))

    def uniform(self, low: float, high: float) -> float:
        """A number between two."""
        name, value = next(self._draws)
        assert low <= value <= high
        return self._checked(name, "uniform", float(value))

    def integers(self, low: int, high: int) -> int:
        """A whole number."""
        name, value = next(self._draws)
        assert low <= value < high
        return int(self._checked(name, "randint", value))

    def ended(self) -> bool:
        """Whether all numbers were used."""
        return next(self._draws, None) is None

    @staticmethod
    def _checked(name: str, expected: str, value: float) -> float:
        if name != expected:
            raise AssertionError(f"the peer drew by {name} where tamis expects {expected}")
        return value


def same_pixels(dataset: SemanticDataset, ask: Ask, shown: Path, seed: int) -> int:
    """Compare a pass of every sample with the peer's; how many there were."""
    drawn = ask("show", seed=seed, out=str(shown))["draws"]
    theirs = np.load(shown)
    for index, draws in enumerate(drawn):
        replay = Replay(draws)
        image, label = augment(*read_sample(dataset, index), TrainTransform(), replay)
        same = np.array_equal(image, theirs[f"image{index}"]) and np.array_equal(label, theirs[f"label{index}"])
        if not same or not replay.ended():
            raise AssertionError(f"sample {index} of seed {seed} differs from mmsegmentation's")
    return len(drawn)


def alternate_with(ours: Callable[[int], object], theirs: Callable[[int], dict[str, Any]]) -> Timing:
    """Time both in turn, each repeat with a seed of its own; theirs says how long it took."""
    ours(REPEATS), theirs(REPEATS)
    timing = Timing([], [])
    for number in range(REPEATS):
        start = process_time()
        ours(number)
        timing.ours.append(process_time() - start)
        timing.theirs.append(theirs(number)["seconds"])
    return timing


def metric_timing(ask: Ask, file: Path, seed: int) -> Timing:
    """Time the metric from a network's arg-max, whole numbers of 64 bits, to the figures."""
    rng = np.random.default_rng(seed)
    labels = np.stack([label_map(rng) - np.uint8(1) for _ in range(N)])
    wrong = rng.random(labels.shape) < 0.3
    predictions = np.where(wrong | (labels == 255), rng.integers(0, CLASSES, labels.shape), labels)
    np.savez(file, predictions=predictions.astype(np.uint8), labels=labels)
    ask("take_predictions", file=str(file), classes=CLASSES)
    figures: dict[str, float] = {}

    def ours(number: int) -> None:
        total = nothing_yet(CLASSES)
        for prediction, label in zip(predictions, labels, strict=True):
            total += confusion(prediction.astype(np.uint8), label, CLASSES)
        found = measures(total)
        figures.update(mIoU=found.miou, mAcc=found.macc, aAcc=found.aacc)

    timing = alternate_with(ours, lambda number: ask("metric"))
    theirs = ask("metric")["figures"]
    if theirs != {name: round(100 * value, 2) for name, value in figures.items()}:
        raise AssertionError(f"the figures differ: {figures}, mmsegmentation's {theirs}")
    return timing


def samples(root: Path, seed: int) -> tuple[SemanticDataset, str]:
    """Images as JPEG and label maps as PNG in a folder, and where the images come from."""
    rng = np.random.default_rng(seed)
    images, source = photographs(rng)
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    pairs = []
    for index, image in enumerate(images):
        pair = root / "images" / f"{index:03}.jpg", root / "labels" / f"{index:03}.png"
        cv2.imwrite(str(pair[0]), image)
        cv2.imwrite(str(pair[1]), label_map(rng))
        pairs.append(pair)
    return SemanticDataset.of_files("ade20k", ade20k(), pairs), source


def photographs(rng: np.random.Generator) -> tuple[list[NDArray[np.uint8]], str]:
    """N images (H, W, 3) uint8 BGR of one size: photographs of COCO where there are some, else scaled noise."""
    folder = Path(os.environ.get("TAMIS_DATA", "")) / "coco128_seg" / "images"
    files = sorted(folder.glob("*.jpg"))[:N] if "TAMIS_DATA" in os.environ else []
    if len(files) == N:
        images = [np.asarray(cv2.imread(str(file)), np.uint8) for file in files]
        source = "photographs of COCO"
    else:
        images = [rng.integers(0, 256, (32, 43, 3), dtype=np.uint8) for _ in range(N)]
        source = "synthetic"
    return [np.asarray(cv2.resize(x, SHAPE[::-1], interpolation=cv2.INTER_CUBIC), np.uint8) for x in images], source


def label_map(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W) uint8, 0 to 150: ragged cells, each with one of the values."""
    places = stretched(cells(rng), SHAPE)
    values = rng.integers(0, CLASSES + 1, int(places.max()) + 1)
    return np.asarray(values[places], dtype=np.uint8)

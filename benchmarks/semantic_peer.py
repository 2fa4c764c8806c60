"""mmsegmentation's transforms and metric as a program of their own, in an interpreter where they are installed.

Run by `benchmarks.semantic`, never imported: it needs mmsegmentation 1.2.2, mmcv-lite 2.1.0 and mmengine 0.10.7, which
want numpy below 2. Each line on standard input is a request in JSON; each line on standard output is its answer.
"""

# mypy: ignore-errors
# ruff: noqa: NPY002, E402

import json
import sys
import types
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import torch

ANSWERS, sys.stdout = sys.stdout, sys.stderr  # mmengine's loggers talk, and keep what is standard output on import
cv2.setNumThreads(1)
torch.set_num_threads(1)


class CompiledOperators(types.ModuleType):
    """Stands for mmcv's compiled operators, which mmcv-lite leaves out: mmseg names them, nothing here runs them."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for name in ("mmcv.ops", "mmcv._ext"):
    sys.modules[name] = CompiledOperators(name)

from mmcv.transforms import Compose, LoadImageFromFile, RandomFlip, RandomResize
from mmengine.structures import PixelData
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs, PhotoMetricDistortion, RandomCrop
from mmseg.evaluation.metrics import IoUMetric
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

register_all_modules()

LOADING = [LoadImageFromFile(), LoadAnnotations(reduce_zero_label=True)]
TRANSFORMS = [
    RandomResize(scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    RandomCrop(crop_size=(512, 512), cat_max_ratio=0.75),
    RandomFlip(prob=0.5),
    PhotoMetricDistortion(),
]
IN_MEMORY = Compose(TRANSFORMS)
FROM_FILES = Compose([*LOADING, *TRANSFORMS, PackSegInputs()])
PREPROCESS = SegDataPreProcessor(
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255,
    size=(512, 512),
)


class Recorder:
    """Writes down what numpy's global generator gives, in order."""

    NAMES = ("random_sample", "randint", "uniform", "choice")

    def __init__(self):
        self.draws = []
        self.originals = {name: getattr(np.random, name) for name in self.NAMES}

    def __enter__(self):
        for name, original in self.originals.items():
            setattr(np.random, name, self._recording(name, original))
        return self

    def __exit__(self, *exception):
        for name, original in self.originals.items():
            setattr(np.random, name, original)

    def _recording(self, name, original):
        def record(*arguments, **options):
            value = original(*arguments, **options)
            self.draws.append([name, value.item() if hasattr(value, "item") else value])
            return value

        return record


class Peer:
    """Holds the samples between requests."""

    def load(self, folder):
        """Take the images and labels of a folder."""
        folder = Path(folder)
        images = sorted((folder / "images").iterdir())
        self.files = [(str(path), str(folder / "labels" / f"{path.stem}.png")) for path in images]
        self.arrays = []
        for files in self.files:
            results = self._described(files)
            for step in LOADING:
                results = step(results)
            self.arrays.append(results)
        return {"samples": len(self.files)}

    def show(self, seed, out):
        """Transform every sample once; writes what came out, and answers with what was drawn."""
        np.random.seed(seed)
        draws, arrays = [], {}
        for number, results in enumerate(self._fresh()):
            with Recorder() as recorder:
                results = IN_MEMORY(results)
            draws.append(recorder.draws)
            arrays[f"image{number}"], arrays[f"label{number}"] = results["img"], results["gt_seg_map"]
        np.savez(out, **arrays)
        return {"draws": draws}

    def transforms(self, seed):
        """Seconds for all samples, from arrays to arrays."""
        np.random.seed(seed)
        samples = self._fresh()
        start = process_time()
        for results in samples:
            IN_MEMORY(results)
        return {"seconds": process_time() - start}

    def batches(self, seed, size):
        """Seconds for all samples, from files to normalised batches."""
        np.random.seed(seed)
        start = process_time()
        for first in range(0, len(self.files), size):
            packed = [FROM_FILES(self._described(files)) for files in self.files[first : first + size]]
            PREPROCESS({key: [sample[key] for sample in packed] for key in packed[0]}, training=True)
        return {"seconds": process_time() - start}

    def take_predictions(self, file, classes):
        """Keep predictions and labels, as the tensors that a network and the pipeline give."""
        content = np.load(file)
        self.predicted = []
        for prediction, label in zip(content["predictions"], content["labels"], strict=True):
            sample = SegDataSample()
            sample.pred_sem_seg = PixelData(data=torch.from_numpy(prediction.astype(np.int64))[None])
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(label.astype(np.int64))[None])
            self.predicted.append(sample.to_dict())
        self.classes = [str(number) for number in range(classes)]
        return {"samples": len(self.predicted)}

    def metric(self):
        """Seconds for all predictions, and the figures."""
        metric = IoUMetric(iou_metrics=["mIoU"])
        metric.dataset_meta = {"classes": self.classes}
        start = process_time()
        metric.process({}, self.predicted)
        figures = metric.compute_metrics(metric.results)
        return {"seconds": process_time() - start, "figures": {key: float(value) for key, value in figures.items()}}

    @staticmethod
    def _described(files):
        return {"img_path": files[0], "seg_map_path": files[1], "reduce_zero_label": True, "seg_fields": []}

    def _fresh(self):
        """Copies, since the transforms change what they are given."""
        return [
            {**sample, "img": sample["img"].copy(), "seg_fields": [*sample["seg_fields"]]} for sample in self.arrays
        ]


def main():
    """Answer requests until there are no more."""
    peer = Peer()
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(peer, request.pop("what"))(**request)
        print(json.dumps(answer), file=ANSWERS, flush=True)


if __name__ == "__main__":
    main()

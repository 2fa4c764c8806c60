"""COCO's compressed run lengths: writing and reading, against pycocotools."""

import numpy as np
from pycocotools import mask as pycocotools

from benchmarks.report import Finding, measure
from benchmarks.segments import overlapping_masks
from benchmarks.timing import alternate
from tamis.mask import Masks

N, REPEATS = 200, 7


def run(seed: int = 0) -> Finding:
    """Time both directions; the peer also from the column-major masks that it wants."""
    dense, source = overlapping_masks(N, seed)
    columns = [np.asfortranarray(mask.view(np.uint8)) for mask in dense]
    rles = [pycocotools.encode(mask) for mask in columns]
    if Masks.from_dense(dense).coco() != rles or not np.array_equal(Masks.from_coco(rles).dense(), dense):
        raise AssertionError("the compressed run lengths differ from pycocotools'")
    encode = alternate(
        lambda: Masks.from_dense(dense).coco(),
        lambda: [pycocotools.encode(np.asfortranarray(mask.view(np.uint8))) for mask in dense],
        REPEATS,
    )
    encode_columns = alternate(
        lambda: Masks.from_dense(dense).coco(), lambda: [pycocotools.encode(mask) for mask in columns], REPEATS
    )
    decode = alternate(
        lambda: sum(mask[0, 0] for mask in Masks.from_coco(rles)),
        lambda: sum(pycocotools.decode(rle)[0, 0] for rle in rles),
        REPEATS,
    )
    return Finding(
        "rle",
        "COCO run lengths",
        f"{N} masks of {dense.shape[2]}×{dense.shape[1]}, {source}.",
        "The compressed strings are the same byte for byte, and so are the masks read back.",
        seed,
        ["src/tamis/mask"],
        ["numpy", "pycocotools"],
        [
            measure("dense to compressed", "pycocotools encode of row-major masks", encode, 1, 1),
            measure("dense to compressed", "pycocotools encode of column-major masks", encode_columns, 1, 1),
            measure("compressed to dense, one by one", "pycocotools decode", decode, 1, 1),
        ],
    )

"""IoU of all pairs of masks, against pycocotools."""

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as pycocotools

from benchmarks.report import Finding, measure
from benchmarks.segments import overlapping_masks
from benchmarks.timing import alternate
from tamis.mask import Masks, iou_matrix

N, REPEATS = 1024, 5


def run(seed: int = 0) -> Finding:
    """Time all pairs from run lengths on, and from dense masks on."""
    dense, source = overlapping_masks(N, seed)
    masks = Masks.from_dense(dense)
    rles = encoded(dense)
    difference = np.abs(iou_matrix(masks) - pycocotools.iou(rles, rles, [0] * N)).max()
    if not difference <= 1e-12:
        raise AssertionError(f"IoU differs from pycocotools' by {difference}")
    from_runs = alternate(lambda: iou_matrix(masks), lambda: pycocotools.iou(rles, rles, [0] * N), REPEATS)

    def theirs_from_dense() -> NDArray[np.float64]:
        rles = encoded(dense)
        iou: NDArray[np.float64] = pycocotools.iou(rles, rles, [0] * N)
        return iou

    from_dense = alternate(lambda: iou_matrix(Masks.from_dense(dense)), theirs_from_dense, REPEATS)
    return Finding(
        "mask_iou",
        f"IoU of all pairs of {N:,} masks",
        f"{N:,} masks of {dense.shape[2]}×{dense.shape[1]}, {source}.",
        f"Each pair's IoU is the same up to {difference:.0e}."
        if difference
        else "Each pair's IoU is exactly the same.",
        seed,
        ["src/tamis/mask"],
        ["numpy", "pycocotools"],
        [
            measure("from run lengths", "pycocotools iou", from_runs, 10, 10),
            measure("from dense masks", "pycocotools encode and iou", from_dense, 10, 10),
        ],
    )


def encoded(dense: NDArray[np.bool_]) -> list[dict[str, object]]:
    """The masks as pycocotools packs them."""
    return [pycocotools.encode(np.asfortranarray(mask.view(np.uint8))) for mask in dense]

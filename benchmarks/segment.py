"""All masks of a photograph by the model in the box, against SAM ViT-B's network and against felzenszwalb.

SAM runs with random weights, which cost the same time as trained ones, and only its network is timed: the encoder and
sixteen decodings of 64 clicks to masks of 256 × 256, nothing of its generator after that. Needs
`pip install transformers` besides what the tests need.
"""

import sys
from collections.abc import Callable
from statistics import mean
from time import perf_counter

import numpy as np

from benchmarks.report import Finding, measure
from benchmarks.sam_vit_b import BATCH, SHAPE
from benchmarks.timing import Timing, alternate, best_of
from tamis.arrays import ImageArray
from tamis.proposals import grid_proposals
from tamis.regions.edge_tree import edge_nodes
from tamis.regions.encoded import EncodedRegions
from tamis.regions.features import summarise
from tamis.regions.oversegmentation import small_regions
from tamis.segmentors import load_segmentor
from tamis.segmentors.embedded.model import region_answers
from tamis.segmentors.embedded.pixel_network import pixel_maps
from tamis.segmentors.embedded.sizes import working_shape


def run(seed: int = 0) -> Finding:
    """Time a photograph enlarged to one megapixel."""
    import cv2
    from skimage import data
    from skimage.segmentation import felzenszwalb

    height, width = SHAPE
    photograph = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    image: ImageArray = np.asarray(cv2.resize(photograph, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    segmentor = load_segmentor("embedded")

    def ours() -> object:
        return grid_proposals(segmentor.encode(image))

    everything = "encoding, a click in every region, masks that differ, as run lengths"
    return Finding(
        "segment",
        "All masks of a photograph",
        f"A photograph of {width}×{height}. Ours is all that `tamis segment` does between reading and writing: "
        f"{everything}. Of SAM the network alone is timed, with random weights: once, between five and five of ours, "
        "whose mean is taken.",
        "The times are compared, not the masks: those of random weights mean nothing.",
        seed,
        ["src/tamis/segmentors", "src/tamis/proposals", "src/tamis/mask"],
        ["numpy", "onnxruntime", "scikit-image", "torch", "transformers"],
        [
            measure("all masks", "SAM ViT-B, 1,024 clicks", _around(ours, _sam(seed)), 300, 600),
            measure(
                "all masks",
                "felzenszwalb at full size",
                alternate(ours, lambda: felzenszwalb(image, scale=20, sigma=0.6, min_size=20), 5),
                1 / 3,
                1 / 3,
            ),
        ],
        _parts(image),
    )


def _parts(image: ImageArray) -> dict[str, float]:
    """Seconds of each step of encoding, and of what comes after."""
    import cv2

    height, width = working_shape((image.shape[0], image.shape[1]))
    small: ImageArray = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    region_map, maps = small_regions(small), pixel_maps(small)
    edges = edge_nodes(region_map, maps.edges)
    summary = summarise(small, region_map, maps, edges)
    answers, ratings = region_answers(summary)

    def encoded() -> EncodedRegions:
        return EncodedRegions(image, region_map, answers, summary.features, ratings)

    ready = encoded()
    ready.fine_map  # noqa: B018  # made when first asked for
    return {
        "the network over pixels": best_of(lambda: pixel_maps(small)),
        "cutting the image into regions": best_of(lambda: small_regions(small)),
        "the tree of edges": best_of(lambda: edge_nodes(region_map, maps.edges)),
        "pooling over regions and the tree of boundaries": best_of(lambda: summarise(small, region_map, maps, edges)),
        "the network over regions": best_of(lambda: region_answers(summary)),
        "borders at full size": best_of(lambda: encoded().fine_map),
        "clicks, suppression, run lengths": best_of(lambda: grid_proposals(ready)),
    }


def _around(ours: Callable[[], object], theirs: Callable[[], object], times: int = 5) -> Timing:
    """Theirs once, which takes minutes, and the mean of ours as often before and after, whatever the load is then."""
    ours()
    runs = []
    for program in [ours] * times + [theirs] + [ours] * times:
        start = perf_counter()
        program()
        runs.append(perf_counter() - start)
    return Timing([mean(runs[:times] + runs[times + 1 :])], [runs[times]])


def _sam(seed: int) -> Callable[[], object]:
    """SAM's encoder once and its decoder for 1,024 clicks."""
    try:
        import torch
        from transformers import SamConfig, SamModel
    except ImportError as error:
        sys.exit(f"the benchmark segment needs {error.name}: run pip install transformers")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = SamModel(SamConfig()).eval()
    pixels, grid = torch.randn(1, 3, 1024, 1024), torch.rand(1, 1024, 1, 2) * 1024

    def everything() -> None:
        with torch.no_grad():
            embedding = model.get_image_embeddings(pixels)
            for first in range(0, 1024, BATCH):
                points = grid[:, first : first + BATCH]
                model(image_embeddings=embedding, input_points=points, multimask_output=True)

    return everything

"""Encoding, one click and a thousand clicks of the model in the box, against SAM ViT-B on the same processor.

SAM runs with random weights, which cost the same time as trained ones: its masks are not looked at. Needs
`pip install transformers` besides what the tests need.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.report import Finding, measure
from benchmarks.timing import alternate
from tamis.clicks import Click, grid_clicks
from tamis.segmentors import load_segmentor

SHAPE = (853, 1229)
"""One megapixel."""

BATCH = 64
"""Clicks that SAM's own generator decodes at a time."""


def run(seed: int = 0) -> Finding:
    """Time a photograph enlarged to one megapixel."""
    import cv2
    from skimage import data

    height, width = SHAPE
    photograph = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    image = np.asarray(cv2.resize(photograph, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    segmentor = load_segmentor("embedded")
    encoded = segmentor.encode(image)
    click, grid = Click(width / 2, height / 3), grid_clicks(32, SHAPE)
    encoded.probability([click])
    sam_encode, sam_click, sam_grid = _sam(image, seed)
    return Finding(
        "sam_vit_b",
        "The model in the box against SAM ViT-B",
        f"A photograph of {width}×{height}. SAM has random weights, and decodes to masks of the photograph's size, "
        f"{BATCH} clicks at a time.",
        "The times are compared, not the masks: those of random weights mean nothing.",
        seed,
        ["src/tamis/segmentors"],
        ["numpy", "onnxruntime", "torch", "transformers"],
        [
            measure(
                "encode", "SAM ViT-B's encoder", alternate(lambda: segmentor.encode(image), sam_encode, 2), 60, 150
            ),
            measure(
                "one click", "its decoder", alternate(lambda: encoded.probability([click]), sam_click, 5), 100, 1000
            ),
            measure(
                "the answers to 1,024 clicks",
                "its decoder",
                alternate(
                    lambda: [encoded.probabilities(grid[i : i + BATCH]) for i in range(0, 1024, BATCH)], sam_grid, 1
                ),
                1000,
                1000,
            ),
        ],
    )


def _sam(image: np.ndarray[Any, np.dtype[np.uint8]], seed: int) -> tuple[Callable[[], object], ...]:
    """SAM's encoder on the image, one click decoded to full size, and 1,024 of them."""
    try:
        import torch
        from transformers import SamConfig, SamModel
    except ImportError as error:
        sys.exit(f"the benchmark sam_vit_b needs {error.name}: run pip install transformers")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = SamModel(SamConfig()).eval()
    pixels = torch.randn(1, 3, 1024, 1024)

    def decode(points: Any) -> object:
        with torch.no_grad():
            low = model(image_embeddings=embedding, input_points=points, multimask_output=True).pred_masks
            square = torch.nn.functional.interpolate(low[0], (1024, 1024), mode="bilinear")
            height, width = image.shape[:2]
            inside = square[:, :, : round(1024 * height / width)]
            return torch.nn.functional.interpolate(inside, (height, width), mode="bilinear") > 0

    def encode() -> Any:
        with torch.no_grad():
            return model.get_image_embeddings(pixels)

    embedding = encode()
    one = torch.tensor([[[[500.0, 300.0]]]])
    grid = torch.rand(1, 1024, 1, 2) * 1024
    return encode, lambda: decode(one), lambda: [decode(grid[:, i : i + BATCH]) for i in range(0, 1024, BATCH)]

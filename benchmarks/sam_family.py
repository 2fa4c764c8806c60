"""Encoding, one click and 64 clicks of the model in the box, against each architecture of the SAM family.

All run on the processor, through the same protocol. The networks have random weights, which cost the same time as
trained ones: their masks are not looked at. Needs `pip install 'tamis[hub]'`, and timm and torchvision for EdgeTAM,
which is left out without them.
"""

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.report import Finding, Measure, measure
from benchmarks.timing import alternate
from tamis.arrays import ImageArray
from tamis.clicks import Click, grid_clicks
from tamis.segmentors import load_segmentor
from tamis.segmentors.sam.catalogue import FAMILIES
from tamis.segmentors.sam.promptable import EncodedPresence, EncodedPrompts, Promptable

SHAPE = (853, 1229)
"""One megapixel."""

_HIERA_BASE_PLUS = {
    "model_type": "sam2_hiera_det_model",
    "hidden_size": 112,
    "num_attention_heads": 2,
    "blocks_per_stage": [2, 3, 16, 3],
    "embed_dim_per_stage": [112, 224, 448, 896],
    "num_attention_heads_per_stage": [2, 4, 8, 16],
    "window_size_per_stage": [8, 4, 14, 7],
    "global_attention_blocks": [12, 16, 20],
    "window_positional_embedding_background_size": [14, 14],
}

ARCHITECTURES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "SAM ViT-B": ("sam", "SamConfig", {}),
    "SAM-HQ ViT-B": ("sam-hq", "SamHQConfig", {}),
    "SAM 2.1 tiny": ("sam2.1", "Sam2Config", {}),
    "SAM 2.1 base+": (
        "sam2.1",
        "Sam2Config",
        {"vision_config": {"backbone_config": _HIERA_BASE_PLUS, "backbone_channel_list": [896, 448, 224, 112]}},
    ),
    "EdgeTAM": ("edgetam", "EdgeTamConfig", {}),
    "SAM 3 tracker": ("sam3", "Sam3TrackerConfig", {}),
}
"""Family, configuration class and what differs from its defaults, which are the smallest released size."""


def run(seed: int = 0) -> Finding:
    """Time a photograph enlarged to one megapixel."""
    import cv2
    from skimage import data

    height, width = SHAPE
    photograph = np.asarray(data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    image = np.asarray(cv2.resize(photograph, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    ours = load_segmentor("embedded")
    encoded = ours.encode(image)
    click, grid = [Click(width / 2, height / 3)], grid_clicks(8, SHAPE)
    encoded.probability(click)
    rows: list[Measure] = []
    for name in ARCHITECTURES:
        if name == "EdgeTAM" and (find_spec("timm") is None or find_spec("torchvision") is None):
            continue
        theirs = _segmentor(name, seed)
        peer = theirs.encode(image)
        print(f"sam_family: {name}", file=sys.stderr, flush=True)
        rows += [
            measure("encode", name, _once(ours.encode, theirs.encode, image), 1, 60),
            measure("one click", name, alternate(lambda: encoded.probability(click), _bound(peer, click), 3), 1, 50),
            measure(
                "64 clicks, each alone",
                name,
                alternate(lambda: encoded.probabilities(grid), _each(peer, grid), 1),
                1,
                500,
            ),
        ]
        del theirs, peer
    return Finding(
        "sam_family",
        "The model in the box against the SAM family",
        f"A photograph of {width}×{height}. One click is answered at the photograph's size, 64 clicks at each model's "
        "own. The family has random weights.",
        "The times are compared, not the masks: those of random weights mean nothing.",
        seed,
        ["src/tamis/segmentors"],
        ["numpy", "onnxruntime", "torch", "transformers"],
        rows,
    )


def _once(ours: Callable[[ImageArray], object], theirs: Callable[[ImageArray], object], image: ImageArray) -> Any:
    return alternate(lambda: ours(image), lambda: theirs(image), 1)


def _bound(peer: EncodedPrompts, clicks: list[Click]) -> Callable[[], object]:
    return lambda: peer.probability(clicks)


def _each(peer: EncodedPrompts, clicks: list[Click]) -> Callable[[], object]:
    return lambda: peer.probabilities(clicks)


def _segmentor(name: str, seed: int) -> Promptable:
    """A segmentor of the architecture's real size with random weights, built as `load` builds it from files."""
    try:
        import torch
        import transformers

        from tamis.segmentors.sam.torch_model import TorchModel
    except ImportError as error:
        sys.exit(f"the benchmark sam_family needs {error.name}: run pip install 'tamis[hub]'")
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    family, config, changes = ARCHITECTURES[name]
    network = getattr(transformers, FAMILIES[family].network)(getattr(transformers, config)(**changes)).eval()
    model = TorchModel(network, torch.device("cpu"), torch.float32)
    encoded = EncodedPresence if model.says_presence else EncodedPrompts
    return Promptable(name, model, FAMILIES[family].geometry(model.side), encoded, "", "")

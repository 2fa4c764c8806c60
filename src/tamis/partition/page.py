"""A page with one slider: an image in as few or as many regions as one likes."""

import base64
import io
import json
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tamis.arrays import ImageArray
from tamis.partition.nested import Partitions

LARGEST = 1200
"""Pixels on the long side of the picture in the page."""

_BODY = Template("""
<p><label>Regions <input id="count" type="range" min="1" max="$most" value="$first" style="width:min(60vw,700px)">
<output id="said"></output></label>
&ensp;<label><input id="flat" type="checkbox" checked> mean colours</label></p>
<canvas id="picture" style="max-width:100%;border-radius:4px"></canvas>
<script type="application/json" id="data">$data</script>
<script type="module">
$script</script>
""")


def detail_slider(image: ImageArray, partitions: Partitions, first: int) -> str:
    """HTML that holds everything it needs: the image, its superpixels, and the splits from one level to the next.

    Args:
        image: (H, W, 3) uint8 RGB.
        partitions: of it.
        first: regions shown before the slider is moved.
    """
    labels = _fitting(partitions.superpixels.labels)
    rows, columns = (np.arange(n) * full // n for n, full in zip(labels.shape, image.shape[:2], strict=True))
    areas = partitions.superpixels.areas
    flat = partitions.superpixels.labels.ravel()
    colours = np.stack([np.bincount(flat, image[..., c].ravel()) for c in range(3)], axis=1) / areas[:, None]
    low_high = np.stack([labels & 255, labels >> 8, np.zeros_like(labels)], axis=2).astype(np.uint8)
    data: dict[str, Any] = {
        "photo": _data_address(np.ascontiguousarray(image[np.ix_(rows, columns)]), "JPEG"),
        "labels": _data_address(low_high, "PNG"),
        "areas": areas.tolist(),
        "colours": colours.round().astype(int).tolist(),
        "splits": [
            np.flatnonzero(after != before).tolist()
            for before, after in zip(partitions.levels[:-1], partitions.levels[1:], strict=True)
        ],
    }
    script = files("tamis.partition").joinpath("web", "slider.js").read_text(encoding="utf-8")
    return _BODY.substitute(most=len(partitions.levels), first=first, data=json.dumps(data), script=script)


def _fitting(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Labels with at most LARGEST pixels on the long side, every one that of a pixel of the original."""
    scale = min(1.0, LARGEST / max(labels.shape))
    height, width = (max(1, round(side * scale)) for side in labels.shape)
    rows, columns = np.arange(height) * labels.shape[0] // height, np.arange(width) * labels.shape[1] // width
    return labels[np.ix_(rows, columns)]


def _data_address(pixels: NDArray[np.uint8], form: str) -> str:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, form)
    return f"data:image/{form.lower()};base64,{base64.b64encode(content.getvalue()).decode()}"

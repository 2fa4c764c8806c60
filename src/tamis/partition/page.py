"""A page with one slider: an image in as few or as many regions as one likes."""

import base64
import io
import json
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
<script>
const data = $data;
const load = source => new Promise(done => {
  const image = new Image();
  image.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), {width: image.width, height: image.height});
    const context = canvas.getContext("2d", {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    done(context.getImageData(0, 0, image.width, image.height));
  };
  image.src = source;
});
// Region of every superpixel in the partition into `count`: split k gives some superpixels the number k.
function regionsAt(count) {
  const region = new Uint16Array(data.areas.length);
  for (let k = 1; k < count; k++) for (const piece of data.splits[k - 1]) region[piece] = k;
  return region;
}
function coloursOf(region, count) {
  const sums = new Float64Array(4 * count);
  region.forEach((r, piece) => {
    const area = data.areas[piece];
    for (let c = 0; c < 3; c++) sums[4 * r + c] += area * data.colours[piece][c];
    sums[4 * r + 3] += area;
  });
  return sums.map((value, i) => (i % 4 === 3 ? value : value / sums[i - (i % 4) + 3]));
}
Promise.all([load(data.photo), load(data.labels)]).then(([photo, labels]) => {
  const {width, height} = labels;
  const canvas = Object.assign(document.getElementById("picture"), {width, height});
  const context = canvas.getContext("2d");
  const slider = document.getElementById("count"), flat = document.getElementById("flat");
  const shown = context.createImageData(width, height), at = new Uint16Array(width * height);
  function draw() {
    const count = Number(slider.value), region = regionsAt(count), colours = coloursOf(region, count);
    document.getElementById("said").textContent = count;
    for (let i = 0; i < at.length; i++) at[i] = region[labels.data[4 * i] + 256 * labels.data[4 * i + 1]];
    for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) {
      const edge = (x + 1 < width && at[i] !== at[i + 1]) || (y + 1 < height && at[i] !== at[i + width]);
      for (let c = 0; c < 3; c++)
        shown.data[4 * i + c] = edge ? 255 : flat.checked ? colours[4 * at[i] + c] : photo.data[4 * i + c];
      shown.data[4 * i + 3] = 255;
    }
    context.putImageData(shown, 0, 0);
  }
  slider.oninput = flat.onchange = draw;
  draw();
});
</script>
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
    return _BODY.substitute(most=len(partitions.levels), first=first, data=json.dumps(data))


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

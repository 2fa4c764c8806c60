"""One click, one mask: `python examples/one_click.py photo.jpg 320 240 mask.png`."""

import sys

import tamis
from tamis.image import write_image

path, x, y, out = sys.argv[1:]
encoded = tamis.load_segmentor().encode(tamis.read_image(path))
mask = encoded.probability([tamis.Click(float(x), float(y))]) > 0.5
write_image(out, mask)
print(f"{mask.sum()} pixels in {out}")

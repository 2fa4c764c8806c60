"""One click, one mask: `python examples/one_click.py photo.jpg 320 240 mask.png`."""

import sys

import tamis

path, x, y, out = sys.argv[1:]
mask = tamis.load().encode(path).predict([(float(x), float(y))]).mask
tamis.write_image(out, mask)
print(f"{mask.sum()} pixels in {out}")

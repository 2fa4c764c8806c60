"""A program for SAM's predictor over any segmentor: `python examples/sam_predictor.py photo.jpg 320 240 mask.png`."""

import sys

import numpy as np

import tamis
from tamis.compat import SamPredictor
from tamis.image import write_image

path, x, y, out = sys.argv[1:5]
predictor = SamPredictor(tamis.load(*sys.argv[5:6]))
predictor.set_image(tamis.read_image(path))
masks, scores, logits = predictor.predict(
    point_coords=np.array([[float(x), float(y)]]), point_labels=np.array([1]), multimask_output=True
)
best = int(np.argmax(scores))
write_image(out, masks[best])
print(f"{len(masks)} masks; the best has {masks[best].sum()} pixels and a predicted IoU of {scores[best]:.2f}")

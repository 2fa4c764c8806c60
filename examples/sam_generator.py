"""A program for SAM's mask generator over any segmentor: `python examples/sam_generator.py photo.jpg masks.json`."""

import json
import sys
from pathlib import Path

import tamis
from tamis.compat import SamAutomaticMaskGenerator

path, out = sys.argv[1:3]
segmentor = tamis.load(*sys.argv[3:4])
generator = SamAutomaticMaskGenerator(segmentor, points_per_side=16, pred_iou_thresh=0.7, output_mode="coco_rle")
records = generator.generate(tamis.read_image(path))
Path(out).write_text(json.dumps(records))
print(f"{len(records)} masks, the largest of {max((record['area'] for record in records), default=0)} pixels")

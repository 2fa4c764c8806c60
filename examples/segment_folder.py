"""All masks of all images of a folder: `python examples/segment_folder.py photos/ masks/`."""

import sys
from pathlib import Path

import tamis
from tamis.image import find_images
from tamis.jobs.segment import segment_images

folder, out = sys.argv[1:]
for outcome in segment_images(find_images([folder]), Path(out), tamis.load_segmentor()):
    print(f"{outcome.path.name}: {outcome.error or f'{outcome.masks} masks'}")

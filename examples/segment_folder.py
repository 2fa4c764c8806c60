"""All masks of all images of a folder: `python examples/segment_folder.py photos/ masks/`."""

import sys

import tamis

folder, out = sys.argv[1:]
for outcome in tamis.segment(folder, out):
    print(f"{outcome.path.name}: {outcome.error or f'{outcome.masks} masks'}")

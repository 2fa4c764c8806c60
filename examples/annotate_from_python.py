"""Read what people drew on a folder of images: python annotate_from_python.py FOLDER."""

import sys

from tamis.annotation import open_project

for image in open_project(sys.argv[1]).images():
    print(image.name, image.state, list(zip(image.labels, image.masks.areas.tolist(), strict=True)))

"""Read what people drew on a folder of images: python annotate_from_python.py FOLDER."""

import sys

import tamis

with tamis.open_project(sys.argv[1]) as project:
    for image in project.images():
        print(image.name, image.state, list(zip(image.labels, image.masks.areas.tolist(), strict=True)))

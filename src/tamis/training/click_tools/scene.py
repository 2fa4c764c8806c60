"""An image with all of its objects, as the sampler of clicks sees it: label maps in layers, and a tree of parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tamis.arrays import ImageArray, MaskArray
from tamis.datasets.layers import Layers

LayerMap = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Node:
    """One object.

    Attributes:
        layer: whose map holds it.
        label: in that map.
        parent: the number of the object that it is a part of; None for a root, which alone are targets.
    """

    layer: int
    label: int
    parent: int | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """An image and its objects.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        layers: (H, W) int32 label maps, 0 for none; objects of one layer do not overlap.
        objects: by their numbers.
        unknown: (H, W) bool, pixels of which nothing is known; None where there are none.
    """

    image: ImageArray
    layers: tuple[LayerMap, ...]
    objects: dict[int, Node]
    unknown: MaskArray | None = None

    @property
    def roots(self) -> list[int]:
        """Objects that are no part of another: the targets."""
        return [number for number, node in self.objects.items() if node.parent is None]

    def mask(self, number: int) -> MaskArray:
        """(H, W) bool of an object."""
        node = self.objects[number]
        return np.asarray(self.layers[node.layer] == node.label)

    def background(self) -> MaskArray:
        """(H, W) bool: where no layer has a label."""
        if not self.layers:
            return np.ones(self.image.shape[:2], bool)
        empty: MaskArray = np.logical_and.reduce([layer == 0 for layer in self.layers])
        return empty

    def without_small(self, least: int) -> "Scene":
        """Without objects of fewer pixels; the parts of one that goes hang on its parent.

        Their labels stay in the maps, as in SegNext: for negative clicks they are still something else.
        """
        counts = [np.bincount(layer.ravel()) for layer in self.layers]
        objects = dict(self.objects)
        for number, node in self.objects.items():
            of_layer = counts[node.layer]
            if node.label >= len(of_layer) or of_layer[node.label] < least:
                objects = _removed(objects, number)
        return replace(self, objects=objects)

    def around(self, row: int, column: int) -> Iterator[MaskArray]:
        """(H, W) bool of every object that holds a pixel, parts and wholes."""
        for number, node in self.objects.items():
            if self.layers[node.layer][row, column] == node.label:
                yield self.mask(number)


def _removed(objects: dict[int, Node], gone: int) -> dict[int, Node]:
    parent = objects[gone].parent
    return {
        number: replace(node, parent=parent) if node.parent == gone else node
        for number, node in objects.items()
        if number != gone
    }


def layered_scene(image: ImageArray, layers: Layers, parents: dict[int, int | None], stuff: bool) -> Scene:
    """The scene of an image of COCO+LVIS.

    Source: SegNext, segnext/isegm/data/datasets/coco_lvis.py.

    Args:
        image: (H, W, 3) uint8 RGB.
        layers: all of its masks; those that `parents` does not name are stuff.
        parents: of every thing, the thing that it is a part of.
        stuff: whether stuff becomes further roots, or is taken out of the maps.
    """
    maps = [layer.astype(np.int32) for layer in layers.maps]
    objects = {}
    for number, (layer, label) in enumerate(layers.mapping):
        if number in parents:
            objects[number] = Node(layer, label, parents[number])
        elif stuff:
            objects[number] = Node(layer, label)
        else:
            maps[layer][maps[layer] == label] = 0
    return Scene(image, tuple(maps), objects)


def packed_scene(image: ImageArray, masks: Sequence[MaskArray], unknown: MaskArray | None = None) -> Scene:
    """The scene of any image with masks, each a root; masks that do not overlap share a layer.

    Args:
        image: (H, W, 3) uint8 RGB.
        masks: (H, W) bool each; empty ones are left out.
        unknown: (H, W) bool, pixels that do not count.
    """
    maps: list[LayerMap] = []
    objects = {}
    for number, mask in enumerate(masks):
        if not mask.any():
            continue
        place = next((i for i, layer in enumerate(maps) if not layer[mask].any()), None)
        if place is None:
            maps.append(np.zeros(mask.shape, np.int32))
            place = len(maps) - 1
        maps[place][mask] = number + 1
        objects[number] = Node(place, number + 1)
    return Scene(image, tuple(maps), objects, unknown)

"""Images that are ready to be clicked, what an assistant sees of them, and the masks that are wanted."""

import numpy as np

from tamis.annotation.assistant.concept import RegionView
from tamis.arrays import MaskArray
from tamis.datasets.protocol import Dataset, Sample
from tamis.errors import InputError
from tamis.regions.protocol import AnswersByRegion
from tamis.results.run import file_hash
from tamis.segmentors import EncodedImage, Segmentor
from tamis.segmentors.cache import EncodingCache


class Studio:
    """A dataset before two models, each image encoded once for good.

    Args:
        tool: what is clicked with.
        sight: whose regions the assistant sees; None is the tool.
        dataset: whose images they are.
    """

    def __init__(self, tool: Segmentor, sight: Segmentor | None, dataset: Dataset) -> None:
        self.tool, self.sight, self.dataset = tool, sight or tool, dataset
        self._caches = {id(model): EncodingCache(model) for model in (self.tool, self.sight)}
        self._views: dict[str, RegionView] = {}

    def __reduce__(self) -> tuple[type["Studio"], tuple[Segmentor, Segmentor, Dataset]]:
        """Another process begins with the models alone."""
        return Studio, (self.tool, self.sight, self.dataset)

    def encoded(self, sample: Sample) -> EncodedImage:
        """An image for the tool."""
        return self._encoded(self.tool, sample)

    def seen(self, sample: Sample) -> AnswersByRegion:
        """An image for the assistant.

        Raises:
            InputError: its model has no regions.
        """
        encoded = self._encoded(self.sight, sample)
        if not isinstance(encoded, AnswersByRegion):
            raise InputError(
                f"the assistant sees regions, and the model {self.sight.name!r} has none: name one that answers by "
                "region for it, as --assistant-model embedded"
            )
        return encoded

    def view(self, sample: Sample) -> RegionView:
        """The regions of an image; kept."""
        if sample.name not in self._views:
            self._views[sample.name] = RegionView.of(self.seen(sample))
        return self._views[sample.name]

    def _encoded(self, model: Segmentor, sample: Sample) -> EncodedImage:
        cache = self._caches[id(model)]
        image, digest = sample.image(), file_hash(sample.image_path)
        encoded = cache.load(digest, image)
        if encoded is None:
            encoded = model.encode(image)
            cache.save(digest, encoded)
        return encoded


def wanted_of(sample: Sample) -> MaskArray:
    """(H, W) bool: all masks of an image together, without what is ignored."""
    height, width = sample.image().shape[:2]
    wanted = np.zeros((height, width), bool)
    for target in sample.targets():
        wanted |= target.mask if target.valid is None else target.mask & target.valid
    return wanted

"""What the regions of an image look like, by whatever model tells it."""

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.regions.appearance import Appearance, appearance_by_descriptors
from tamis.segmentors.protocol import AnswersByRegion, DescribesRegions, Segmentor


def appearance_of(image: ImageArray, model: Segmentor) -> Appearance:
    """Encode an image (H, W, 3) uint8 RGB and describe its regions.

    Raises:
        InputError: the array is no such image, or the model does not answer by region.
    """
    if isinstance(model, DescribesRegions):
        return model.appearance(image)
    encoded = model.encode(image)
    if not isinstance(encoded, AnswersByRegion):
        raise InputError(f"the model '{model.name}' has no regions to compare: take one that answers by region")
    return appearance_by_descriptors(encoded)

"""HQSeg44K: one finely outlined object for each image, gathered from several sets.

Layout, order and rule: SegNext, segnext/isegm/data/datasets/hqseg44k.py. HQ-SAM itself takes a grey of the mask above
128 as foreground where SegNext, and this reader, take any above 0: their figures are not on the same masks.
"""

from pathlib import Path

from tamis.datasets.listing import Listing, files_in, pair, together
from tamis.datasets.maskfile import any_channel_target

_THIN = "thin_object_detection"

PARTS = {
    "val": (
        ("DIS5K/DIS-VD/im", "DIS5K/DIS-VD/gt"),
        (f"{_THIN}/ThinObject5K/images_test", f"{_THIN}/ThinObject5K/masks_test"),
        (f"{_THIN}/COIFT/images", f"{_THIN}/COIFT/masks"),
        (f"{_THIN}/HRSOD/images", f"{_THIN}/HRSOD/masks_max255"),
    ),
    "train": (
        ("DIS5K/DIS-TR/im", "DIS5K/DIS-TR/gt"),
        (f"{_THIN}/ThinObject5K/images_train", f"{_THIN}/ThinObject5K/masks_train"),
        *((f"cascade_psp/{name}",) * 2 for name in ("fss_all", "DUTS-TR", "DUTS-TE", "ecssd", "MSRA_10K")),
    ),
}
"""The folders of images and of masks, in the order in which the peers go through them."""


def open_hqseg44k(root: Path, split: str) -> Listing:
    """The parts of a split one after the other; a sample's name begins with the folder of its images."""
    return together((f"{images}/", _part(root / images, root / masks)) for images, masks in PARTS[split])


def _part(image_folder: Path, mask_folder: Path) -> Listing:
    images, masks = files_in(image_folder, {".jpg", ".jpeg"}), files_in(mask_folder, {".png"})
    return pair(images, masks.paths, any_channel_target, masks.repeated)

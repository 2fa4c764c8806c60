"""`SamPredictor` of segment-anything 1.0 over any segmentor."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tamis.clicks import Box, Click
from tamis.compat.prompting import clicks_at, predict_masks
from tamis.errors import InputError
from tamis.image import require_rgb
from tamis.segmentors import EncodedImage, Segmentor
from tamis.segmentors.protocol import HasEmbedding, HasSegmentor, plain


class SamPredictor:
    """Give it an image once, then prompts. Like the original it remembers the image, so each thread needs its own.

    Args:
        model: any model, from `tamis.load`.
    """

    mask_threshold = 0.0

    def __init__(self, model: Segmentor | HasSegmentor) -> None:
        self.model = plain(model)
        self._encoded: EncodedImage | None = None

    def set_image(self, image: NDArray[np.uint8], image_format: Literal["RGB", "BGR"] = "RGB") -> None:
        """Encode an image.

        Args:
            image: (H, W, 3) uint8.
            image_format: the order of its channels.

        Raises:
            InputError: the array is no such image, or the format is neither RGB nor BGR.
        """
        if image_format not in ("RGB", "BGR"):
            raise InputError(f"image_format is RGB or BGR, not '{image_format}'")
        checked = require_rgb(image)
        self._encoded = self.model.encode(
            np.ascontiguousarray(checked if image_format == "RGB" else checked[..., ::-1])
        )

    def get_image_embedding(self) -> NDArray[np.float32]:
        """The embedding of the image, (1, C, h, w) float32; an array where the original gives a tensor.

        Raises:
            InputError: there is no image, or the model has no such embedding.
        """
        encoded = self._require()
        if not isinstance(encoded, HasEmbedding):
            raise InputError(
                f"'{self.model.name}' has no image embedding; models of the SAM family have (`tamis models`)"
            )
        return encoded.embedding[0]

    def reset_image(self) -> None:
        """Forget the image."""
        self._encoded = None

    @property
    def is_image_set(self) -> bool:
        """Whether there is an image to ask about."""
        return self._encoded is not None

    @property
    def original_size(self) -> tuple[int, int]:
        """(height, width) of the image."""
        return self._require().shape

    def predict(
        self,
        point_coords: NDArray[Any] | None = None,
        point_labels: NDArray[Any] | None = None,
        box: NDArray[Any] | None = None,
        mask_input: NDArray[np.float32] | None = None,
        multimask_output: bool = True,
        return_logits: bool = False,
    ) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
        """The masks for a prompt.

        Args:
            point_coords: (N, 2), x and y counted from the centre of the first pixel.
            point_labels: (N,), 1 inside the mask, 0 outside; -1 is padding, and such points are ignored.
            box: (4,): left, top, right, bottom, counted likewise.
            mask_input: (1, 256, 256), one of the third array of an earlier call.
            multimask_output: several masks, from part to whole, of segmentors that have them.
            return_logits: logits instead of masks.

        Returns:
            masks: (M, H, W) bool, or float32 logits; the predicted IoU of each: (M,) float32; and the logits at the
            model's own size: (M, 256, 256) float32. M is 3 or 1.

        Raises:
            InputError: there is no image, points and labels do not match, a label is none, a number is not finite, or
                the segmentor takes no such prompt.
        """
        encoded = self._require()
        clicks = [] if point_coords is None else _clicks_of(point_coords, point_labels, encoded.shape)
        found = predict_masks(
            encoded,
            clicks,
            None if box is None else _box_of(box, encoded.shape),
            None if mask_input is None else _logits_of(mask_input),
            multimask_output,
        )
        masks = found.logits if return_logits else found.logits > self.mask_threshold
        return masks, found.ious, found.low

    def _require(self) -> EncodedImage:
        if self._encoded is None:
            raise InputError("there is no image yet: call set_image first")
        return self._encoded


def _clicks_of(coords: NDArray[Any], labels: NDArray[Any] | None, shape: tuple[int, int]) -> list[Click]:
    """Clicks for SAM's points, those that only pad the array left out."""
    points = _numbers(coords, "point_coords")
    if points.size and points.shape[-1] != 2:
        raise InputError(f"point_coords are x and y of N points, (N, 2), not {points.shape}")
    points = points.reshape(-1, 2)
    kinds = np.asarray([] if labels is None else labels).reshape(-1)
    if len(kinds) != len(points):
        raise InputError(f"there are {len(points)} point_coords and {len(kinds)} point_labels: give one for each")
    strange = [kind for kind in kinds.tolist() if kind not in (-1, 0, 1)]
    if strange:
        raise InputError(f"point_labels are 1 (inside), 0 (outside) or -1 (padding), not {strange[0]}")
    kept = kinds != -1
    if not np.isfinite(points[kept]).all():
        raise InputError("point_coords must be finite numbers")
    return clicks_at(points[kept], kinds[kept].astype(int).tolist(), shape)


def _logits_of(mask: NDArray[Any]) -> NDArray[np.float32]:
    """(h, w) of a mask's logits, (h, w) or (1, h, w)."""
    logits = _numbers(mask, "mask_input")
    if logits.ndim not in (2, 3) or (logits.ndim == 3 and len(logits) != 1):
        raise InputError(f"mask_input is the logits of one mask, (1, 256, 256), not {logits.shape}")
    return logits.reshape(logits.shape[-2:]).astype(np.float32)


def _numbers(values: Any, called: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{called} must be an array of numbers ({error})") from error


def _box_of(box: NDArray[Any], shape: tuple[int, int]) -> Box:
    height, width = shape
    corners = _numbers(box, "box")
    if corners.size != 4 or not np.isfinite(corners).all():
        raise InputError(f"a box is four finite numbers, left, top, right and bottom, not an array {corners.shape}")
    left, top, right, bottom = np.clip(corners.reshape(4) + 0.5, 0, (width, height) * 2).tolist()
    return left, top, right, bottom

"""Programs written for segment-anything run over any segmentor: the same names, arguments and shapes.

>>> from tamis.compat import SamAutomaticMaskGenerator, SamPredictor
"""

from tamis.compat.generator import SAM2AutomaticMaskGenerator, SamAutomaticMaskGenerator
from tamis.compat.predictor import SamPredictor

__all__ = ["SAM2AutomaticMaskGenerator", "SamAutomaticMaskGenerator", "SamPredictor"]

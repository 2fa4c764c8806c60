import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.segmentors import EncodedImage, load_segmentor
from tamis.segmentors.wrappers.augmented import VIEWS, View, augmented


@pytest.mark.parametrize("view", [view for views in VIEWS.values() for view in views])
def test_a_view_moves_image_and_click_together_and_back(view: View) -> None:
    pixels = np.arange(5 * 7).reshape(5, 7)

    assert (view.back(view.of(pixels)) == pixels).all()
    for row, column in [(0, 0), (4, 6), (2, 5)]:
        moved = view.click(Click.at_pixel(row, column), (5, 7))
        assert view.of(pixels)[moved.pixel] == pixels[row, column]
    for x, y in [(0.0, 0.0), (6.999, 4.999)]:
        assert view.of(pixels)[view.click(Click(x, y), (5, 7)).pixel] == pixels[int(y), int(x)]


def test_the_mean_over_views_is_a_segmentor(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    segmentor = augmented(load_segmentor("hierarchy"), ["flips", "rotations"])
    encoded = segmentor.encode(image)
    assert isinstance(encoded, EncodedImage)
    assert segmentor.name == "hierarchy"
    clicks = [Click(40, 50), Click(100.5, 20.5, positive=False)]
    probability = encoded.probability(clicks)
    assert probability[20, 100] == 0
    assert ((probability > 0.5) & disc).sum() / ((probability > 0.5) | disc).sum() > 0.9
    assert (encoded.probabilities(clicks[:1])[0] == encoded.probability(clicks[:1])).all()


def test_none_is_the_segmentor_itself_and_unknown_names_are_refused() -> None:
    segmentor = load_segmentor("hierarchy")
    assert augmented(segmentor, []) is segmentor
    with pytest.raises(InputError, match="no augmentation 'zoom'; choose from flips, rotations"):
        augmented(segmentor, ["zoom"])

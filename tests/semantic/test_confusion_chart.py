from xml.etree import ElementTree

import numpy as np

from tamis.semantic.confusion_chart import confusion_chart
from tamis.semantic.metrics import Confusion

NAMES = ("road", "car & bus", "sky", "unseen")
TOTAL = Confusion(np.array([[90, 10, 0, 0], [0, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))


def test_every_share_is_a_square_that_says_what_it_is() -> None:
    assert texts("title") == [
        "car & bus taken for car & bus: 100.0%",
        "road taken for car & bus: 10.0%",
        "road taken for road: 90.0%",
    ]


def test_classes_without_pixels_have_no_row_and_few_classes_have_numbers() -> None:
    assert texts("text") == ["10", "100", "90", "car & bus", "car & bus", "road", "road"]


def test_many_classes_have_no_numbers() -> None:
    names = [f"class {number}" for number in range(40)]
    drawn = confusion_chart(Confusion(np.eye(40, dtype=np.int64)), names)
    assert drawn.count("</text>") == 80
    assert drawn.count("</title>") == 40


def texts(tag: str) -> list[str]:
    drawn = ElementTree.fromstring(confusion_chart(TOTAL, NAMES))
    return sorted(element.text or "" for element in drawn.iter(f"{{http://www.w3.org/2000/svg}}{tag}"))

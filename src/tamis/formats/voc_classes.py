"""The classes of Pascal VOC: what colours and numbers in its pictures stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.formats.picture import Picture

NOTHING = 255
"""The number of pixels that count neither as an object nor as background."""

BACKGROUND = "background"


@dataclass(frozen=True)
class Classes:
    """The classes of a labelmap.txt.

    Attributes:
        names: in order, without the background.
        colours: of each entry, 65536 red + 256 green + blue, and the number that stands for it here: 0 the background,
            then from 1 on in the order of `names`.
        order: the same numbers, by the place of the entry in the file: what a grey picture counts by.
    """

    names: tuple[str, ...]
    colours: Mapping[int, int]
    order: tuple[int, ...]

    def name(self, number: int) -> str:
        """Of a class."""
        return self.names[number - 1] if number <= len(self.names) else f"class {number}"

    def numbers_in(self, picture: Picture) -> NDArray[Any]:
        """(H, W): the number of each pixel's class, 0 for the background.

        Raises:
            InputError: a colour stands for nothing.
        """
        if picture.colours is None:
            return self._by_place(picture.numbers)
        used = np.unique(picture.numbers).tolist()
        meant = {value: self._meant(picture.colours[value]) for value in used}
        strange = [value for value in used if meant[value] is None]
        if strange and picture.is_palette and _say_nothing(picture.colours, used, self.colours):
            return self._by_place(picture.numbers)
        if strange:
            colour = picture.colours[strange[0]]
            raise InputError(f"{picture.path}: the colour #{colour:06x} stands for nothing in labelmap.txt")
        return _mapped(picture.numbers, {value: number or 0 for value, number in meant.items()})

    def _meant(self, colour: int) -> int | None:
        if colour in self.colours:
            return self.colours[colour]
        standard = _STANDARD.get(colour)
        if self.colours:
            return standard if standard in (0, NOTHING) else None
        return standard

    def _by_place(self, numbers: NDArray[Any]) -> NDArray[Any]:
        if not self.order:
            return numbers
        places = {
            value: self.order[value] if value < len(self.order) else value for value in np.unique(numbers).tolist()
        }
        return _mapped(numbers, places)


def class_list(file: Path) -> Classes:
    """The classes of a labelmap.txt; without one, numbers have to do.

    The background is the entry that is black, or called so. A line that begins with # is a class if it has a colour.

    Raises:
        InputError: two classes have the same name or colour, or a colour is none.
    """
    if not file.is_file():
        return Classes((), {}, ())
    names: list[str] = []
    colours: dict[int, int] = {}
    order: list[int] = []
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        # A name may hold colons; what follows it are colour, parts and actions.
        parts: list[str] = [*line.strip().rsplit(":", 3), ""]
        name, colour = parts[0], parts[1]
        code = _code(colour)
        if not line.strip() or (line.lstrip().startswith("#") and code is None):
            continue
        if colour and code is None:
            raise InputError(f"{file}: '{colour}' is no colour of '{name}': expected red,green,blue")
        is_background = code == 0 or (name.lower() == BACKGROUND and code is None)
        number = 0 if is_background else len(names) + 1
        if not is_background and name in names:
            raise InputError(f"{file}: the class '{name}' stands there twice")
        if code is not None and code in colours:
            raise InputError(f"{file}: two classes have the colour {colour}; give '{name}' another")
        if not is_background:
            names.append(name)
        if code is not None:
            colours[code] = number
        order.append(number)
    return Classes(tuple(names), colours, tuple(order))


def object_numbers(picture: Picture) -> NDArray[Any]:
    """(H, W): the number of each pixel's object, 0 for none: black, and what lies between objects."""
    if picture.colours is None:
        return picture.numbers
    used = np.unique(picture.numbers).tolist()
    theirs = [picture.colours[value] for value in used]
    if picture.is_palette and len(set(theirs)) < len(theirs):
        return picture.numbers  # colours that do not tell objects apart
    white = next(code for code, number in _STANDARD.items() if number == NOTHING)
    numbers = {value: 0 if colour in (0, white) else value + 1 for value, colour in zip(used, theirs, strict=True)}
    return _mapped(picture.numbers, {value: number + (number >= NOTHING) for value, number in numbers.items()})


def palette() -> NDArray[np.uint8]:
    """(768,) the colours of VOC: the bits of the number, three by three, from the top of red, green and blue down."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (numbers >> (3 * place + channel)) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours.ravel()


def _say_nothing(colours: Mapping[int, int], used: list[int], known: Mapping[int, int]) -> bool:
    """Whether the colours of a palette are greys, or none of them but black is a class's."""
    greys = all(colours[value] == 0x010101 * value for value in used)
    return greys or not any(colours[value] in known for value in used if colours[value])


def _code(colour: str) -> int | None:
    parts = [part.strip() for part in colour.split(",")]
    if len(parts) != 3 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        return None
    red, green, blue = (int(part) for part in parts)
    return 65536 * red + 256 * green + blue


def _mapped(numbers: NDArray[Any], meaning: Mapping[int, int]) -> NDArray[np.int64]:
    values, inverse = np.unique(numbers, return_inverse=True)
    found = np.array([meaning[value] for value in values.tolist()], np.int64)
    return found[inverse].reshape(numbers.shape)


_STANDARD = {
    65536 * red + 256 * green + blue: number
    for number, (red, green, blue) in enumerate(palette().reshape(-1, 3).tolist())
}

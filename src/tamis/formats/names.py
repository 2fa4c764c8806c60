"""Which image of a project a name in a file means: decided once for all formats, over the whole file.

The rules, in this order; each is tried for all names before the next is for any:

1. the same path;
2. the same path, spelt otherwise: Unicode composed or not, `\\\\` for `/`, `./` before it, or the path of a URL;
3. the same path but for the suffix;
4. the same file name, in another folder;
5. the same file name but for the suffix, in another folder.

By rules 3 to 5 a name is found only if no other name of the file and no other image of the project answers to the same,
and each such find is told. No image is found by two names. Formats whose files are called like the image, without its
suffix, begin with rule 3, which is their path and is not told.
"""

import posixpath
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote, urlsplit

from tamis.errors import InputError

Shapes = Mapping[str, tuple[int, int] | None]
"""Names of images, with forward slashes, and their (height, width) in pixels; None for one that cannot be read."""

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("jpg", "jpeg", "jfif", "jpe", "png", "webp", "tif", "tiff", "bmp", "gif", "avif", "jp2", "heic", "heif"),
        *("ppm", "pgm", "pbm", "dng", "cr2", "nef", "arw", "tga", "dcm", "svg"),
    )
)
"""What is taken for a suffix at the end of a name; anything else after a dot belongs to the name."""

Key = Callable[[str], str]


class Names:
    """Finds a project's images by the names that a file uses.

    Attributes:
        unknown: names that were asked for and that no image answers to.
        unreadable: images that were asked for and cannot be read.
        by_name: names that were found by another rule than their path, and the image of each.
    """

    def __init__(self, images: Shapes, said: Iterable[str], rules: tuple[tuple[Key, Key, bool], ...]) -> None:
        self._images = images
        self._found, told = _matched(images, list(dict.fromkeys(said)), rules)
        self._told = told
        self.unknown: list[str] = []
        self.unreadable: list[str] = []
        self.by_name: dict[str, str] = {}

    @classmethod
    def of_images(cls, images: Shapes, said: Iterable[str]) -> "Names":
        """For formats that name images.

        Args:
            images: of the project.
            said: every name in the file.
        """
        return cls(images, said, _of_images(images))

    @classmethod
    def of_files(cls, images: Shapes, said: Iterable[str]) -> "Names":
        """For formats with a file for each image, called like it.

        Args:
            images: of the project.
            said: the paths of all those files, without their own suffix.
        """
        return cls(images, said, _OF_FILES)

    def find(self, name: str, shape: tuple[int, int] | None = None) -> str | None:
        """The image that one of the names means, None (and noted) if there is none that can be read.

        Args:
            name: one of those that were given.
            shape: (height, width) that the file says the image has.

        Raises:
            InputError: the image with this path has another size; one that is only called like it is none.
        """
        found = self._found.get(name)
        if found is None:
            if name not in self.unknown:
                self.unknown.append(name)
            return None
        known = self._images[found]
        if known is None:
            if found not in self.unreadable:
                self.unreadable.append(found)
            return None
        if shape is not None and shape != known:
            if name in self._told:  # another image that happens to be called like it
                self.unknown.append(name)
                return None
            height, width = known
            hint = "; does the file count it as it lay before it was turned upright?" if shape == known[::-1] else ""
            said = f"is {shape[1]}x{shape[0]} in the file, but {found} has {width}x{height} pixels{hint}"
            raise InputError(f"{name}: {said}")
        if name in self._told:
            self.by_name[name] = found
        return found

    def shape(self, image: str) -> tuple[int, int]:
        """(height, width) in pixels of an image that was found."""
        known = self._images[image]
        assert known is not None
        return known


def without_suffix(name: str) -> str:
    """A name without the suffix of an image; other dots are kept."""
    stem, suffix = posixpath.splitext(name)
    return stem if suffix.lower() in SUFFIXES and posixpath.basename(stem) else name


def _matched(
    images: Iterable[str], said: list[str], rules: tuple[tuple[Key, Key, bool], ...]
) -> tuple[dict[str, str], set[str]]:
    """The image of each name that has one, and the names for which that has to be told."""
    names = list(images)
    found: dict[str, str] = {}
    told: set[str] = set()
    taken: set[str] = set()
    for of_name, of_image, is_path in rules:
        saying = Counter(of_name(name) for name in said)
        places: dict[str, list[str]] = {}
        for image in names:
            places.setdefault(of_image(image), []).append(image)
        for name in said:
            key = of_name(name)
            there = places.get(key, [])
            # An exact path is no less exact because another name is spelt like it.
            alone = len(there) == 1 and (saying[key] == 1 or key == name)
            if name in found or not key or not alone or there[0] in taken:
                continue
            found[name] = there[0]
            taken.add(there[0])
            if not is_path:
                told.add(name)
    return found, told


def _same(name: str) -> str:
    return name


def _spelt(name: str) -> str:
    path = name
    if "://" in path:
        path = unquote(urlsplit(path).path).lstrip("/")
    path = unicodedata.normalize("NFC", path.replace("\\", "/"))
    return posixpath.normpath(path) if path else path


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _base(name: str) -> str:
    return posixpath.basename(_spelt(name))


def _path_stem(name: str) -> str:
    return without_suffix(_spelt(name))


def _base_stem(name: str) -> str:
    return without_suffix(_base(name))


def _image_stem(name: str) -> str:
    """What is left of an image's name without its last suffix, whatever that is."""
    return posixpath.splitext(_composed(name))[0]


def _image_base_stem(name: str) -> str:
    return posixpath.basename(_image_stem(name))


def _of_images(images: Iterable[str]) -> tuple[tuple[Key, Key, bool], ...]:
    """The rules for names of images: a.png may be a.jpg, or a.png in another folder, but not where there are both."""
    bases = {_base(image) for image in images}
    stems = {_image_stem(image) for image in images}
    return (
        (_same, _same, True),
        (_spelt, _composed, True),
        (lambda name: "" if _base(name) in bases else _path_stem(name), _image_stem, False),
        (lambda name: "" if _path_stem(name) in stems else _base(name), _base, False),
        (_base_stem, _image_base_stem, False),
    )


_OF_FILES: tuple[tuple[Key, Key, bool], ...] = (
    (_same, lambda name: posixpath.splitext(name)[0], True),
    (_spelt, _image_stem, True),
    (lambda name: f"images/{_spelt(name)}", _image_stem, True),  # a project of a whole dataset, with labels/ beside it
    (_spelt, _composed, True),
    (_base, _image_base_stem, False),
    (_base, _base, False),
)

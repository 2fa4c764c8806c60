"""What the classes of a YOLO dataset are called: `data.yaml`, or a list with a name on each line."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.errors import InputError

_LISTS = "classes.txt", "obj.names", "labels/classes.txt"


@dataclass(frozen=True)
class ClassList:
    """What a dataset says of its classes.

    Attributes:
        file: where.
        labels: by number, in order.
        keypoints: how many values the keypoints of an object have, 0 for none.
    """

    file: Path
    labels: Mapping[int, str]
    keypoints: int = 0


def class_list(path: Path) -> ClassList:
    """The classes of a dataset: its folder, or the file that says so.

    Raises:
        InputError: there is no such file, or it names no classes.
    """
    file = path
    if path.is_dir():
        others = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
        lists = [path / name for name in _LISTS if (path / name).is_file()]
        usual = path / "data.yaml"
        file = usual if usual.is_file() else others[0] if len(others) == 1 else lists[0] if lists else usual
    if file.suffix == ".txt" and file.name != "classes.txt":
        raise InputError(f"{file}: is no list of classes; name the folder of the dataset, or its data.yaml")
    if file.suffix in (".txt", ".names"):
        return ClassList(file, _listed(file))
    return _described(file)


def _listed(file: Path) -> dict[int, str]:
    """One name a line; empty lines at the end do not count."""
    try:
        names = [" ".join(line.split()) for line in file.read_text(encoding="utf-8-sig").rstrip().splitlines()]
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is no text in UTF-8 ({error})") from error
    if not names or not all(names):
        raise InputError(f"{file}: has no name of a class on each line")
    return dict(enumerate(names))


def _described(file: Path) -> ClassList:
    """`names` of a data.yaml, by number: a mapping or a list."""
    import yaml

    try:
        # Every value as it is written: `no` and `1.0` are names, not a truth value and a number.
        text = file.read_text(encoding="utf-8-sig")
        content = yaml.load(text, Loader=yaml.BaseLoader)
        twice = _numbered_twice(yaml.compose(text, Loader=yaml.BaseLoader))
    except FileNotFoundError:
        raise InputError(f"{file}: is missing; it says what the classes are called") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: is no YAML ({' '.join(str(error).split())[:200]})") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise InputError(f"{file}: has no list or mapping 'names' of what the classes are called")
    if twice:
        raise InputError(f"{file}: two classes have the number {twice}; give one of them another")
    try:
        found = {int(number): " ".join(name.split()) for number, name in names.items()}
        keypoints = [int(side) for side in content.get("kpt_shape") or (0, 0)]
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}: the classes must be numbered ({error})") from error
    return ClassList(file, dict(sorted(found.items())), keypoints[0] * keypoints[-1])


def _numbered_twice(root: Any) -> str:
    """A number that `names` gives to two classes, of which a reader of YAML keeps the last; "" if there is none."""
    for key, value in getattr(root, "value", None) or ():
        if getattr(key, "value", None) == "names" and value.id == "mapping":
            numbers = Counter(str(number.value).strip().lstrip("0") or "0" for number, _ in value.value)
            return next((number for number, count in numbers.items() if count > 1), "")
    return ""

"""What the values of a label map mean: classes, their colours, and what is ignored."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.datasets.sets import CAMVID
from tamis.errors import InputError
from tamis.render.overlays import palette as distinct_colours
from tamis.results.files import write_json

MOST_CLASSES = 254
"""Class indices are bytes; 255 is the ignored one and 254 marks what should not be there."""

Palette = NDArray[np.uint8]


@dataclass(frozen=True)
class ClassTable:
    """The classes of a dataset.

    Attributes:
        names: in the order of their indices.
        palette: (C, 3) uint8 RGB.
        zero_is_ignored: label 0 is no class and label k is class k - 1, as in ADE20K.
        ignored: further label values that are no class; 255 is one in any case.
        values: the label value of each class where they are not 0, 1, 2 and so on.
    """

    names: tuple[str, ...]
    palette: Palette
    zero_is_ignored: bool = False
    ignored: tuple[int, ...] = ()
    values: tuple[int, ...] = ()


def ade20k() -> ClassTable:
    """The 150 classes of ADE20K's scene parsing benchmark, which its label maps count from 1."""
    return ClassTable(_ADE20K, distinct_colours(len(_ADE20K)), zero_is_ignored=True)


def camvid() -> ClassTable:
    """The 11 classes of CamVid as SegNet has them; 11 is void."""
    return ClassTable(CAMVID, _colours(_CAMVID_COLOURS), ignored=(11,))


def pascal_voc() -> ClassTable:
    """The 20 classes of Pascal VOC and the background, which counts as one."""
    return ClassTable(_PASCAL_VOC, _bit_colours(len(_PASCAL_VOC)))


def cityscapes(train_ids: bool) -> ClassTable:
    """The 19 classes of Cityscapes.

    Args:
        train_ids: the label maps hold 0 to 18 (`labelTrainIds`); otherwise the 34 ids of `labelIds`, of which the other
            15 are ignored.
    """
    colours = _colours(_CITYSCAPES_COLOURS)
    if train_ids:
        return ClassTable(_CITYSCAPES, colours)
    others = tuple(value for value in range(34) if value not in _CITYSCAPES_IDS)
    return ClassTable(_CITYSCAPES, colours, ignored=others, values=_CITYSCAPES_IDS)


def named_class_table(name: str) -> ClassTable:
    """The class table of a known dataset by name, or of a file; see `read_class_table`.

    Raises:
        InputError: neither a known name nor a file that can be read.
    """
    known: dict[str, Callable[[], ClassTable]] = {
        "ade20k": ade20k,
        "camvid": camvid,
        "cityscapes": lambda: cityscapes(train_ids=True),
        "cityscapes-ids": lambda: cityscapes(train_ids=False),
        "pascal-voc": pascal_voc,
    }
    if name in known:
        return known[name]()
    if not Path(name).is_file():
        raise InputError(f"no class table is called '{name}': there are {', '.join(known)}, or name a classes.txt")
    return read_class_table(Path(name))


def read_class_table(path: Path) -> ClassTable:
    """Read the classes of a folder.

    `classes.txt` has a name on each line, the first for label 0. `classes.json` is a list of names, or
    `{"classes": [...], "palette": [[r, g, b], ...], "ignored": [...], "zero_is_ignored": false, "values": [...]}` of
    which only the first is needed.

    Raises:
        InputError: it cannot be read, or does not say that.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the class table cannot be read ({error}); write one name on each line") from error
    if path.suffix.lower() != ".json":
        names = [line.strip() for line in text.splitlines()]
        return _checked(path, {"classes": [name for name in names if name]})
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{path}: is no JSON ({error}); write a list of names, or an object with classes and palette"
        ) from error
    return _checked(path, content if isinstance(content, dict) else {"classes": content})


def write_class_table(path: Path, table: ClassTable) -> None:
    """Write a table so that `read_class_table` gives it again."""
    write_json(
        path,
        {
            "classes": list(table.names),
            "palette": table.palette.tolist(),
            "zero_is_ignored": table.zero_is_ignored,
            "ignored": list(table.ignored),
            "values": list(table.values),
        },
    )


def _checked(path: Path, content: dict[str, Any]) -> ClassTable:
    names = content.get("classes")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: no list of class names; write at least one")
    if len(names) > MOST_CLASSES:
        raise InputError(f"{path}: {len(names)} classes, over the limit of {MOST_CLASSES}; leave some out")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path}: there are two classes '{twice}'; name each differently")
    zero = content.get("zero_is_ignored", False)
    if not isinstance(zero, bool):
        raise InputError(f"{path}: zero_is_ignored is {zero!r}; write true or false")
    ignored, values = (_bytes(path, key, content.get(key) or []) for key in ("ignored", "values"))
    if values and (len(values) != len(names) or len(set(values)) < len(values)):
        raise InputError(f"{path}: {len(values)} values for {len(names)} classes; give each class one of its own")
    if values and zero:
        raise InputError(f"{path}: zero_is_ignored says nothing beside values; put 0 into ignored")
    return ClassTable(tuple(names), _given_colours(path, content.get("palette"), len(names)), zero, ignored, values)


def _bytes(path: Path, key: str, values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or not all(type(value) is int and 0 <= value <= 255 for value in values):
        raise InputError(f"{path}: {key} is {values!r}; write a list of label values from 0 to 255")
    return tuple(values)


def _given_colours(path: Path, given: Any, count: int) -> Palette:
    if given is None:
        return distinct_colours(count)
    try:
        colours = np.array(given, dtype=np.int64)
    except (ValueError, TypeError, OverflowError):
        colours = np.empty(0, np.int64)
    if colours.shape != (count, 3) or colours.min() < 0 or colours.max() > 255:
        raise InputError(f"{path}: the palette is no list of {count} colours [r, g, b] from 0 to 255; correct it")
    return colours.astype(np.uint8)


def _colours(text: str) -> Palette:
    return np.array([list(bytes.fromhex(colour)) for colour in text.split()], dtype=np.uint8)


def _bit_colours(count: int) -> Palette:
    """Pascal VOC's colours: bits 0, 3, 6 of the label are the highest of red, 1, 4, 7 of green, 2, 5, 8 of blue."""
    labels = np.arange(count)
    colours = np.zeros((count, 3), np.uint8)
    for place in range(3):
        for channel in range(3):
            colours[:, channel] |= ((labels >> (3 * place + channel) & 1) << (7 - place)).astype(np.uint8)
    return colours


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_CAMVID_COLOURS = "808080 800000 c0c080 804080 3c28de 808000 c08080 404080 400080 404000 0080c0"

_PASCAL_VOC = _names(
    "background,aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,"
    "pottedplant,sheep,sofa,train,tvmonitor"
)

_CITYSCAPES = _names(
    "road,sidewalk,building,wall,fence,pole,traffic light,traffic sign,vegetation,terrain,sky,person,rider,car,truck,"
    "bus,train,motorcycle,bicycle"
)
_CITYSCAPES_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_CITYSCAPES_COLOURS = (
    "804080 f423e8 464646 66669c be9999 999999 faaa1e dcdc00 6b8e23 98fb98 4682b4 dc143c ff0000 00008e 000046 "
    "003c64 005064 0000e6 770b20"
)

_ADE20K = _names(
    "wall,building,sky,floor,tree,ceiling,road,bed,windowpane,grass,cabinet,sidewalk,person,earth,door,table,mountain,"
    "plant,curtain,chair,car,water,painting,sofa,shelf,house,sea,mirror,rug,field,armchair,seat,fence,desk,rock,"
    "wardrobe,lamp,bathtub,railing,cushion,base,box,column,signboard,chest of drawers,counter,sand,sink,skyscraper,"
    "fireplace,refrigerator,grandstand,path,stairs,runway,case,pool table,pillow,screen door,stairway,river,bridge,"
    "bookcase,blind,coffee table,toilet,flower,book,hill,bench,countertop,stove,palm,kitchen island,computer,"
    "swivel chair,boat,bar,arcade machine,hovel,bus,towel,light,truck,tower,chandelier,awning,streetlight,booth,"
    "television receiver,airplane,dirt track,apparel,pole,land,bannister,escalator,ottoman,bottle,buffet,poster,stage,"
    "van,ship,fountain,conveyer belt,canopy,washer,plaything,swimming pool,stool,barrel,basket,waterfall,tent,bag,"
    "minibike,cradle,oven,ball,food,step,tank,trade name,microwave,pot,animal,bicycle,lake,dishwasher,screen,blanket,"
    "sculpture,hood,sconce,vase,traffic light,tray,ashcan,fan,pier,crt screen,plate,monitor,bulletin board,shower,"
    "radiator,glass,clock,flag"
)

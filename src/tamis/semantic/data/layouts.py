"""Where the images and label maps of a dataset lie: one function for each layout.

Files are listed by `tamis.datasets.listing`. These are layouts of their own, since a class table and a label map for
every pixel are no targets to click on; CamVid, which is read both ways, lies where `tamis.datasets.sets` says.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tamis.datasets.listing import files_in
from tamis.datasets.sets import camvid_folders
from tamis.errors import InputError
from tamis.semantic.data import class_tables
from tamis.semantic.data.class_tables import ClassTable, read_class_table

Pairs = list[tuple[Path, Path]]

CLASS_FILES = ("classes.json", "classes.txt")
_LABEL_FOLDERS = ("labels", "annotations", "masks")
_CAMVID_FRAME = re.compile(r"(0001TP|0006R0|0016E5|Seq05VD)_")


@dataclass(frozen=True)
class PairedFiles:
    """What a layout holds: the classes, and images with their label maps in the order of their names."""

    table: ClassTable
    pairs: Pairs


@dataclass(frozen=True)
class Layout:
    """A way in which images and label maps are kept.

    Attributes:
        tree: how it looks, for those who have it otherwise.
        is_here: whether a folder has it.
        open: finds the pairs of a split.
    """

    tree: str
    is_here: Callable[[Path], bool]
    open: Callable[[Path, str], PairedFiles]


def find_layout(root: Path, name: str) -> tuple[str, Layout]:
    """The layout by name, or for `auto` the first that a folder looks like.

    Raises:
        InputError: no such folder, name or layout.
    """
    if not root.is_dir():
        raise InputError(f"{root}: there is no such folder; it should hold one of\n{trees()}")
    if name == "auto":
        for known, layout in LAYOUTS.items():
            if layout.is_here(root):
                return known, layout
        raise InputError(f"{root}: holds no layout of images and label maps that is known; expected one of\n{trees()}")
    if name not in LAYOUTS:
        raise InputError(f"no layout is called '{name}'; there are auto, {', '.join(LAYOUTS)}")
    return name, LAYOUTS[name]


def trees() -> str:
    """How all the layouts look."""
    shown = "\n".join(f"  {name}:\n{_indented(layout.tree)}" for name, layout in LAYOUTS.items())
    return shown.replace("{split}", "SPLIT")


def _indented(tree: str) -> str:
    return "\n".join(f"    {line}" for line in tree.splitlines())


def _ade20k(root: Path, split: str) -> PairedFiles:
    root = _ade20k_root(root)
    split = {"train": "training", "val": "validation"}.get(split, split)
    return PairedFiles(class_tables.ade20k(), _by_stem(root / "images" / split, root / "annotations" / split))


def _ade20k_root(root: Path) -> Path:
    inner = root / "ADEChallengeData2016"
    return inner if inner.is_dir() else root


def _is_ade20k(root: Path) -> bool:
    root = _ade20k_root(root)
    return any((root / "annotations" / split).is_dir() for split in ("training", "validation"))


def _cityscapes(root: Path, split: str) -> PairedFiles:
    images = _by_name(_folder(root / "leftImg8bit" / split), "*_leftImg8bit.*", "_leftImg8bit")
    folder = _folder(root / "gtFine" / split)
    for ending, train_ids in (("_gtFine_labelTrainIds", True), ("_gtFine_labelIds", False)):
        labels = _by_name(folder, f"*{ending}.png", ending)
        if labels:
            return PairedFiles(class_tables.cityscapes(train_ids), _paired(images, labels, folder))
    raise InputError(f"{folder}: no *_gtFine_labelTrainIds.png or *_gtFine_labelIds.png there; unpack gtFine again")


def split_list(root: Path, split: str) -> Path | None:
    """The file that lists the names of a split, where folders do not tell it."""
    path = _pascal_voc_list(root, split)
    return path if path.is_file() else None


def _pascal_voc_list(root: Path, split: str) -> Path:
    return root / "ImageSets" / "Segmentation" / f"{split}.txt"


def _pascal_voc(root: Path, split: str) -> PairedFiles:
    listing = _pascal_voc_list(root, split)
    if not listing.is_file():
        raise _MissingError(listing)
    names = listing.read_text(encoding="utf-8").split()
    pairs = [(root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png") for name in names]
    missing = next((path for pair in pairs for path in pair if not path.exists()), None)
    if missing:
        raise InputError(f"{missing}: named by {listing}, but not there; unpack the dataset again")
    return PairedFiles(class_tables.pascal_voc(), pairs)


def _camvid(root: Path, split: str) -> PairedFiles:
    return PairedFiles(class_tables.camvid(), _by_stem(*camvid_folders(root, split)))


def _is_camvid(root: Path) -> bool:
    if any((root / name).exists() for name in CLASS_FILES):
        return False
    folders = (images for images, labels in (camvid_folders(root, split) for split in _USUAL) if labels.is_dir())
    first = next((name for folder in folders if folder.is_dir() for name in files_in(folder).paths), None)
    return first is not None and _CAMVID_FRAME.match(first) is not None


_USUAL = ("train", "val", "test")


def _folders(root: Path, split: str) -> PairedFiles:
    table = next((root / name for name in CLASS_FILES if (root / name).is_file()), None)
    if table is None:
        raise InputError(
            f"{root}: no class table; write {root / 'classes.txt'} with a name on each line, label 0 first"
        )
    labels = next((root / name / split for name in _LABEL_FOLDERS if (root / name / split).is_dir()), None)
    return PairedFiles(read_class_table(table), _by_stem(root / "images" / split, labels or root / "labels" / split))


def _is_folders(root: Path) -> bool:
    return (root / "images").is_dir() and any((root / name).is_dir() for name in _LABEL_FOLDERS)


class _MissingError(InputError):
    """A part of the layout is not there; the message gets the expected tree from whoever knows it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: not there")


def open_layout(root: Path, split: str, name: str) -> tuple[str, PairedFiles]:
    """The name of a folder's layout, and what a split of it holds.

    Raises:
        InputError: a part is missing (the expected tree is shown), or an image has no label map.
    """
    name, layout = find_layout(root, name)
    try:
        return name, layout.open(root, split)
    except _MissingError as error:
        tree = _indented(layout.tree.replace("{split}", split))
        raise InputError(f"{error}; expected under {root}\n{tree}") from error


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise _MissingError(path)
    return path


def _by_stem(images: Path, labels: Path) -> Pairs:
    return _paired(_stems(images), _stems(labels), labels)


def _stems(folder: Path) -> dict[str, Path]:
    files = files_in(_folder(folder))
    for name in files.repeated:
        path = folder / name
        raise InputError(f"{path}: beside it is {files.paths[path.stem].name}, of the same name; remove one of them")
    return files.paths


def _by_name(folder: Path, pattern: str, ending: str) -> dict[str, Path]:
    return {path.stem.removesuffix(ending): path for path in sorted(folder.rglob(pattern))}


def _paired(images: Mapping[str, Path], labels: Mapping[str, Path], folder: Path) -> Pairs:
    if not images:
        raise InputError(f"{folder}: there are label maps but no images beside them; unpack the images")
    missing = [name for name in images if name not in labels]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"{images[missing[0]]}{more}: no label map of that name in {folder}; add it or remove the image"
        )
    return [(path, labels[name]) for name, path in images.items()]


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "ade20k": Layout(
            "ADEChallengeData2016/          (or its content)\n"
            "  images/{split}/*.jpg         training, validation\n"
            "  annotations/{split}/*.png    0 other, 1 to 150 the classes",
            _is_ade20k,
            _ade20k,
        ),
        "cityscapes": Layout(
            "leftImg8bit/{split}/CITY/*_leftImg8bit.png         train, val\n"
            "gtFine/{split}/CITY/*_gtFine_labelTrainIds.png     or *_gtFine_labelIds.png",
            lambda root: (root / "leftImg8bit").is_dir(),
            _cityscapes,
        ),
        "pascal-voc": Layout(
            "ImageSets/Segmentation/{split}.txt    train, val, trainval\n"
            "JPEGImages/*.jpg\n"
            "SegmentationClass/*.png               0 background, 1 to 20 the classes, 255 void",
            lambda root: (root / "SegmentationClass").is_dir(),
            _pascal_voc,
        ),
        "camvid": Layout(
            "images/{split}/*.jpg    train, val, test   (or {split}/*.png)\n"
            "labels/{split}/*.png    0 to 10, 11 void   (or {split}annot/*.png)",
            _is_camvid,
            _camvid,
        ),
        "folders": Layout(
            "classes.txt             (or classes.json) a name on each line, label 0 first\n"
            "images/{split}/*        train, val or any other name\n"
            "labels/{split}/*.png    (or annotations, masks) of the same names; 255 is ignored",
            _is_folders,
            _folders,
        ),
    }
)
"""By name, in the order in which a folder is compared with them."""

"""Small scenes in the layout of any dataset, so that all can be tried without a download."""

from pathlib import Path

from tamis.datasets.registry import find_dataset
from tamis.datasets.scenes import ExpectedSample, make_scenes
from tamis.datasets.synthetic_layouts import DEFAULT_SPLITS, WRITERS
from tamis.errors import InputError


def write_synthetic(
    name: str, root: str | Path, split: str | None = None, scenes: int = 6, seed: int = 0
) -> tuple[ExpectedSample, ...]:
    """Write scenes in the layout of a dataset.

    Args:
        name: of the dataset.
        root: an empty folder, or one that is not there yet.
        split: as `open_dataset` will be asked for; by default the dataset's own.
        scenes: how many.
        seed: the same one gives the same scenes.

    Returns:
        What `open_dataset(name, root, split)` must give, sample by sample, in its order.

    Raises:
        InputError: there is no such dataset, or the folder is not empty.
        OutputError: a file cannot be written.
    """
    entry, root = find_dataset(name), Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(f"{root}: is not an empty folder; choose another for the synthetic {name}")
    if split is None:
        split = entry.splits[0] if entry.splits else DEFAULT_SPLITS[name]
    elif entry.splits and not entry.finder and split not in entry.splits:
        raise InputError(f"{name} has no split '{split}'; there is {', '.join(entry.splits)}")
    written = WRITERS[name](root, make_scenes(scenes, seed), split)
    return tuple(sorted(written, key=lambda one: one.name) if name != "hqseg44k" else written)

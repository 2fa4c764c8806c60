"""The strong click tools by family and file: `segnext:CHECKPOINT`, `ritm:`, `simpleclick:`, `focalclick:`.

What follows the colon is a checkpoint, run by torch, or a folder that `tamis models export` has written, run by
onnxruntime. `@SIZE` after it shows crops (SegNext: the image) at another size than usual, such as `ritm:FILE@600`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tamis.errors import InputError, UnavailableError
from tamis.results.run import file_hash
from tamis.segmentors.clickseg.settings import LICENCES
from tamis.segmentors.entry import ModelEntry
from tamis.segmentors.protocol import Segmentor

FAMILIES = ("segnext", "ritm", "simpleclick", "focalclick")

FACTORY = "tamis.segmentors.click_tools:load_click_tool"

_SUMMARIES = {
    "segnext": "SegNext, a plain ViT that is encoded once for all clicks",
    "ritm": "RITM with an HRNet, a look at a crop for every click",
    "simpleclick": "SimpleClick, a plain ViT, a look at a crop for every click",
    "focalclick": "FocalClick with SegFormer or HRNet and a second look, or ClickSEG's MobileNetV2",
}
_SPEC = re.compile(r"(?P<family>[a-z]+):(?P<place>.*?)(?:@(?P<size>\d+))?")


def is_click_tool(name: str) -> bool:
    """Whether a name is of one of these families, with a file or without."""
    return name.partition(":")[0] in FAMILIES


def click_tool_entries() -> Iterator[ModelEntry]:
    """An entry for each family; all need a checkpoint of their user's."""
    for family in FAMILIES:
        yield ModelEntry(
            name=family,
            factory=FACTORY,
            argument=family,
            summary=_SUMMARIES[family],
            abilities=("several clicks at once", "masks", "in turn"),
            licence=LICENCES[family],
            needs=("torch",),
            install="pip install 'tamis[train]'",
            missing=f"--model {family}:CHECKPOINT, with a checkpoint of its authors"
            + (" or of tamis train segnext" if family == "segnext" else ""),
        )


def parsed(name: str) -> tuple[str, Path, int | None]:
    """Family, place and size of a name.

    Raises:
        InputError: it has no place, or no whole size.

    >>> parsed("ritm:weights/h18.pth@600")
    ('ritm', PosixPath('weights/h18.pth'), 600)
    """
    found = _SPEC.fullmatch(name)
    if found is None or not found["place"] or found["family"] not in FAMILIES:
        family = name.partition(":")[0]
        raise InputError(
            f"'{name}': say which checkpoint, as {family if family in FAMILIES else 'segnext'}:FILE.pth, or which "
            "folder of an export; another size follows an @, as FILE.pth@512"
        )
    return found["family"], Path(found["place"]).expanduser(), int(found["size"]) if found["size"] else None


def load_click_tool(name: str, device: str | None = None) -> Segmentor:
    """Load a checkpoint or an export.

    Args:
        name: family and file, such as "segnext:runs/019/090.pth".
        device: of torch; the graphics card by default where there is one.

    Raises:
        InputError: the file is missing, cut off, holds code, or is of another family or network.
        UnavailableError: torch is not installed, or the graphics card's memory does not suffice.
    """
    family, place, size = parsed(name)
    if place.is_dir():
        if size is not None:
            raise InputError(f"'{name}': the size of an export is fixed; leave out @{size}, or export it at that size")
        from tamis.segmentors.exported_tools import load_export

        return load_export(family, place)
    if not place.is_file():
        raise InputError(f"{place}: there is no such checkpoint; check the name")
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise UnavailableError(f"'{name}' needs torch: run pip install 'tamis[train]'") from error
    return _segnext(place, size, device) if family == "segnext" else _other(family, place, size, device)


def _segnext(place: Path, size: int | None, device: str | None) -> Segmentor:
    from tamis.segmentors.checkpoints import read_peer
    from tamis.segmentors.memory import ready
    from tamis.segmentors.plain_vit.model import SegNextSegmentor
    from tamis.segmentors.plain_vit.torch_runner import TorchRunner
    from tamis.segmentors.plain_vit.weights import UNUSED, network_of

    peer = read_peer(place)
    unused = tuple(sorted(UNUSED & peer.state.keys()))
    runner = TorchRunner(*ready(network_of(peer, size), device))
    return SegNextSegmentor("segnext", runner, file_hash(place), unused)


def _other(family: str, place: Path, size: int | None, device: str | None) -> Segmentor:
    from tamis.segmentors.clickseg.model import ClickTool
    from tamis.segmentors.clickseg.torch_runner import TorchRunner
    from tamis.segmentors.clickseg.weights import load_network
    from tamis.segmentors.memory import ready

    loaded = load_network(place, size)
    if loaded.family != family:
        raise InputError(f"{place}: is a checkpoint of {loaded.family}; ask for {loaded.family}:{place}")
    runner = TorchRunner(*ready(loaded.network, device))
    return ClickTool(family, runner, loaded.showing, file_hash(place), loaded.unused)

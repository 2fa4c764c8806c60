"""Checkpoints of the click-driven peers, opened without running anything in them.

RITM, SimpleClick, FocalClick and SegNext write {'state_dict': ..., 'config': ...} by torch.save, or a list of such: one
network for each click. A configuration may hold live objects, as SimpleClick's loss. Of a pickle only tensors and plain
values are made here; whatever else is named becomes a stub that does nothing, and what the standard library could do is
refused. Needs torch.
"""

import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from tamis.errors import InputError

NAMED = 3
"""How many differing names a message tells."""

_PLAIN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch", "Size"): torch.Size,
    ("torch", "device"): torch.device,
}
_ABLE = sys.stdlib_module_names | {"__builtin__", "copy_reg", "__main__", "commands", "torch", "numpy", "pip"}
"""Modules whose functions could do something; nothing of them is needed but the above."""


@dataclass(frozen=True)
class Peer:
    """What a peer's checkpoint holds.

    Attributes:
        file: that it was read from.
        state: tensors by the names that they have there.
        name: of the class of the network, without its module; empty where the file does not say.
        options: that it was made with; what is no plain value is a `Stub`.
    """

    file: Path
    state: dict[str, Tensor]
    name: str
    options: dict[str, Any]


class Stub:
    """Stands for an object of a class that is not here: keeps nothing, does nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __call__(self, *arguments: Any, **options: Any) -> "Stub":
        """Nothing."""
        return self

    def append(self, item: Any) -> None:
        """Nothing: lists of other classes are filled so."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def read_peer(file: Path) -> Peer:
    """Read a checkpoint onto the processor.

    Raises:
        InputError: the file is missing, cut off, no checkpoint, names code, or is one of several networks.
    """
    content = read_tensors(file)
    if isinstance(content, list):
        if len(content) != 1:
            raise InputError(
                f"{file}: holds {len(content)} networks, one for each click, which is not supported; "
                "choose a checkpoint of one network"
            )
        content = content[0]
    if isinstance(content, dict) and "state_dict" not in content and "model" in content:
        raise InputError(
            f"{file}: holds an encoder alone (key 'model', as MAE writes it), which cannot answer clicks; "
            "train from it with tamis train segnext --start, or choose a checkpoint of the whole network"
        )
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{file}: holds no state of a network (keys 'state_dict' and 'config'); choose another file")
    state = {str(name).removeprefix("module."): value for name, value in state.items()}
    config = content.get("config") if "state_dict" in content else None
    if not isinstance(config, dict) or "class" not in config:
        return Peer(file, state, "", {})
    given = {name: entry.get("value") for name, entry in config.get("params", {}).items() if isinstance(entry, dict)}
    return Peer(file, state, str(config["class"]).rpartition(".")[2], given)


def read_tensors(file: Path) -> Any:
    """All that a file of torch holds, with stubs for what is neither tensor nor plain value.

    Raises:
        InputError: the file is missing, cut off, or names code.
    """
    module: Any = SimpleNamespace(Unpickler=_Restricted, load=_restricted_load, UnpicklingError=pickle.UnpicklingError)
    module.__name__ = "restricted"
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(4)
        if head == b"PK\x03\x04" and not zipfile.is_zipfile(file):
            raise InputError(f"{file}: the download was cut off after {size:,} bytes; fetch it again")
        return torch.load(file, map_location="cpu", pickle_module=module, weights_only=False)
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such checkpoint; check the name") from None
    except _RefusedError as refused:
        raise InputError(
            f"{file}: asks to run '{refused}', which no checkpoint needs, and was not opened; get it from its authors"
        ) from None
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, EOFError, AttributeError, ImportError,
            pickle.UnpicklingError, IndexError) as error:  # fmt: skip
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file}: is no checkpoint of torch, or was cut off ({said[:120]}); fetch it again") from error


def load_state(
    network: nn.Module, state: Mapping[str, Tensor], file: Path, unused: frozenset[str] = frozenset()
) -> None:
    """Fill a network with a state that has all of its names and no other.

    Args:
        network: to be filled.
        state: by the network's names.
        file: for the message.
        unused: names that a state may have and that nothing reads.

    Raises:
        InputError: names are missing or unexpected, or have other sizes; the message tells the first.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own and name not in unused]
    sizes = [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(value.shape)}"
        for name, value in own.items()
        if name in state and state[name].shape != value.shape
    ]
    if missing or unexpected or sizes:
        raise InputError(f"{file}: is of another network: {_told(missing, unexpected, sizes)}")
    network.load_state_dict({name: state[name] for name in own})


def _told(missing: list[str], unexpected: list[str], sizes: list[str]) -> str:
    parts = [("lacks", missing), ("has", unexpected), ("", sizes)]
    said = []
    for verb, names in parts:
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            said.append(f"{verb} {', '.join(names[:NAMED])}{more}".strip())
    return "; ".join(said)


class _RefusedError(Exception):
    """A name that no checkpoint has need of."""


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        root = module.partition(".")[0]
        if module.startswith("torch.nn.") or (root == "numpy" and name in ("dtype", "scalar", "ndarray")):
            return Stub
        if root in _ABLE:
            raise _RefusedError(f"{module}.{name}")
        return type(name, (Stub,), {})


def _restricted_load(stream: Any, **options: Any) -> Any:
    return _Restricted(stream, **options).load()

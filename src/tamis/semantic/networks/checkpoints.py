"""Checkpoints of networks for label maps: ours, and mmsegmentation's official ones.

Files are opened without running code in them (`weights_only`). What a file holds is checked against the recipe and the
data before it is used: a network of 150 classes says nothing about 11.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tamis.errors import InputError
from tamis.hub.folder import folder_of
from tamis.hub.model import WEIGHTS
from tamis.results.files import replacing
from tamis.semantic.networks.building import make_network, with_norm
from tamis.semantic.networks.mmseg_checkpoints import class_count, is_mmseg, load_into
from tamis.semantic.networks.network import SemanticNetwork
from tamis.semantic.recipes import WHOLE, Recipe, find_recipe, from_record, overridden

FORMAT = 1
ADE20K = 150
"""Its classes, which all networks of `WHOLE` know."""
LOOKING = ("scale", "mode", "crop", "stride", "divisor")
"""Fields of a recipe that say how images are looked at: they may change after training."""


@dataclass
class SemanticCheckpoint:
    """State of a run after `step` steps; without `optimizer` it holds weights to use, not to go on."""

    recipe: dict[str, Any]
    classes: list[str]
    palette: list[list[int]]
    norm: str
    """What batch norms do: see `building.chosen_norm`."""
    step: int
    network: dict[str, Tensor]
    seconds: float = 0.0
    miou: float | None = None
    """On the validation split, where it was measured."""
    optimizer: dict[str, Any] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """Of the run so far: crops without a label, files that were broken."""


def save(file: Path, checkpoint: SemanticCheckpoint) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(file) as stream:
        torch.save({"format": FORMAT, "kind": "semantic", **vars(checkpoint)}, stream)


def read(file: Path) -> SemanticCheckpoint:
    """Read a checkpoint of ours onto the processor.

    Raises:
        InputError: it is missing, cut off, or something else.
    """
    content = _content(file)
    if not isinstance(content, dict) or content.get("kind") != "semantic" or content.pop("format", None) != FORMAT:
        hint = "give --recipe, since it is one of mmsegmentation" if is_mmseg(content) else "choose last.pt or best.pt"
        raise InputError(f"{file} is no checkpoint of `tamis semantic train` of this version: {hint}")
    content.pop("kind")
    return SemanticCheckpoint(**content)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that is ready to answer.

    Attributes:
        network: in the mode for inference.
        recipe: how it was trained, and how images are looked at.
        classes: names; empty where the file does not hold them.
        palette: (C, 3) colours of the classes; empty likewise.
        count: of classes.
        steps: how long it was trained; 0 where the file does not say.
        norm: what its batch norms became: see `building.chosen_norm`.
    """

    network: SemanticNetwork
    recipe: Recipe
    classes: tuple[str, ...]
    palette: Sequence[Sequence[int]]
    count: int
    steps: int
    norm: str = "batch"


def load_trained(file: Path, recipe: str | None = None, overrides: Mapping[str, str] | None = None) -> TrainedNetwork:
    """The network of a checkpoint.

    Args:
        file: of `tamis semantic train`, an official one of mmsegmentation, or the name of a network of `recipes.WHOLE`.
        recipe: the name of its recipe; only for an official one, which does not hold it.
        overrides: fields of the recipe to change: for an official checkpoint any, else how images are looked at.

    Raises:
        InputError: the file is neither, or of another network than the recipe.
    """
    if str(file) in WHOLE and not file.exists():
        found = overridden(WHOLE[str(file)], overrides or {}, LOOKING)
        return TrainedNetwork(make_network(found, ADE20K, pretrained=True).eval(), found, (), (), ADE20K, 0)
    content = _content(file)
    if is_mmseg(content):
        if recipe is None:
            raise InputError(f"{file} is a checkpoint of mmsegmentation: say with --recipe what it is of")
        found = find_recipe(recipe, overrides or {})
        count = class_count(content["state_dict"])
        network = make_network(found, count, pretrained=False)
        load_into(network, content["state_dict"])
        return TrainedNetwork(network.eval(), found, (), (), count, 0)
    saved = read(file)
    found = overridden(from_record(saved.recipe), overrides or {}, LOOKING)
    network = with_norm(make_network(found, len(saved.classes), pretrained=False), saved.norm)
    load_weights(network, saved, file)
    return TrainedNetwork(
        network.eval(), found, tuple(saved.classes), saved.palette, len(saved.classes), saved.step, saved.norm
    )


def weights_file(file: Path) -> Path:
    """The file that holds the weights of what `load_trained` takes."""
    return folder_of(str(file)) / WEIGHTS if str(file) in WHOLE and not file.exists() else file


def load_weights(network: SemanticNetwork, saved: SemanticCheckpoint, file: Path) -> None:
    """Load the weights of a checkpoint.

    Raises:
        InputError: they are of another network.
    """
    try:
        network.load_state_dict(saved.network)
    except RuntimeError as error:
        told = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise InputError(f"{file} does not fit the network of its recipe: {told[:300]}") from error


def require_classes(file: Path, count: int, names: Sequence[str], wanted: Sequence[str], data: str) -> None:
    """Make sure that a network and data speak of the same classes.

    Args:
        file: of the network.
        count: of its classes.
        names: of its classes, if it holds them.
        wanted: the names of the data's classes.
        data: the name of the data.

    Raises:
        InputError: they are not the same in number, name or order.
    """
    if count != len(wanted):
        raise InputError(
            f"{file} knows {count} classes, but {data} has {len(wanted)}: choose the checkpoint that was trained on "
            "it, or the data that this one was trained on"
        )
    differ = [i for i, (one, other) in enumerate(zip(names, wanted, strict=False)) if one.strip() != other.strip()]
    if differ:
        first = differ[0]
        raise InputError(
            f"{file}: its class {first} is '{names[first]}', but that of {data} is '{wanted[first]}' ({len(differ)} "
            "classes differ): choose data with the same classes in the same order"
        )


def recipe_record(recipe: Recipe) -> dict[str, Any]:
    """A recipe as values that a checkpoint can hold."""
    record = asdict(recipe)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in record.items()}


def _content(file: Path) -> Any:
    if not file.is_file():
        raise InputError(f"there is no checkpoint {file}: check its name")
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{file} cannot be read as a checkpoint: it is cut off, something else, or holds more than weights, which "
            "could run code when it is opened"
        ) from error

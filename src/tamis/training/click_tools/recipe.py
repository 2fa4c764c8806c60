"""Recipes of SegNext's training, one file each in `recipes/`; `--set KEY=VALUE` changes a field."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from typing import Any, get_type_hints

import yaml

from tamis.errors import InputError
from tamis.training.region_losses import Terms, parse_terms

STARTS = ("encoder", "network", "none")


@dataclass(frozen=True)
class Recipe:
    """Everything that a run follows from, besides data and seed of the machine."""

    name: str
    summary: str
    network: str = "vit-b"
    """A name of `plain_vit.network.SHAPES`."""
    size: int = 1024
    """Pixels of the square."""
    start: str = "encoder"
    """What --start has to fill: the encoder, the whole network, or nothing."""
    single: bool = False
    """One click alone for each object, and no corrective ones."""
    negative: float = 0.0
    """Of a single click, the probability that it lies outside the object."""
    rounds: int = 3
    """At most so many rounds of corrective clicks; each number from 0 on has the same chance."""
    loss: tuple[str, ...] = ("focal=1",)
    """Losses with their weights, of `tamis.training.losses`."""
    least_area: int = 1000
    """Objects of fewer pixels in the square are no targets."""
    stuff: float = 0.30
    """Of COCO+LVIS: probability that stuff counts as objects."""
    background: float = 0.05
    """Probability that an image without an object is kept."""
    turns: bool = True
    """Whether images are mirrored and turned by quarters."""
    epochs: int = 100
    epoch_samples: int = 30_000
    batch: int = 16
    """Samples of a step, over all devices."""
    per_device: int = 4
    """Samples that a device sees at once; gradients are summed over the rest."""
    lr: float = 5e-5
    milestones: tuple[int, ...] = (50, 90)
    """Epochs after which the rate is a tenth."""
    keep_every: int = 10
    """A checkpoint of every so many epochs is kept, from epoch 0 on ..."""
    keep_all_from: int = 90
    """... and from this one on every one."""
    half: bool = False
    """Mixed precision (bfloat16)."""
    seed: int = 0

    @property
    def terms(self) -> Terms:
        """The losses, read."""
        return parse_terms(self.loss)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch; what does not fill a batch is left out."""
        return max(1, self.epoch_samples // self.batch)

    def rate(self, epoch: int) -> float:
        """The rate of an epoch, from 0."""
        return self.lr * 0.1 ** sum(epoch >= milestone for milestone in self.milestones)

    def keeps(self, epoch: int) -> bool:
        """Whether the checkpoint of an epoch is kept; the last one always is."""
        return epoch % self.keep_every == 0 or epoch >= self.keep_all_from or epoch == self.epochs - 1

    def record(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def recipe_names() -> list[str]:
    """All recipes, sorted."""
    folder = files("tamis.training.click_tools").joinpath("recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def find_recipe(name: str, changes: Sequence[str] = ()) -> Recipe:
    """The recipe of a name, with changes such as "epochs=3".

    Raises:
        InputError: there is no such recipe or field, or a value is none for it.
    """
    names = recipe_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(names)}"
        raise InputError(f"there is no recipe '{name}'; {hint}")
    text = files("tamis.training.click_tools").joinpath("recipes", f"{name}.yaml").read_text(encoding="utf-8")
    return changed(from_record({"name": name, **yaml.safe_load(text)}), changes)


def from_record(record: Mapping[str, Any]) -> Recipe:
    """The recipe of JSON values.

    Raises:
        InputError: a field is unknown.
    """
    known = {field.name for field in fields(Recipe)}
    for name in record:
        if name not in known:
            raise InputError(f"a recipe has no field '{name}'")
    values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in record.items()}
    return Recipe(**values)


def changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """The recipe with changes KEY=VALUE.

    Raises:
        InputError: there is no such field, or the value is none for it.
    """
    kinds = get_type_hints(Recipe)
    for text in changes:
        name, equals, value = text.partition("=")
        if name not in kinds or name in ("name", "summary"):
            near = difflib.get_close_matches(name, kinds, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(k for k in kinds if k != 'name')}"
            raise InputError(f"--set {text}: a recipe has no field '{name}'; {hint}")
        if not equals:
            raise InputError(f"--set {text}: write KEY=VALUE")
        try:
            recipe = replace(recipe, **{name: _read(value, kinds[name])})
        except ValueError:
            raise InputError(f"--set {text}: '{value}' is no value for {name}") from None
    _require_sound(recipe)
    return recipe


def _read(value: str, kind: Any) -> Any:
    if kind is bool:
        if value.lower() not in ("true", "false"):
            raise ValueError(value)
        return value.lower() == "true"
    if kind in (int, float, str):
        return kind(value)
    parts = [part for part in value.split(",") if part]
    return tuple(int(part) for part in parts) if kind == tuple[int, ...] else tuple(parts)


def _require_sound(recipe: Recipe) -> None:
    if recipe.start not in STARTS:
        raise InputError(f"--set start={recipe.start}: choose one of {', '.join(STARTS)}")
    if not 0 <= recipe.negative <= 1 or (recipe.negative and not recipe.single):
        raise InputError(f"--set negative={recipe.negative}: is a probability, of a single click alone")
    least = {"epochs": 1, "epoch_samples": 1, "batch": 1, "per_device": 1, "keep_every": 1, "rounds": 0, "size": 8}
    for name, bound in least.items():
        if getattr(recipe, name) < bound:
            raise InputError(f"--set {name}={getattr(recipe, name)}: must be at least {bound}")
    recipe.terms  # noqa: B018 - refuses an unknown loss

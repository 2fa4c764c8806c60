"""Recipes: everything that a run of training follows from, by name.

Rates, schedules and batches are those of mmsegmentation's configurations (and of DINOv2's evaluation for the linear
heads); `batch` is what the published figure was trained with, on however many graphics cards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tamis.errors import InputError
from tamis.semantic.data.pipeline import RandomScale, RandomShortSide, TrainTransform
from tamis.semantic.inference import InferenceSettings
from tamis.semantic.schedules import Rates, Schedule

Head = Literal["linear", "convolutional", "upernet", "knet", "mask2former", "segformer"]
Norm = Literal["auto", "batch", "frozen", "group"]


@dataclass(frozen=True)
class Recipe:
    """One way to train a network; `--override NAME=VALUE` changes a field."""

    name: str
    head: Head
    """The decoder, or the whole network."""
    backbone: str
    """A name of `tamis.semantic.networks.backbones`."""
    pretrained: bool = True
    """Whether the backbone begins with its weights; else with random ones."""
    frozen: bool = False
    """Whether the backbone stays as it is."""
    blocks: int = 1
    """How many last blocks of a vision transformer the head sees."""
    width: int = 512
    """Channels of the decoder."""
    drop_path: float = 0.0
    """The largest share of blocks of the backbone skipped at random."""
    auxiliary: bool = False
    """Whether a second, small head on the third map is learned from too."""
    norm: Norm = "auto"
    """What batch norms do: `batch` statistics, `frozen` ones, `group` norms instead, or `auto` by the batch's size."""

    crop: int = 512
    """Pixels on each side of a crop."""
    scale: tuple[int, int] = (2048, 512)
    """Bounds for the long and the short side before the random factor, and at inference."""
    factors: tuple[float, float] = (0.5, 2.0)
    """Range of the random factor."""
    short_sides: bool = False
    """Whether the short side is drawn from a list instead, as Mask2Former does."""
    most: float = 0.75
    """No class may have a larger share of a crop, if ten redraws can help it."""
    photometric: bool = True
    """Whether colours change."""

    optimiser: Literal["adamw", "sgd"] = "adamw"
    lr: float = 6e-5
    weight_decay: float = 0.01
    backbone_rate: float = 1.0
    """Factor of the rate for the backbone."""
    head_rate: float = 1.0
    """Factor of the rate for everything else."""
    layer_decay: float = 1.0
    """Factor of the rate from each layer of the backbone to the one below."""
    clip: float = 0.0
    """Largest norm of the gradient; 0: not clipped."""
    schedule: Literal["poly", "step"] = "poly"
    steps: int = 160_000
    power: float = 1.0
    least: float = 0.0
    milestones: tuple[int, ...] = ()
    warmup: int = 1500
    warmup_start: float = 1e-6
    batch: int = 16
    """Images between two steps of the optimiser, over all graphics cards and accumulated parts."""
    per_device: int = 2
    """Images at once on each device; more need more memory."""
    loss: str = "cross-entropy"
    half: bool = False
    """Mixed precision (bfloat16)."""
    seed: int = 0

    mode: Literal["whole", "slide"] = "whole"
    stride: int = 341
    """Of `slide`, whose windows are crops."""
    divisor: int = 1
    """At inference images are padded to multiples of this."""
    validate_every: int = 16_000
    """Steps between validations."""
    save_every: int = 1000
    """Steps between checkpoints."""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    """Of the backbone, if not its own: for small networks with random weights."""

    @property
    def inference(self) -> InferenceSettings:
        """How images are looked at."""
        return InferenceSettings(self.scale, self.mode, self.crop, self.stride, self.divisor)

    @property
    def transform(self) -> TrainTransform:
        """What happens to images in training."""
        resize = RandomShortSide() if self.short_sides else RandomScale(self.scale, self.factors)
        return TrainTransform(resize, (self.crop, self.crop), self.most, photometric=self.photometric)

    @property
    def course(self) -> Schedule:
        """How the rate goes."""
        return Schedule(
            self.steps, self.schedule, self.power, self.least, self.milestones, self.warmup, self.warmup_start
        )

    @property
    def rates(self) -> Rates:
        """What each part learns at."""
        return Rates(self.lr, self.weight_decay, self.backbone_rate, self.head_rate, self.layer_decay)


_KNET = Recipe(
    "knet-swin-l", "knet", "swin-l", drop_path=0.3, auxiliary=True, weight_decay=5e-4, clip=1.0, schedule="step",
    steps=80_000, milestones=(60_000, 72_000), warmup=1000, warmup_start=1e-3, validate_every=8000,
)  # fmt: skip
_MASK2FORMER = Recipe(
    "mask2former-swin-s", "mask2former", "swin-s", drop_path=0.3, short_sides=True, lr=1e-4, weight_decay=0.05,
    backbone_rate=0.1, clip=0.01, power=0.9, warmup=0, divisor=32,
)  # fmt: skip
_UPERNET = Recipe("upernet-swin-t", "upernet", "swin-t", drop_path=0.3, auxiliary=True)
_CONVNEXT = Recipe(
    "upernet-convnext-t", "upernet", "convnext-t", drop_path=0.4, auxiliary=True, lr=1e-4, weight_decay=0.05,
    layer_decay=0.9, mode="slide",
)  # fmt: skip
_SEGFORMER = Recipe("segformer-b0", "segformer", "mit-b0", norm="batch", head_rate=10.0)
_LINEAR = Recipe(
    "dinov2-linear", "linear", "dinov2-b", frozen=True, norm="batch", lr=1e-3, weight_decay=1e-4, steps=40_000,
    mode="slide", validate_every=4000,
)  # fmt: skip
_MS = replace(_LINEAR, name="dinov2-ms", blocks=4)
_SMALL = Recipe(
    "small", "convolutional", "embedded", pretrained=False, width=64, norm="batch", crop=256, scale=(480, 360),
    factors=(0.5, 1.5), lr=2e-3, weight_decay=0.01, clip=5.0, power=0.9, steps=600, warmup=50, warmup_start=0.01,
    batch=8, per_device=8, half=True, validate_every=200, save_every=100, loss="cross-entropy-of-labelled",
)  # fmt: skip


def _quarter(recipe: Recipe) -> Recipe:
    """The recipe for a quarter of ADE20K: a quarter of the steps, so that each image is seen as often."""
    return replace(
        recipe,
        name=f"ade20k-ds4-{recipe.name}",
        steps=recipe.steps // 4,
        milestones=tuple(milestone // 4 for milestone in recipe.milestones),
        validate_every=recipe.validate_every // 4,
    )


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            _KNET,
            _MASK2FORMER,
            _UPERNET,
            _CONVNEXT,
            _SEGFORMER,
            _LINEAR,
            _MS,
            _SMALL,
            replace(_SMALL, name="small-embedded", pretrained=True, backbone_rate=0.25),
            *(_quarter(each) for each in (_KNET, _MASK2FORMER, _UPERNET, _LINEAR, _MS)),
        )
    }
)
"""By name."""


WHOLE: Mapping[str, Recipe] = MappingProxyType(
    {
        "mask2former-swin-s-ade": replace(_MASK2FORMER, backbone="mask2former-swin-s-ade"),
        "segformer-b0-ade": replace(_SEGFORMER, backbone="segformer-b0-ade"),
        "segformer-b5-ade": replace(
            _SEGFORMER, name="segformer-b5", backbone="segformer-b5-ade", crop=640, scale=(2048, 640)
        ),
    }
)
"""How networks of the hub that are trained already look at images, by their names."""


def find_recipe(name: str, overrides: Mapping[str, str] = MappingProxyType({})) -> Recipe:
    """A recipe with some of its fields changed; see `overridden`.

    Raises:
        InputError: there is no such recipe or field, or a value is of the wrong kind.
    """
    if name not in RECIPES:
        raise InputError(f"'{name}' is no recipe: choose one of {', '.join(RECIPES)}")
    return overridden(RECIPES[name], overrides)


def overridden(recipe: Recipe, overrides: Mapping[str, str], only: Sequence[str] = ()) -> Recipe:
    """A recipe with some of its fields changed.

    Args:
        recipe: to change.
        overrides: by field, as text: `true` and `false`, numbers, several with commas between them.
        only: the fields that may be changed; all by default.

    Raises:
        InputError: there is no such field, or a value is of the wrong kind.
    """
    hints = get_type_hints(Recipe)
    free = only or [each.name for each in fields(Recipe) if each.name not in ("name", "sizes")]
    values = {}
    for key, text in overrides.items():
        if key not in free:
            raise InputError(f"--override {key}: that cannot be changed here; choose one of {', '.join(free)}")
        values[key] = _parsed(key, text, hints[key])
    return replace(recipe, **values)


def from_record(record: Mapping[str, Any]) -> Recipe:
    """A recipe from the values that a checkpoint keeps.

    Raises:
        InputError: they are of another version.
    """
    try:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in record.items()
        }
        return Recipe(**values)
    except TypeError as error:
        raise InputError(f"the checkpoint is of another version of tamis ({error}): use that version") from error


def _parsed(key: str, text: str, kind: Any) -> Any:
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    if choices:
        if text not in choices:
            raise InputError(f"--override {key}={text}: choose one of {', '.join(choices)}")
        return text
    if kind is bool:
        if text not in ("true", "false"):
            raise InputError(f"--override {key}={text}: write true or false")
        return text == "true"
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        parts = [part for part in text.split(",") if part]
        if Ellipsis not in inner and len(parts) != len(inner):
            raise InputError(f"--override {key}={text}: write {len(inner)} numbers with commas between them")
        return tuple(_parsed(key, part, inner[0]) for part in parts)
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"--override {key}={text}: write {'a whole number' if kind is int else 'a number'}") from None

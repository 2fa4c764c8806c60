"""Segmentors by name: what there is, what each can do, and how to get it."""

import difflib
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from tamis.errors import InputError, UnavailableError
from tamis.segmentors.click_tools import click_tool_entries, is_click_tool, load_click_tool
from tamis.segmentors.entry import ModelEntry as ModelEntry
from tamis.segmentors.protocol import Segmentor
from tamis.segmentors.sam.listing import hub_entries

ENTRY_POINTS = "tamis.segmentors"
"""The entry-point group under which other packages offer segmentors: name = "package.module:factory"."""

DEFAULT = "embedded"
"""The segmentor used when none is named."""


BUILT_IN = (
    ModelEntry(
        name="embedded",
        factory="tamis.segmentors.embedded:Embedded",
        summary="the model in the box: a small network that answers every click at once",
        abilities=("several clicks at once", "answers by region", "boxes", "choices", "scores"),
        licence="Apache-2.0; weights for research and non-commercial use",
        megabytes=12.7,
        card="tamis.weights:embedded.md",
    ),
    ModelEntry(
        name="hierarchy",
        factory="tamis.segmentors.classical.hierarchy:Hierarchy",
        summary="a tree of merged regions; every click answered at once",
        abilities=("answers by region", "boxes"),
    ),
    ModelEntry(
        name="grabcut",
        factory="tamis.segmentors.classical.seeded:GrabCut",
        summary="colour mixtures and a graph cut, solved for every set of clicks",
        abilities=("several clicks at once",),
    ),
    ModelEntry(
        name="random-walker",
        factory="tamis.segmentors.classical.seeded:RandomWalker",
        summary="which seed a random walker meets first, solved for every set of clicks",
        abilities=("several clicks at once",),
    ),
)


def list_models() -> list[ModelEntry]:
    """Built-in segmentors, those of the hub, then what installed packages offer; no name is taken over."""
    own = [*BUILT_IN, *hub_entries(), *click_tool_entries()]
    known = {model.name for model in own}
    return [*own, *(_third_party(point) for point in _offered() if point.name not in known)]


def find_model(name: str) -> ModelEntry:
    """What the registry knows of a name.

    Raises:
        InputError: there is no such segmentor; the message suggests the nearest name.
    """
    models = {model.name: model for model in list_models()}
    if name in models:
        return models[name]
    near = difflib.get_close_matches(name, models, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else "see `tamis models` for what there is"
    raise InputError(f"there is no segmentor '{name}'; {hint}")


def load_segmentor(name: str = DEFAULT) -> Segmentor:
    """Load a segmentor by registered name, by family and checkpoint, or by "package.module:factory".

    Raises:
        InputError: there is no such segmentor; the message suggests the nearest name.
        UnavailableError: it needs something that is not installed; the message holds the command.
    """
    if is_click_tool(name):
        return load_click_tool(name)
    if ":" in name:
        return _made(name, name)
    model = find_model(name)
    if not model.installed:
        raise UnavailableError(f"the segmentor '{name}' needs more than is installed: run {model.install}")
    return _made(model.factory, name, *filter(None, [model.argument]))


def _offered() -> Iterator[EntryPoint]:
    yield from sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)


def _third_party(point: EntryPoint) -> ModelEntry:
    package = point.dist.name if point.dist else point.module
    return ModelEntry(point.name, point.value, f"from the package {package}", licence=f"see {package}")


def _made(place: str, name: str, *arguments: str) -> Segmentor:
    factory = _factory(place)
    try:
        segmentor = factory(*arguments)
    except TypeError as error:
        raise InputError(f"segmentor '{name}': its factory fails without arguments ({error})") from error
    if not isinstance(segmentor, Segmentor):
        raise InputError(f"segmentor '{name}': its factory returned no segmentor (it needs `name` and `encode`)")
    return segmentor


def _factory(place: str) -> Callable[..., object]:
    module, _, attribute = place.partition(":")
    if not module or module.startswith("."):
        raise InputError(f"segmentor '{place}': expected package.module:factory, such as my_package.models:make")
    try:
        loaded = import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(f"segmentor '{place}': there is no module '{error.name}'; is its package installed?") from None
    if not attribute or not hasattr(loaded, attribute):
        raise InputError(f"segmentor '{place}': expected package.module:factory, and found no such factory")
    factory = getattr(loaded, attribute)
    if not callable(factory):
        raise InputError(f"segmentor '{place}': '{attribute}' is not callable; it must return a segmentor")
    return factory  # type: ignore[no-any-return]

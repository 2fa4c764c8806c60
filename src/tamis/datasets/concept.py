"""One class of a dataset as a concept of its own: the images that have it, and its masks alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from tamis.datasets.listing import Listing
from tamis.datasets.protocol import Dataset, Sample, Target
from tamis.errors import InputError

SHOWN = 30
"""Classes that a message names."""


def of_concept(dataset: Dataset, concept: str, limit: int | None = None) -> Dataset:
    """The images of a dataset that have a class, each with the masks of that class alone.

    Masks are read once to know which images these are.

    Args:
        dataset: whose targets have classes, or ids that begin with the number of a class.
        concept: the name of the class, or its number where classes are values of label maps.
        limit: so many images are enough.

    Raises:
        InputError: no image has it; the message names the classes that there are.
    """
    samples: list[Sample] = []
    known: set[str] = set()
    for sample in dataset.samples:
        if limit is not None and len(samples) == limit:
            break
        found = False
        for target in sample.targets():
            known.add(class_of(target))
            found |= class_of(target) == concept and bool(target.mask.any())
        if found:
            samples.append(replace(sample, targets=partial(_those, sample.targets, concept)))
    if not samples:
        names = sorted(known)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise InputError(
            f"{dataset.root}: no image of '{dataset.name}' has the concept '{concept}'; there is "
            f"{', '.join(names[:SHOWN])}{more}"
        )
    return replace(dataset, samples=tuple(samples))


def class_of(target: Target) -> str:
    """Its class: the name, or of a label map the number."""
    return target.label or target.id.split("/")[0]


def with_classes(listing: Listing, names: Mapping[str, str]) -> Listing:
    """The same samples, whose targets have the classes that their ids begin with.

    Args:
        listing: of label maps.
        names: by value in the label map, as text.
    """
    names = dict(names)
    return replace(
        listing,
        samples=tuple(replace(each, targets=partial(_named, each.targets, names)) for each in listing.samples),
    )


def _named(targets: Callable[[], Iterator[Target]], names: Mapping[str, str]) -> Iterator[Target]:
    for target in targets():
        yield replace(target, label=names.get(target.id.split("/")[0], ""))


def _those(targets: Callable[[], Iterator[Target]], concept: str) -> Iterator[Target]:
    return (target for target in targets() if class_of(target) == concept)

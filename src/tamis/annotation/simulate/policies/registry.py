"""The ways of annotating by name."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from tamis.annotation.simulate.policies.assisted import Assisted, diverse_first, easy_first, uncertain_first
from tamis.annotation.simulate.policies.protocol import Policy
from tamis.annotation.simulate.policies.scratch import Scratch
from tamis.errors import InputError

POLICIES: Mapping[str, tuple[Callable[[], Policy], str]] = MappingProxyType(
    {
        "scratch": (Scratch, "clicks from scratch"),
        "assistant": (Assisted, "the assistant learns from every mask and proposes the next"),
        "assistant-easy": (partial(Assisted, easy_first), "the same, the surest proposals first"),
        "assistant-uncertain": (partial(Assisted, uncertain_first), "the same, the least sure proposals first"),
        "assistant-diverse": (partial(Assisted, diverse_first), "the same, what is least like the images done first"),
        "retrained": (partial(Assisted, every=10), "the assistant learns after every tenth image only"),
        "propagate": (partial(Assisted, first=1), "the first mask alone proposes all others"),
    }
)


def make_policy(name: str) -> Policy:
    """A way of annotating that remembers nothing yet.

    Raises:
        InputError: there is none of that name.
    """
    if name not in POLICIES:
        raise InputError(f"there is no policy {name!r}: choose from {', '.join(POLICIES)}")
    return POLICIES[name][0]()

"""The ways of annotating by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tamis.annotation.assistant.concept import NEARLY
from tamis.annotation.simulate.policies.assisted import Assisted, diverse_first, easy_first, uncertain_first
from tamis.annotation.simulate.policies.given import Given
from tamis.annotation.simulate.policies.protocol import Policy
from tamis.annotation.simulate.policies.review import LEAST_TOGETHER, Reviewed
from tamis.annotation.simulate.policies.scratch import Scratch
from tamis.arrays import MaskArray
from tamis.errors import InputError

PAGE = 24
"""Proposals on a page of the review, as the annotator's page has them."""

EVERY = 10
"""Images after which `retrained` learns."""


@dataclass(frozen=True)
class Brief:
    """What a way of annotating may want to know.

    Attributes:
        target_iou: from which on a mask is accepted.
        given: masks that are there already, by the name of the image; None for none.
    """

    target_iou: float = 0.9
    given: Callable[[str], MaskArray | None] | None = None


def _given(brief: Brief) -> Policy:
    if brief.given is None:
        raise InputError("the policy 'given' corrects masks that are there: name their folder with --masks")
    return Given(brief.given)


POLICIES: Mapping[str, tuple[Callable[[Brief], Policy], str]] = MappingProxyType(
    {
        "scratch": (lambda brief: Scratch(), "clicks from scratch"),
        "assistant": (lambda brief: Assisted(), "the assistant learns from every mask and proposes the next"),
        "assistant-easy": (lambda brief: Assisted(easy_first), "the same, the surest proposals first"),
        "assistant-uncertain": (lambda brief: Assisted(uncertain_first), "the same, the least sure proposals first"),
        "assistant-diverse": (lambda brief: Assisted(diverse_first), "the same, what is least like those done first"),
        "retrained": (lambda brief: Assisted(every=EVERY), "the assistant learns after every tenth image only"),
        "review": (lambda brief: Reviewed(), "ten images, then all proposals side by side, then what was rejected"),
        "review-pages": (
            lambda brief: Reviewed(page=PAGE, target_iou=brief.target_iou),
            "the same in pages, learning from each, and only where earlier proposals were mostly right",
        ),
        "review-others": (
            lambda brief: Reviewed(page=PAGE, target_iou=brief.target_iou, least=LEAST_TOGETHER, accepts="page"),
            "the same in pages, of which the wrong ones are rejected and one key accepts all others",
        ),
        "review-corrected": (
            lambda brief: Reviewed(
                page=PAGE,
                target_iou=min(NEARLY, brief.target_iou),
                least=LEAST_TOGETHER,
                accepts="page",
                corrects=True,
            ),
            "the same, but a click where a proposal is wrong corrects it there",
        ),
        "propagate": (lambda brief: Assisted(first=1), "the first mask alone proposes all others"),
        "given": (_given, "masks that are there already are corrected"),
    }
)


def make_policy(name: str, brief: Brief = Brief()) -> Policy:
    """A way of annotating that remembers nothing yet.

    Args:
        name: one of `POLICIES`.
        brief: what it may want to know.

    Raises:
        InputError: there is none of that name, or it needs masks that are not given.
    """
    if name not in POLICIES:
        raise InputError(f"there is no policy {name!r}: choose from {', '.join(POLICIES)}")
    return POLICIES[name][0](brief)

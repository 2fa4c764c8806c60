"""Clicks that come one after the other, where each answer starts from what the last one left."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from tamis.clicks import Click
from tamis.errors import InputError

State = TypeVar("State")

KEPT = 4
"""States remembered of one image: those of the mask that is being made, and of some before."""


class Replay(Generic[State]):
    """What each sequence of clicks leaves; may be used by several threads.

    Args:
        first: the state without a click.
        step: from a state and all clicks so far, the last of which is new, to the next state.
    """

    def __init__(self, first: State, step: Callable[[State, Sequence[Click]], State]) -> None:
        self._first, self._step = first, step
        self._known: OrderedDict[tuple[Click, ...], State] = OrderedDict()
        self._lock = Lock()

    def after(self, clicks: Sequence[Click]) -> State:
        """The state after these clicks, made in this order; the longest beginning that is known is not made again.

        Raises:
            InputError: there is no click.
        """
        if not clicks:
            raise InputError("give at least one click: without one there is nothing to segment")
        made = tuple(clicks)
        begun = len(made)
        state = self._first
        with self._lock:
            while begun:
                known = self._known.get(made[:begun])
                if known is not None:
                    state = known
                    break
                begun -= 1
        for count in range(begun + 1, len(made) + 1):
            state = self._step(state, made[:count])
            with self._lock:
                self._known[made[:count]] = state
                if len(self._known) > KEPT:
                    self._known.popitem(last=False)
        return state

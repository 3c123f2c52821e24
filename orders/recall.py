"""What was worked out of which inputs, from one derivation of a tree to the next."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Recall:
    """Keeps each part with its inputs: where these are the same, the outcome is the same object."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], tuple[tuple[Any, ...], Any]] = {}

    def __call__(self, kind: str, name: str, work: Callable[..., T], *inputs: Any) -> T:
        """`work(*inputs)`, which must be a pure function."""
        place = (kind, name)
        part = self._parts.get(place)
        if part is None or part[0] != inputs:
            part = self._parts[place] = (inputs, work(*inputs))
        outcome: T = part[1]
        return outcome

    def within(self, kind: str, work: Callable[..., T], *inputs: Any) -> T:
        """`work(self, *inputs)`, which recalls parts of its own, so is asked only when one of its inputs is another."""
        place = (kind, "")
        part = self._parts.get(place)
        if part is None or part[0] != inputs:
            part = self._parts[place] = (inputs, work(self, *inputs))
        outcome: T = part[1]
        return outcome

"""What was worked out of which inputs, from one derivation of a tree to the next."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from orders.values import Value

T = TypeVar("T")
Parts = Mapping[tuple[str, str], "Part"]
"""Kind and name of a part → the part."""


class Part(Value, frozen=True):
    inputs: tuple[Any, ...]
    outcome: Any


class Recall:
    """Takes what it knows from `last` where the inputs are the same; `parts` is for the next time."""

    def __init__(self, last: Parts | None = None) -> None:
        self._last: Parts = last or {}
        self.parts: dict[tuple[str, str], Part] = {}

    def __call__(self, kind: str, name: str, work: Callable[..., T], *inputs: Any) -> T:
        """`work(*inputs)`, which must be a pure function."""
        part = self._last.get((kind, name))
        if part is None or part.inputs != inputs:
            part = Part(inputs, work(*inputs))
        self.parts[kind, name] = part
        outcome: T = part.outcome
        return outcome

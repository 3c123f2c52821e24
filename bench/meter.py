"""A rate, and what it costs in CPU."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

RATE = "rate"
Figures: TypeAlias = Mapping[str, float]
"""`rate` in changes a second; by the name of each process, µs of CPU a change."""


@dataclass
class Meter:
    """`cpus` tell how many seconds of CPU a process has used so far."""

    cpus: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    begun: float = 0.0
    before: Mapping[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        self.before = self._used()
        self.begun = time.perf_counter()

    def end(self, changes: int) -> Figures:
        """Of that many changes since the beginning."""
        seconds = time.perf_counter() - self.begun
        spent = {name: used - self.before[name] for name, used in self._used().items()}
        return {RATE: changes / seconds, **{name: 1e6 * each / changes for name, each in spent.items()}}

    def _used(self) -> dict[str, float]:
        return {name: used() for name, used in self.cpus.items()}

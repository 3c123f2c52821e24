"""What was handed on and is not durable yet. A reader may ask for more before it has done with what it has."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cdc.change import Position, Transaction


class Waiting:
    """Changes of one source."""

    def __init__(self) -> None:
        self.count = 0
        self._handed: deque[tuple[Position, int]] = deque()

    def add(self, transactions: Iterable[Transaction]) -> None:
        """In the order of their positions."""
        for each in transactions:
            self._handed.append((each.position, len(each.changes)))
            self.count += len(each.changes)

    def done(self, position: Position) -> None:
        """Everything up to there is durable."""
        while self._handed and self._handed[0][0] <= position:
            self.count -= self._handed.popleft()[1]


class _Read(NamedTuple):
    """`ends`: where the transactions end that its records completed, by source; `offsets`: behind all its records."""

    ends: dict[str, Position]
    offsets: Mapping[str, int]


class Offsets:
    """Of topics: behind which of them everything is done with, records that are of no transaction too."""

    def __init__(self) -> None:
        self._reads: deque[_Read] = deque()

    def read(self, transactions: Iterable[Transaction], offsets: Mapping[str, int]) -> None:
        """More records, up to the offsets, which completed these."""
        self._reads.append(_Read({each.source: each.position for each in transactions}, offsets))

    def done(self, positions: Mapping[str, Position]) -> None:
        """By source, everything up to there is durable."""
        for read in self._reads:
            for source, position in positions.items():
                if source in read.ends and read.ends[source] <= position:
                    del read.ends[source]

    def take(self) -> dict[str, int]:
        """What is done with since the last time: source to offset."""
        found: dict[str, int] = {}
        while self._reads and not self._reads[0].ends:
            found.update(self._reads.popleft().offsets)
        return found

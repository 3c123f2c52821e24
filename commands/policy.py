"""When the write path tries again, and when it gives up."""

import random
from datetime import timedelta

from msgspec import Struct


class Policy(Struct, frozen=True):
    """All in seconds, but for `attempts` and `lanes`: how many commands of one source a worker sends at once.

    `lease` is how long a claimed command is its worker's own; behind it another worker reads back and takes over,
    so it must exceed `attempt`, the most that one attempt may take. The waiting times double from `first` to
    `longest`; with these numbers a source may be down for six hours before a person is asked.
    """

    attempt: float = 5
    lease: float = 10
    first: float = 0.5
    longest: float = 300
    attempts: int = 120
    poll: float = 5
    lanes: int = 2

    def delay(self, attempts: int) -> timedelta:
        """The wait after so many attempts: half of it fixed, half of it by chance, so that a herd spreads."""
        full = min(self.longest, self.first * 2 ** min(attempts - 1, 30))
        return timedelta(seconds=full * random.uniform(0.5, 1))

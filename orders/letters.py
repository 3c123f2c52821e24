"""What can be asked about a dead letter, and what comes of it."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class LetterAction(StrEnum):
    REPLAY = "REPLAY"
    DISCARD = "DISCARD"


class LetterOutcome(StrEnum):
    """What became of a letter."""

    REPLAYED = "REPLAYED"
    SUPERSEDED = "SUPERSEDED"
    DISCARDED = "DISCARDED"
    WAITS = "WAITS"
    GONE = "GONE"


class Difference(Struct, frozen=True):
    """A column of a row of the graph before and after; None of column: the row itself came or went, as JSON."""

    table: str
    key: str
    column: str | None
    before: str | None
    after: str | None


class Outcome(Struct, frozen=True):
    """Of one letter. `events` are those that enter the feed, as `TYPE subject id`."""

    letter: int
    became: LetterOutcome
    reason: str | None = None
    differences: Sequence[Difference] = ()
    events: Sequence[str] = ()

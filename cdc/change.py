"""The words of capture: a change of one source row, its position, and the transaction that it came in."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from orders.errors import TransientError

Row = Mapping[str, Any]
"""Column → value as Debezium writes it with decimal.handling.mode=string and time.precision.mode=isostring.

A value that the log did not carry (a large one that the update left alone) is `msgspec.UNSET`.
"""

UNAVAILABLE = "__debezium_unavailable_value"
"""What stands in a column whose large value did not change; in a `Change` it is `msgspec.UNSET`."""


class Op(StrEnum):
    CREATE = "c"
    UPDATE = "u"
    DELETE = "d"
    READ = "r"
    TRUNCATE = "t"


class Position(NamedTuple):
    """A place in one source's log; ordered within that source only.

    `epoch` counts the snapshots of the source, so that whatever a newer snapshot says wins. `log` is the commit
    LSN of the transaction (or the snapshot's), `ordinal` the place in it.
    """

    epoch: int
    log: int
    ordinal: int

    def __str__(self) -> str:
        return f"{self.epoch}/{self.log >> 32:X}/{self.log & 0xFFFFFFFF:X}/{self.ordinal}"


class Change(Struct, frozen=True, gc=False):
    """One row change. `table` is schema-qualified without the database; `key` is the primary key's columns."""

    source: str
    table: str
    op: Op
    key: Row
    before: Row | None
    after: Row | None
    position: Position
    transaction: str | None
    committed_at: datetime | None
    captured_at: datetime


class Broken(Struct, frozen=True, gc=False):
    """What came in a change's place and could not be read: the original bytes and the reason. `table` may be empty."""

    source: str
    table: str
    position: Position
    raw: bytes
    reason: str


class Snapshot(StrEnum):
    """Where in a snapshot a transaction lies; NO when it was streamed."""

    NO = "no"
    PART = "part"
    LAST = "last"


class Transaction(Struct, frozen=True):
    """The changes that became visible together in the source, in their order.

    `resume` is what the source needs to go on behind it: stored in the checkpoint, given back at the next start.
    `seen` counts the changes that the source says it had, filtered ones among them.
    `snapshot` says whether it is a slice of a snapshot; the LAST one ends it, possibly without changes.
    """

    source: str
    changes: Sequence[Change | Broken]
    position: Position
    resume: bytes | None
    seen: int
    snapshot: Snapshot = Snapshot.NO


class Checkpoint(Struct, frozen=True):
    """How far a projector is in one source. `snapshotting` is true until a snapshot has been taken whole."""

    source: str
    position: Position
    resume: bytes | None
    snapshotting: bool = False


class RebalancedError(TransientError):
    """Which sources are this reader's has changed: open again, with the checkpoints as they are now."""


class ChangeSource(Protocol):
    """The one seam between capture and projection."""

    def open(
        self, checkpoints: Mapping[str, Checkpoint]
    ) -> AbstractAsyncContextManager[AsyncIterator[Sequence[Transaction]]]:
        """Batches of whole transactions behind the checkpoints, of all sources; per source in commit order."""
        ...

    async def processed(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Tell the source what is durable here; it may then forget what lies before."""
        ...


class SharedSource(ChangeSource, Protocol):
    """A source whose databases several readers share."""

    async def assigned(self) -> Sequence[str]:
        """The databases that are this reader's now, maybe none; waits while they are being shared out."""
        ...

"""Lines of one source → whole transactions. All it knows is what it was fed.

A transaction comes as BEGIN, its rows, END. END's id is `txId:lsn` with the LSN behind the commit record, which rises
in the order of the commits; the LSNs of rows do not. Snapshot rows belong to no transaction; they leave in slices, and
the notification that the snapshot is complete makes the last one, empty or not.

MariaDB's END has its GTID for an id; the place of the last row stands for the transaction's. The offset of END says
where the transaction begins in the log and how many of its events to skip. Resumed there, BEGIN and END come once more,
without rows; one without rows is put where it begins or, in a topic, where there are no offsets, right behind the one
before it. A statement like ALTER has a BEGIN alone.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from cdc.binlog import binlog_log
from cdc.change import Position, Snapshot, Transaction
from cdc.envelope import Line, Place, Unreadable, changes
from cdc.spill import Spill, SpilledChanges
from orders.errors import TransientError

log = logging.getLogger(__name__)

SLICE = 2_000
"""The most changes in one slice of a snapshot."""

IN_MEMORY = 10_000
"""The most lines of a transaction that are kept in memory; more go to a file."""

NOWHERE: Final = Position(0, 0, 0)
"""Before all that was ever read."""

TEARS: Final = 3
"""What came torn so often at one place is not waited for any more: it never comes whole."""

Lines = list[Line | Unreadable]


class Tears:
    """Counts how often what comes is torn behind one place."""

    def __init__(self) -> None:
        self._behind, self._count = NOWHERE, 0

    def add(self, behind: Position) -> bool:
        """Once more; whether it never comes whole."""
        self._count = self._count + 1 if behind == self._behind else 1
        self._behind = behind
        return self._count >= TEARS


class TornError(TransientError):
    """A transaction did not come whole: what the source counted is not what came. The engine has to start again."""


class Ended(NamedTuple):
    """A transaction and the index of the line that ended it among those fed; None where no line may be marked."""

    transaction: Transaction
    line: int | None


class _Offset(msgspec.Struct):
    lsn: int = 0
    file: str = ""
    pos: int = 0

    @property
    def log(self) -> int:
        return binlog_log(self.file, self.pos) if self.file else self.lsn


_offset: Final = msgspec.json.Decoder(_Offset)


@dataclass(slots=True)
class Assembler:
    """Puts the transactions of one source together, in one `epoch`.

    `snapshotting` says that a snapshot comes first; rows of the tables in `hidden` are only counted; `seal` makes a
    checkpoint's `resume` of an engine's offset; what is too large for memory goes to `folder`. Slices of a snapshot are
    handed on with what was fed if `eager`, else only when they are full, so that they are the same ones whenever the
    snapshot is read again. `last` is the position of the transaction before.
    """

    source: str
    epoch: int
    snapshotting: bool
    hidden: frozenset[str] = frozenset()
    seal: Callable[[bytes], bytes] = bytes
    folder: Path | None = None
    eager: bool = True
    last: Position = NOWHERE
    _open: str | None = None
    _lines: Lines = field(default_factory=list)
    _strays: Lines = field(default_factory=list)
    _lsn: int = 0
    _first: Line | None = None
    _rows: int = 0
    _spill: Spill | None = None
    _warned: bool = False

    @property
    def open(self) -> str | None:
        """The number of the transaction that has begun and not ended."""
        return self._open

    @property
    def first_row(self) -> tuple[str, int, int] | None:
        """The first row of the transaction that began last, if it came and its log is a binary one."""
        origin = self._first.value.source if self._first else None
        return origin.binlog_row if origin else None

    def feed(self, lines: Iterable[Line | Unreadable]) -> Iterator[Ended]:
        """What the lines complete. Raises TornError; the assembler is of no use then."""
        for index, line in enumerate(lines):
            if isinstance(line, Unreadable):
                self._unreadable(line)
            elif line.value.op is not None:
                self._row(line)
            elif (transaction := self._boundary(line)) is not None:
                yield Ended(transaction, index)
            if self.snapshotting and len(self._lines) >= SLICE:
                yield Ended(self._part(), None)
            elif len(self._lines) >= IN_MEMORY:
                self._put_away()
        if self.eager and self.snapshotting and self._lines:
            yield Ended(self._part(), None)

    def _unreadable(self, line: Unreadable) -> None:
        inside = self.snapshotting or self._open is not None
        (self._lines if inside else self._strays).append(line)

    def _row(self, line: Line) -> None:
        number = line.transaction
        if line.is_message and number is None:
            # Written to the log at once, whatever becomes of the transaction that it may stand in.
            return
        if line.is_incremental:
            self._leave_out(line)
            return
        if number != self._open or (number is None and not self.snapshotting):
            raise TornError(f"a row of transaction {number} came within {self._open}")
        if (origin := line.value.source) and (self.snapshotting or origin.file):
            self._lsn = origin.log or self._lsn
        self._first = self._first or line
        self._lines.append(line)

    def _leave_out(self, line: Line) -> None:
        """A row of an incremental snapshot. Nothing in it says as of when it was read, and it may be older than what
        the log said before (see ARCHITECTURE.md): what is shown would go back. END does not count it.
        """
        if not self._warned:
            self._warned = True
            log.error(
                "%s: the rows of an incremental snapshot, as of %s, are left out: nobody knows as of when they are; "
                "have a whole snapshot taken instead",
                self.source,
                line.table,
            )

    def _boundary(self, line: Line) -> Transaction | None:
        if line.value.status == "BEGIN":
            self._begin(_number(line.value.id))
        elif line.value.status == "END":
            return self._end(line)
        elif line.ends_snapshot and self.snapshotting:
            return self._last(line)
        return None

    def _begin(self, number: str) -> None:
        """After a reconnect the open transaction comes again from its BEGIN, without an END before it.

        A Postgres may then say an earlier one first. A MariaDB's reader goes on with the open one, or has lost it.
        """
        if self.first_row and self._open not in (None, number):
            raise TornError(f"transaction {self._open} never ended: {number} began")
        self._open, self._lines, self._spill, self._first = number, [], None, None

    def _put_away(self) -> None:
        if self._spill is None:
            self._spill = Spill(self.folder, self.hidden)
        self._spill.add(self._take())

    def _end(self, line: Line) -> Transaction:
        number, seen = _number(line.value.id), line.value.event_count or 0
        count, unreadable = self._counted()
        if self._open != number or not count - unreadable <= seen <= count:
            # Nobody knows of an unreadable line whether it was a row.
            raise TornError(f"transaction {number} has {seen} changes, {count} came in {self._open}")
        self._open, strays, self._strays = None, self._strays, []
        resume, (log, before) = self.seal(bytes(line.offset)), self._place(line, count)
        place = partial(Position, self.epoch, log)
        if self._spill is None:
            return self._made(self._take() + strays, place, before, resume, Snapshot.NO)
        self._lines += strays
        self._put_away()
        spill, self._spill = self._spill, None
        rows = SpilledChanges(self.source, spill, place, self.hidden)
        self.last = place(spill.count)
        return Transaction(self.source, rows, self.last, resume, spill.count)

    def _place(self, end: Line, count: int) -> tuple[int, int]:
        """Of the transaction of `count` changes: its LSN, and how many places of that are taken."""
        _, _, lsn = end.value.id.partition(":")
        if lsn or self._first:
            return int(lsn or self._lsn), 0
        if begun := _offset.decode(end.offset).log:
            # One byte into it: a snapshot may lie right before it.
            return begun + 1, 0
        return self.last.log, self.last.ordinal + (not count)

    def _counted(self) -> tuple[int, int]:
        """How many lines came in the open transaction, and how many of them cannot be read."""
        unreadable = sum(isinstance(line, Unreadable) for line in self._lines)
        away = self._spill
        return len(self._lines) + (away.count if away else 0), unreadable + (away.unreadable if away else 0)

    def _part(self) -> Transaction:
        before, lines = self._rows, self._take()
        self._rows += len(lines)
        return self._made(lines, partial(Position, self.epoch, self._lsn), before, None, Snapshot.PART)

    def _last(self, line: Line) -> Transaction:
        # One ordinal further than its rows need, so that it lies behind the slice before it even when it is empty.
        before, lines = self._rows + 1, self._take()
        self.snapshotting = False
        place = partial(Position, self.epoch, _offset.decode(line.offset).log or self._lsn)
        return self._made(lines, place, before, self.seal(bytes(line.offset)), Snapshot.LAST)

    def _take(self) -> Lines:
        lines, self._lines = self._lines, []
        return lines

    def _made(self, lines: Lines, place: Place, before: int, resume: bytes | None, snapshot: Snapshot) -> Transaction:
        self.last = place(before + len(lines))
        return Transaction(
            source=self.source,
            changes=tuple(changes(self.source, lines, place, self.hidden, before + 1)),
            position=self.last,
            resume=resume,
            seen=len(lines),
            snapshot=snapshot,
        )


def _number(transaction: str) -> str:
    return transaction.partition(":")[0]

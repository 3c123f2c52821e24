"""One source's topic → whole transactions. Pure: all it knows are its checkpoint and the records it was fed.

A topic holds all that Debezium says of one source, in one partition: rows, BEGIN and END, and what it announces of its
snapshots. It announces one at each start of its task: STARTED, or SKIPPED when it only goes on. That is the mark to
look at, since a task that was killed goes on in the middle of a transaction, with rows doubled or, where many share an
LSN, left out, and with a count at the END that may be right all the same. So a transaction that was open at a mark is
believed only when it comes again from its BEGIN. Of MariaDB the rest of it comes with a BEGIN of its own and a count
that is right: there the row that was the first before must be the first again. Epochs count the snapshots that the
topic holds: they, and so all positions, are the same whenever it is read again.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from cdc.binlog import binlog_log
from cdc.change import Checkpoint, Position, Snapshot, Transaction
from cdc.envelope import Line, Unreadable, decode
from cdc.transactions import Assembler, Tears, TornError

SNAPSHOT: Final = "a snapshot"
ANY: Final = "a transaction"


class Record(NamedTuple):
    """Of a topic; JSON, both may be missing."""

    offset: int
    key: bytes | None
    value: bytes | None


class Place(Struct, frozen=True):
    """Where to read on: the offset of a record, and the epoch that its predecessor is in. A checkpoint's `resume`.

    `end` is the id of that predecessor, `gtid` that of the last transaction with rows, if transactions have GTIDs.
    """

    kafka: int
    epoch: int
    end: str = ""
    gtid: str = ""


class Bounds(NamedTuple):
    """The offsets of the first record that a topic still has, and of the next one that it will get."""

    first: int
    end: int


class Loss(NamedTuple):
    """The topic does not hold on: why, and behind which LSN it has to be filled again; None for a new snapshot.

    Of a binary log it is the place of a row, in the transaction `gtid` if that is known.
    """

    reason: str
    behind: int | None
    gtid: str = ""


class Topic:
    """`hidden` tables are only counted. `loss` is set while nothing can be handed on; records to come may mend it."""

    def __init__(self, source: str, checkpoint: Checkpoint | None, bounds: Bounds, hidden: frozenset[str]) -> None:
        self.source = source
        self.loss: Loss | None = None
        self.last = checkpoint.position if checkpoint else Position(0, 0, 0)
        self._hidden = hidden
        self._awaited: str | None = None
        self._known: Checkpoint | None = None
        self._torn: tuple[str, tuple[str, int, int]] | None = None
        self._tears = Tears()
        self._gtid, self._id, self._has_gtids = "", "", False
        self._snapshot = Place(0, 0)
        self._assembler = self._assemble(self.last.epoch, snapshotting=False)
        self.offset = self._start(checkpoint, bounds)

    @property
    def epoch(self) -> int:
        return self._assembler.epoch

    @property
    def snapshotting(self) -> bool:
        return self._awaited is None and self._assembler.snapshotting

    def feed(self, records: Sequence[Record]) -> Iterator[Transaction]:
        """What is new. `offset` is where to read on afterwards; it may lie before the records."""
        for record, line in zip(records, decode(b"\n".join(map(_text, records))), strict=True):
            if record.offset < self.offset:
                continue
            known, self._known = self._known, None
            if known and not _ended(line, known):
                self._begin_anew(f"its topic has another record at {record.offset} than the checkpoint says")
                return
            self.offset = record.offset + 1
            if known:
                continue  # It was only to be looked at: what it ends was read before.
            for transaction in self._line(line):
                if transaction.position > self.last:
                    self.last = transaction.position
                    yield self._placed(transaction)

    def _start(self, checkpoint: Checkpoint | None, bounds: Bounds) -> int:
        place = place_of(checkpoint)
        if checkpoint is None or place is None:
            self._lose(SNAPSHOT, "its topic does not begin with a snapshot")
            return bounds.first
        self._assembler = self._assemble(place.epoch, snapshotting=False)
        self._gtid = place.gtid
        if checkpoint.snapshotting or place.kafka == 0:
            self._lose(SNAPSHOT, "its topic does not have the snapshot that was being read")
            return place.kafka if bounds.first <= place.kafka < bounds.end else bounds.first
        if bounds.first < place.kafka <= bounds.end:
            # One record earlier, to see whether this is the topic that was read so far.
            self._known = checkpoint
            return place.kafka - 1
        if bounds.first != place.kafka:
            self._lose(SNAPSHOT, f"its topic begins at {bounds.first} and ends at {bounds.end}, not at {place.kafka}")
        return bounds.first

    def _begin_anew(self, reason: str) -> None:
        self.offset = 0
        self._lose(SNAPSHOT, reason)

    def _line(self, line: Line | Unreadable) -> Iterator[Transaction]:
        if isinstance(line, Line):
            self._id = line.value.id
            self._mark(line)
        if self._awaited is None:
            try:
                yield from (ended.transaction for ended in self._assembler.feed([line]))
            except TornError as error:
                number = self._assembler.open or (line.transaction if isinstance(line, Line) else None)
                by_snapshot = self._assembler.snapshotting or self._tears.add(self.last)
                self._lose(SNAPSHOT if by_snapshot else number or ANY, str(error))

    def _mark(self, line: Line) -> None:
        if line.of_snapshot == "STARTED":
            self._snapshot, self._torn = Place(self.offset - 1, self.epoch), None
            self._begin(self.epoch + 1, snapshotting=True)
        elif line.of_snapshot == "SKIPPED" and self._awaited is None:
            self._restarted()
        elif line.value.status == "BEGIN":
            number, _, lsn = line.value.id.partition(":")
            self._has_gtids = not lsn
            if self._awaited in (ANY, number):
                self._begin(self.epoch, snapshotting=False)
        elif line.value.status == "END":
            self._ends(*line.value.id.partition(":"))

    def _ends(self, number: str, _: str, lsn: str) -> None:
        """The END of a transaction, before it is believed."""
        if self._awaited == number and lsn and int(lsn) <= self.last.log:
            # It is here already, and so is whatever ended before it.
            self._awaited, self.loss = ANY, None
        elif self._awaited is None and self._is_torn(self._assembler.open):
            if self._torn == (self._assembler.open, self._assembler.first_row):
                self._torn = None
            else:
                self._lose(number, f"its connector left out the first rows of transaction {number}")

    def _restarted(self) -> None:
        number, first = self._assembler.open, self._assembler.first_row
        if self._assembler.snapshotting:
            self._lose(SNAPSHOT, "its snapshot was broken off")
        elif number is None or self._comes_whole(number):
            # What comes before the next BEGIN is the rest of a transaction that is here already.
            self._awaited = ANY
        else:
            if first and not self._is_torn(number):
                self._torn = number, first
            self._lose(number, f"its connector was restarted within transaction {number}")

    def _comes_whole(self, number: str) -> bool:
        """Whether it does, or is here already.

        None of its rows has come, so none is left out, since with GTIDs BEGIN is no place among the rows; or its first
        row lies before the end of what is here.
        """
        if first := self._assembler.first_row:
            return binlog_log(*first[:2]) <= self.last.log
        return self._has_gtids and not self._is_torn(number)

    def _is_torn(self, number: str | None) -> bool:
        return self._torn is not None and self._torn[0] == number

    def _begin(self, epoch: int, *, snapshotting: bool) -> None:
        self._assembler = self._assemble(epoch, snapshotting=snapshotting)
        self._awaited = self.loss = None

    def _lose(self, awaited: str, reason: str) -> None:
        self._awaited = awaited
        self.loss = Loss(reason, None) if awaited == SNAPSHOT else Loss(reason, self.last.log, self._gtid)

    def _assemble(self, epoch: int, *, snapshotting: bool) -> Assembler:
        return Assembler(self.source, epoch, snapshotting, self._hidden, eager=False, last=self.last)

    def _placed(self, transaction: Transaction) -> Transaction:
        """The transaction that the assembler has just ended, with where to read on behind it.

        A slice of a snapshot leads back to where that begins: it is of no use by itself.
        """
        place = self._snapshot
        if transaction.snapshot is not Snapshot.PART:
            self._gtid = self._gtid_behind(transaction)
            place = Place(self.offset, self.epoch, self._id, self._gtid)
        return replace(transaction, resume=msgspec.json.encode(place))

    def _gtid_behind(self, transaction: Transaction) -> str:
        if transaction.snapshot is Snapshot.LAST:
            return ""
        return self._id if self._has_gtids and self._assembler.first_row else self._gtid


def place_of(checkpoint: Checkpoint | None) -> Place | None:
    """Where in the topic a checkpoint lies; None when it is not one of a topic."""
    try:
        return msgspec.json.decode(checkpoint.resume or b"", type=Place) if checkpoint else None
    except msgspec.DecodeError:
        return None


def _ended(line: Line | Unreadable, checkpoint: Checkpoint) -> bool:
    """Whether this is the record that ended the transaction, or the snapshot, before this checkpoint."""
    if isinstance(line, Unreadable) or not (line.ends_snapshot or line.value.status == "END"):
        return False
    place = place_of(checkpoint)
    if place and place.end:
        return line.value.id == place.end
    return line.ends_snapshot or line.value.id.endswith(f":{checkpoint.position.log}")


def _text(record: Record) -> bytes:
    """The record as a line, as `decode` reads them; what is no JSON must not become several."""
    line = b"[%b,%b,{}]" % (record.key or b"null", record.value or b"{}")
    return line.replace(b"\n", b" ") if b"\n" in line else line

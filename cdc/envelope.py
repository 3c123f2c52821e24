"""Debezium's JSON as typed values: lines `[key, value]` or `[key, value, offset]`, one a record, read in bulk."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct

from cdc.binlog import binlog_log
from cdc.change import Broken, Change, Op, Position, Row

SNAPSHOT_TOPIC: Final = "milepost.notification"
"""Where the connector announces how its snapshot goes; only the end of it is of interest."""

_PLACEHOLDER: Final = "__debezium_unavailable_value"
_IN_BYTES: Final = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
_IN_MAP: Final = f'{{"{_PLACEHOLDER}":"{_PLACEHOLDER}"}}'
_ABSENT_TEXTS: Final = frozenset({_PLACEHOLDER, _IN_BYTES, _IN_MAP})
_ABSENT_LISTS: Final = ([_PLACEHOLDER], list(_PLACEHOLDER.encode()))
_ABSENT_MAP: Final = {_PLACEHOLDER: _PLACEHOLDER}
_TRACES: Final = (_PLACEHOLDER.encode(), _IN_BYTES.encode(), b"95,95,100,101,98,101,122,105,117,109,95")

PIECE: Final = 64_000
"""Bytes: lines whose objects fit into a processor's cache take two thirds of the time."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OPS: Final[Mapping[str, Op]] = {str(op): op for op in Op}


class Origin(Struct, gc=False):
    """Debezium's `source` block: where and when a row changed. `ts_us` in microseconds of UTC.

    Postgres says `schema` and `lsn`, MariaDB `file` and `pos`, the place of an event in its binary log, and which `row`
    of the event it is. `snapshot` says of which kind of snapshot a row is, if any.
    """

    schema: str = ""
    table: str = ""
    ts_us: int = 0
    lsn: int | None = None
    file: str = ""
    pos: int = 0
    row: int = 0
    snapshot: str | bool | None = None

    @property
    def name(self) -> str:
        """Of the table, with its schema where the database has schemas."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def log(self) -> int | None:
        """The place in the log, None where there is none."""
        return binlog_log(self.file, self.pos) if self.file else self.lsn

    @property
    def binlog_row(self) -> tuple[str, int, int] | None:
        """Which row of a binary log it is; None of another log."""
        return (self.file, self.pos, self.row) if self.file else None


class Membership(Struct, gc=False):
    """The transaction that a row changed in; `id` is `txId:lsn`, and only its first part is the same for all.

    Of MariaDB it is the GTID.
    """

    id: str


class Event(Struct):
    """Any value that the engine hands over: a row's change, a transaction's end, a notification, a heartbeat."""

    before: Row | None = None
    after: Row | None = None
    source: Origin | None = None
    op: str | None = None
    ts_us: int = 0
    transaction: Membership | None = None
    status: str | None = None
    id: str = ""
    event_count: int | None = None
    aggregate_type: str | None = None
    type: str | None = None


class Line(Struct, array_like=True):
    """One record. `offset` is there for records of the transaction and notification topics."""

    key: Row | None
    value: Event
    offset: Raw = Raw()

    @property
    def table(self) -> str:
        origin = self.value.source
        return origin.name if origin else ""

    @property
    def is_row(self) -> bool:
        return self.value.op in _OPS

    @property
    def is_message(self) -> bool:
        """Whether it is what a program wrote into the log of a Postgres itself, and no table has."""
        return self.value.op == "m"

    @property
    def is_incremental(self) -> bool:
        """Whether it is a row of a snapshot that is taken in pieces while the log is read."""
        return self.value.source is not None and self.value.source.snapshot == "incremental"

    @property
    def of_snapshot(self) -> str | None:
        """What is announced of the snapshot that may come first: STARTED, …, COMPLETED, or SKIPPED when none is due."""
        return self.value.type if self.value.aggregate_type == "Initial Snapshot" else None

    @property
    def ends_snapshot(self) -> bool:
        return self.of_snapshot == "COMPLETED"

    @property
    def transaction(self) -> str | None:
        """The number of the transaction that a row belongs to, None in a snapshot."""
        return self.value.transaction.id.partition(":")[0] if self.value.transaction else None


class Unreadable(Struct, frozen=True):
    """A line that is not what the engine promises: its bytes, and why."""

    raw: bytes
    reason: str


_decoder: Final = msgspec.json.Decoder(Line)


def decode(chunk: bytes | bytearray | memoryview) -> list[Line | Unreadable]:
    """The lines of a batch. One that cannot be read is returned as such; nothing is raised."""
    lines: list[Line | Unreadable]
    try:
        lines = [*_decoder.decode_lines(chunk)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        lines = [_decode_one(raw) for raw in bytes(chunk).split(b"\n") if raw]
    if _mentions_absent(chunk):
        _mark_absent(lines)
    return lines


def decoded(chunk: bytes | bytearray, piece: int = PIECE) -> Iterator[Line | Unreadable]:
    """The same lines, decoded some bytes at a time, for one who is done with each before the next."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start + piece)
        end = len(chunk) if end < 0 else end
        yield from decode(chunk[start:end])
        start = end + 1


def _decode_one(raw: bytes) -> Line | Unreadable:
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable(raw, f"{type(error).__name__}: {error}")


def _mentions_absent(chunk: bytes | bytearray | memoryview) -> bool:
    data = chunk if isinstance(chunk, (bytes, bytearray)) else bytes(chunk)
    return any(trace in data for trace in _TRACES)


def _mark_absent(lines: list[Line | Unreadable]) -> None:
    for line in lines:
        if isinstance(line, Line) and line.value.after:
            line.value.after = _without_placeholders(line.value.after, line.value.before or {})


def _without_placeholders(after: Row, before: Row) -> Row:
    return {name: _present(value, before.get(name)) if is_absent(value) else value for name, value in after.items()}


def _present(value: Any, before: Any) -> Any:
    return UNSET if before is None or is_absent(before) else before


def is_absent(value: object) -> bool:
    """Whether this is Debezium's mark for a value that the log did not carry, in any of its forms."""
    match value:
        case str():
            return value in _ABSENT_TEXTS
        case list():
            return value in _ABSENT_LISTS
        case dict():
            return value == _ABSENT_MAP
    return False


@lru_cache(maxsize=256)
def instant(microseconds: int) -> datetime:
    """All changes of a transaction say the same."""
    return _EPOCH + timedelta(microseconds=microseconds)


Place = Callable[[int], Position]
"""Ordinal in the transaction → position."""


def changes(
    source: str, lines: list[Line | Unreadable], place: Place, hidden: frozenset[str], first: int = 1
) -> Iterator[Change | Broken]:
    """What the lines say about rows, in their order; ordinals count from `first`, tables of `hidden` among them."""
    for ordinal, line in enumerate(lines, first):
        if isinstance(line, Unreadable):
            yield Broken(source=source, table="", position=place(ordinal), raw=line.raw, reason=line.reason)
        elif is_wanted(line, hidden):
            yield change(source, line, place(ordinal))


def is_wanted(line: Line | Unreadable, hidden: frozenset[str]) -> bool:
    """Whether it is a change, or stands in the place of one."""
    return isinstance(line, Unreadable) or (line.value.op in _OPS and not (hidden and line.table in hidden))


def change(source: str, line: Line, position: Position) -> Change:
    """A row's change; the key is empty for a table without a primary key."""
    value, origin = line.value, line.value.source or Origin()
    return Change(
        source=source,
        table=origin.name,
        op=_OPS[value.op or ""],
        key=line.key or {},
        before=value.before,
        after=value.after,
        position=position,
        transaction=line.transaction,
        committed_at=instant(origin.ts_us) if value.transaction else None,
        captured_at=instant(value.ts_us),
    )

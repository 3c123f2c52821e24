"""Reads columns of a captured row; what cannot be read is a PoisonError that names table, column and value."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from cdc.change import Change, Op, Row
from orders.errors import PoisonError
from orders.facts import Fact

_T = TypeVar("_T")


class Columns:
    """One row's columns, by type. `partial` tells that a large value came unchanged and so not at all."""

    def __init__(self, source: str, table: str, row: Row, zone: ZoneInfo | None = None) -> None:
        self.source = source
        self._table = table
        self._row = row
        self._zone = zone
        self.partial = False

    def _raw(self, column: str) -> Any:
        try:
            return self._row[column]
        except KeyError:
            raise PoisonError(f"{self._table} has no column {column}: was it dropped or renamed?") from None

    def _read(self, column: str, convert: Callable[[Any], _T]) -> _T | None:
        raw = self._raw(column)
        if raw is None:
            return None
        try:
            return convert(raw)
        except (ValueError, TypeError, KeyError, ArithmeticError):
            raise PoisonError(f"{self._table}.{column} cannot be read: {str(raw)[:80]!r}") from None

    def _must(self, column: str, value: _T | None) -> _T:
        if value is None:
            raise PoisonError(f"{self._table}.{column} is null")
        return value

    def text(self, column: str) -> str | None:
        raw = self._raw(column)
        return None if raw is None else str(raw)

    def large_text(self, column: str) -> str | None:
        """A text that the log leaves out when it did not change."""
        if self._raw(column) is msgspec.UNSET:
            self.partial = True
            return cast("str", msgspec.UNSET)  # the fact is partial: the store puts the old value back
        return self.text(column)

    def id(self, column: str) -> str:
        return self._must(column, self.text(column))

    def flag(self, column: str) -> bool:
        return bool(self._raw(column))

    def number(self, column: str) -> Decimal | None:
        return self._read(column, finite)

    def quantity(self, column: str) -> Decimal:
        return self._must(column, self.number(column))

    def day(self, column: str) -> date | None:
        return self._read(column, lambda raw: date.fromisoformat(raw[:10]))

    def wall_clock(self, column: str) -> datetime | None:
        """A time without a zone, on the clock where the row was written (`zone`), as an instant."""
        return self._read(column, lambda raw: in_zone(naive(raw), self._zone or UTC))

    def naive(self, column: str) -> datetime:
        return self._must(column, self._read(column, naive))

    def instant(self, column: str) -> datetime | None:
        return self._read(column, lambda raw: datetime.fromisoformat(raw).astimezone(UTC))

    def code(self, column: str, table: Mapping[str, _T]) -> _T:
        """The code's meaning; an unknown code is poison, since the row cannot be understood without it."""
        return self._must(column, self._read(column, lambda raw: table[raw.strip()]))


def finite(raw: str) -> Decimal:
    number = Decimal(raw)
    if not number.is_finite():
        raise ValueError(raw)
    return number


def naive(raw: str) -> datetime:
    return datetime.fromisoformat(raw.removesuffix("Z"))


def in_zone(local: datetime, zone: tzinfo) -> datetime:
    """The instant of a wall clock's time. A time that the clock shows twice, or never, is read in standard time."""
    readings = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    return max(reading.astimezone(UTC) for reading in readings) if is_twice(readings) else readings[0].astimezone(UTC)


def is_twice(readings: Sequence[datetime]) -> bool:
    first, second = (reading.utcoffset() or timedelta() for reading in readings)
    return first > second


def minutes(offset: str) -> int:
    """`-05:30` → -330."""
    hours, _, rest = offset.lstrip("+-").partition(":")
    total = int(hours) * 60 + int(rest or 0)
    return -total if offset.startswith("-") else total


def at_offset(local: datetime, offset: int | None) -> datetime:
    """The instant of a local time; without an offset the clock is taken for UTC."""
    return (local - timedelta(minutes=offset or 0)).replace(tzinfo=UTC)


class TableRule:
    """How one table's rows are facts: `kind` and key columns make the fact's key, `read` the fact."""

    def __init__(self, kind: str, key: Sequence[str], read: Callable[[str, Columns], Fact]) -> None:
        self._kind = kind
        self._key = key
        self._read = read

    def facts(self, change: Change, zone: ZoneInfo | None) -> list[Fact]:
        key = Columns(change.source, change.table, change.key)
        name = "/".join([self._kind, *(key.id(column) for column in self._key)])
        if change.op is Op.DELETE or change.after is None:
            return [Fact(key=name)]
        columns = Columns(change.source, change.table, change.after, zone)
        fact = self._read(name, columns)
        return [msgspec.structs.replace(fact, partial=True) if columns.partial else fact]


class TableMapping:
    """A mapping made of one rule per table."""

    def __init__(self, rules: Mapping[str, TableRule], zone: ZoneInfo | None = None) -> None:
        self.tables = tuple(rules)
        self._rules = rules
        self._zone = zone

    def facts(self, change: Change) -> Sequence[Fact]:
        rule = self._rules.get(change.table)
        return rule.facts(change, self._zone) if rule else ()

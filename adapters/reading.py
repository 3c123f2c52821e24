"""Reads columns of a captured row; what cannot be read is a PoisonError that names table, column and value."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec

from cdc.change import Change, Op, Row
from orders.errors import PoisonError
from orders.facts import Fact

_T = TypeVar("_T")
_OFFSET = re.compile(r"Z|(?P<sign>[+-]?)(?P<hours>[01]?\d):?(?P<minutes>[0-5]\d)?", re.ASCII)
LONGEST = 1_000
"""Characters of a text that is looked for by its parts."""


class Columns:
    """One row's columns, by type. `partial` tells that a large value came unchanged and so not at all."""

    def __init__(self, source: str, table: str, row: Row, zone: ZoneInfo | None = None) -> None:
        self.source = source
        self.table = table
        self._row = row
        self._zone = zone
        self.partial = False

    def _raw(self, column: str) -> Any:
        try:
            return self._row[column]
        except KeyError:
            raise PoisonError(
                f"{self.table} has no column {column}, which the mapping reads: was it dropped or renamed? {self._cure}"
            ) from None

    @property
    def _cure(self) -> str:
        return f"Put that right in {self.source}, or mend its mapping and replay the dead letter"

    def _read(self, column: str, convert: Callable[[Any], _T], expected: str | Mapping[str, object]) -> _T | None:
        raw = self._row.get(column)
        if raw is None:
            self._raw(column)  # complains if the column is not there
            return None
        try:
            return convert(raw)
        except (AttributeError, ValueError, TypeError, KeyError, ArithmeticError):
            wish = expected if isinstance(expected, str) else f"one of {', '.join(sorted(expected))}"
            raise PoisonError(
                f"{self.table}.{column} cannot be read: {str(raw)[:80]!r}; the mapping expects {wish}. {self._cure}"
            ) from None

    def _must(self, column: str, value: _T | None) -> _T:
        if value is None:
            raise PoisonError(f"{self.table}.{column} is null; the mapping expects a value. {self._cure}")
        return value

    def text(self, column: str) -> str | None:
        """The log leaves it out when it is large and did not change."""
        raw = self._row.get(column)
        if type(raw) is str:  # nearly always, so first
            return raw
        raw = self._raw(column)
        if raw is msgspec.UNSET:
            self.partial = True
            return cast("str", raw)  # the fact is partial: the store puts the old value back
        return None if raw is None else str(raw)

    def reference(self, column: str) -> str | None:
        """A text by whose parts people look for something: it must be short enough to be cut into all of them."""
        found = self.text(column)
        if type(found) is str and len(found) > LONGEST:
            size = f"has {len(found)} characters; the mapping expects {LONGEST} at most"
            raise PoisonError(f"{self.table}.{column} {size}. {self._cure}")
        return found

    def id(self, column: str) -> str:
        raw = self._row.get(column)
        if type(raw) is str:
            return raw
        if type(raw) is int:
            return str(raw)
        text = self._must(column, self.text(column))
        if self._raw(column) is msgspec.UNSET:
            raise PoisonError(
                f"{self.table}.{column} did not change and is so large that the log leaves it out; "
                f"there run: alter table {self.table} replica identity full, then update the row"
            )
        return text

    def flag(self, column: str) -> bool:
        return bool(self._raw(column))

    def number(self, column: str) -> Decimal | None:
        return self._read(column, finite, "a decimal number")

    def quantity(self, column: str) -> Decimal:
        return self._must(column, self._read(column, finite, "a decimal number"))

    def day(self, column: str) -> date | None:
        return self._read(column, calendar_day, "a day")

    def wall_clock(self, column: str) -> datetime | None:
        """A time without a zone, on the clock where the row was written (`zone`), as an instant."""
        return self._read(column, self._on_the_wall, "a local time")

    def _on_the_wall(self, raw: str) -> datetime:
        return on_the_wall(raw, self._zone or UTC)

    def naive(self, column: str) -> datetime:
        return self._must(column, self._read(column, naive, "a local time"))

    def instant(self, column: str) -> datetime | None:
        return self._read(column, in_utc, "an instant")

    def moment(self, column: str) -> datetime:
        """An instant that has to be there."""
        return self._must(column, self.instant(column))

    def code(self, column: str, table: Mapping[str, _T]) -> _T:
        """The meaning of a code, a number's too; an unknown one is poison, as it is needed to understand the row."""
        return self._must(column, self._read(column, lambda raw: table[str(raw).strip()], table))


class Guess(Columns):
    """Reads what it can, for a row that cannot be read: whose it is may be plain all the same."""

    def _raw(self, column: str) -> Any:
        return self._row.get(column)

    def _read(self, column: str, convert: Callable[[Any], _T], expected: str | Mapping[str, object]) -> _T | None:
        try:
            return super()._read(column, convert, expected)
        except PoisonError:
            return None

    def _must(self, column: str, value: _T | None) -> _T:
        return cast("_T", "") if value is None else value


def finite(raw: str | int) -> Decimal:
    """A number of the binary kind is refused: what it was in the source cannot be told any more."""
    if isinstance(raw, float | bool):
        raise TypeError(raw)
    number = Decimal(raw)
    if not number.is_finite():
        raise ValueError(raw)
    return number


def naive(raw: str) -> datetime:
    return datetime.fromisoformat(raw.removesuffix("Z"))


def in_utc(raw: str) -> datetime:
    """Without a zone it is no instant: the machine's own zone would be taken for it."""
    at = datetime.fromisoformat(raw)
    if at.tzinfo is None:
        raise ValueError(raw)
    return at.astimezone(UTC)


def calendar_day(raw: str) -> date:
    return date.fromisoformat(raw[:10])


@lru_cache(maxsize=10_000)
def on_the_wall(raw: str, zone: tzinfo) -> datetime:
    """Each update of a row tells its times again."""
    return in_zone(naive(raw), zone)


def in_zone(local: datetime, zone: tzinfo) -> datetime:
    """The instant of a wall clock's time. A time that the clock shows twice, or never, is read in standard time."""
    offsets = [local.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1)]
    return (local - min(offsets)).replace(tzinfo=UTC)


def minutes(offset: str) -> int:
    """`-05:30`, `-0530` → -330; `Z` → 0. Raises ValueError."""
    found = _OFFSET.fullmatch(offset.strip())
    if found is None:
        raise ValueError(f"{offset[:80]!r} is no offset from UTC such as -05:30")
    total = int(found["hours"] or 0) * 60 + int(found["minutes"] or 0)
    return -total if found["sign"] == "-" else total


def at_offset(local: datetime, offset: int | None) -> datetime:
    """The instant of a local time; without an offset the clock is taken for UTC."""
    return (local - timedelta(minutes=offset or 0)).replace(tzinfo=UTC)


def _part(text: str) -> str:
    """One of several columns of a key, such that no slash of its own takes it for two."""
    return text.replace("\\", "\\\\").replace("/", "\\/") if "/" in text or "\\" in text else text


def named(fact: Fact) -> Fact:
    """What was left empty names nothing: else all that names nothing would hang together."""
    above = fact.belongs_to
    if all(ident.value for ident in fact.claims) and (above is None or above.value):
        return fact
    claims = tuple(ident for ident in fact.claims if ident.value)
    return msgspec.structs.replace(fact, claims=claims, belongs_to=above if above and above.value else None)


class TableRule:
    """How one table's rows are facts: `kind` and key columns make the fact's key, `read` the fact."""

    def __init__(self, kind: str, key: Sequence[str], read: Callable[[str, Columns], Fact]) -> None:
        self._kind = kind
        self._key = key
        self._read = read
        self.prefixes: tuple[str, ...] = (f"{kind}/",)

    def facts(self, change: Change, zone: ZoneInfo | None) -> list[Fact]:
        key = Columns(change.source, change.table, change.key)
        parts = map(key.id, self._key)
        name = "/".join([self._kind, *(map(_part, parts) if len(self._key) > 1 else parts)])
        if change.op is Op.DELETE or change.after is None:
            return [Fact(key=name)]
        columns = Columns(change.source, change.table, change.after, zone)
        try:
            fact = self._read(name, columns)
        except Exception as error:
            raise self._poison(name, Guess(change.source, change.table, change.after, zone), error) from error
        return [msgspec.structs.replace(named(fact), partial=True) if columns.partial else named(fact)]

    def _poison(self, name: str, columns: Columns, error: Exception) -> PoisonError:
        """With whose it is, as far as the rest of the row tells."""
        reason = str(error) if isinstance(error, PoisonError) else f"{columns.table}: {type(error).__name__}: {error}"
        try:
            fact = self._read(name, columns)
        except Exception:  # it was poison before, too
            return PoisonError(reason, key=name)
        named = [ident for ident in (*fact.claims, fact.belongs_to) if ident and ident.value]
        return PoisonError(reason, fact.doc if fact.doc and fact.doc.id else None, named[0] if named else None, name)


class TableMapping:
    """A mapping made of one rule per table."""

    def __init__(self, rules: Mapping[str, TableRule], zone: ZoneInfo | None = None) -> None:
        self.tables = tuple(rules)
        self._rules = rules
        self._zone = zone

    def facts(self, change: Change) -> Sequence[Fact]:
        rule = self._rules.get(change.table)
        return rule.facts(change, self._zone) if rule else ()

    def prefixes(self, table: str) -> tuple[str, ...]:
        rule = self._rules.get(table)
        return rule.prefixes if rule else ()

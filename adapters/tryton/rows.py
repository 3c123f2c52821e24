"""Reads what Tryton's rows have in common: references, doubles, days, and rows that state several things."""

from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from adapters.reading import Columns, TableRule, finite
from cdc.change import Change
from orders.errors import PoisonError
from orders.facts import Fact


class Several(TableRule):
    """A table of whose rows each states several things."""

    def __init__(self, *rules: TableRule) -> None:
        self._rules = rules
        self.prefixes = tuple(prefix for rule in rules for prefix in rule.prefixes)

    def facts(self, change: Change, zone: ZoneInfo | None) -> list[Fact]:
        return [fact for rule in self._rules for fact in rule.facts(change, zone)]


def reference(row: Columns, column: str, model: str) -> str | None:
    """The id in a reference to a record of `model`, such as `sale.line,42`; None when there is no such reference."""
    name, _, number = (row.text(column) or "").partition(",")
    return number if name == model and number.isdecimal() else None


def exact(row: Columns, column: str) -> Decimal:
    """A double as Tryton shows it: 7.0 is 7, and 0.1 is no long fraction."""
    raw = row.id(column)
    try:
        number = finite(raw)
    except (ValueError, InvalidOperation):
        raise PoisonError(f"{column} cannot be read: {raw[:80]!r}") from None
    whole = number.to_integral_value()
    return whole if whole == number else number


def stamped(row: Columns, column: str) -> datetime:
    """Tryton's times are UTC without saying so."""
    return row.naive(column).replace(tzinfo=UTC)


def written(row: Columns) -> datetime:
    """When the row was last written."""
    return stamped(row, "write_date" if row.text("write_date") else "create_date")


def from_day(row: Columns, column: str) -> datetime | None:
    """The beginning of the day that Tryton keeps, but not before the record was made."""
    day = row.day(column)
    return max(stamped(row, "create_date"), datetime.combine(day, time(), UTC)) if day else None


def moved_on(row: Columns) -> datetime:
    """When a shipment took its last step. Its day is fixed at the end; a later correction must not move it."""
    at, day = written(row), row.day("effective_date")
    return at if day in (None, at.date()) else from_day(row, "effective_date") or at

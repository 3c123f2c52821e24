"""A recorded story told again under other numbers: new orders, shipments, invoices of known customers and articles."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cdc.change import Change, Position, Row, Snapshot, Transaction

STEP = 1_000_000
"""Between the numbers of two copies; a story has fewer of anything."""
NUMBERS = frozenset(
    ("ordno", "hldid", "alcid", "relno", "pstno", "invno", "rmano", "chgid", "id", "order_id", "shipment_id")
)
"""Columns of both systems' tables that hold numbers of what is told anew."""
TEXTS = frozenset(("cuspo", "extref", "whsref", "trkno", "client_ref", "release_ref", "tracking_no", "sscc", "code"))
"""And those that hold them within texts."""
OTHER_CODES = frozenset(("public.wh_scan",))
"""Tables whose column `code` is none of them."""
_DIGITS = re.compile(r"\d+")


class Story:
    """`transactions` are all of one recording, in their order."""

    def __init__(self, transactions: Sequence[Transaction]) -> None:
        self._told = [each for each in transactions if each.snapshot is Snapshot.NO]
        self._before = [each for each in transactions if each.snapshot is not Snapshot.NO]
        logs = [each.position.log for each in self._told]
        self._span = max(logs) - min(logs) + 1

    def copy(self, number: int) -> Iterator[Transaction]:
        """Copy 0 is what was recorded, after the snapshots that came first; the others follow in each source's log."""
        yield from () if number else self._before
        for each in self._told:
            yield self._copied(each, number) if number else each

    def halves(self, number: int) -> tuple[list[Transaction], list[Transaction]]:
        found = [*self.copy(number)]
        return found[: len(found) // 2], found[len(found) // 2 :]

    def _copied(self, transaction: Transaction, number: int) -> Transaction:
        changes = [self._change(each, number) for each in transaction.changes if isinstance(each, Change)]
        return replace(transaction, changes=changes, position=self._place(transaction.position, number))

    def _change(self, change: Change, number: int) -> Change:
        return replace(
            change,
            key=renumbered(change.table, change.key, number),
            before=change.before and renumbered(change.table, change.before, number),
            after=change.after and renumbered(change.table, change.after, number),
            position=self._place(change.position, number),
        )

    def _place(self, position: Position, number: int) -> Position:
        return position._replace(log=position.log + number * self._span)


def renumbered(table: str, row: Row, number: int) -> Mapping[str, Any]:
    return {name: value_of(table, name, value, number * STEP) for name, value in row.items()}


def value_of(table: str, column: str, value: Any, by: int) -> Any:
    if column in NUMBERS and isinstance(value, int):
        return value + by
    if column in TEXTS and isinstance(value, str) and not (column == "code" and table in OTHER_CODES):
        return moved(value, by)
    return value


def moved(text: str, by: int) -> str:
    """With its longest number moved on, as wide as it was, or longer if it must be."""
    runs = [*_DIGITS.finditer(text)]
    if not runs:
        return f"{text}-{by}"
    longest = max(runs, key=lambda run: len(run[0]))
    return f"{text[: longest.start()]}{int(longest[0]) + by:0{len(longest[0])}}{text[longest.end() :]}"

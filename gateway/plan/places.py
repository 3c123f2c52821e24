"""Places in the list of orders as SQL: what a list is sorted by, what is beyond a place, and its cursor."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.cursors import By, OrderPlace, encoded

Beyond = Mapping[str, Sequence[str]]
"""The kind of a place → the conditions on what is beyond it; {0} and following are its parameters."""


class Place(NamedTuple):
    """An end of what is asked for: none, at an order whose place is known, or at one whose place is not."""

    kind: str
    parameters: Sequence[object] = ()

    @classmethod
    def of(cls, place: OrderPlace | None) -> "Place":
        if place is None:
            return cls("none")
        return cls("unknown", (place.id,)) if place.at is None else cls("known", place)


class Sort(NamedTuple):
    """`place` is what is sorted by, with the id. `cursor` is what its cursor holds, worked out of the row `{0}`.

    What is `earlier` or `later` than a place is as the bounds in gateway/sql/orders.sql have it.
    """

    place: str
    earlier: Beyond
    later: Beyond
    cursor: str

    def order(self, *, falling: bool) -> str:
        return f"{self.place} desc, id desc" if falling else f"{self.place}, id"

    def cursor_of(self, row: str) -> str:
        """As gateway.cursors.order_cursor."""
        return encoded(f"{self.cursor.format(row)} || ':' || {row}.id")


def _instant(column: str) -> str:
    return f"coalesce((extract(epoch from {{0}}.{column}) * 1000000)::bigint::text, '')"


def _endless(by: By, column: str, kind: str, cursor: str) -> Sort:
    """By a column whose index takes an unknown value for infinity."""
    place = f"coalesce({column}, 'infinity')"

    def beyond(sign: str) -> Beyond:
        return {
            "none": [],
            "unknown": [f"({place}, id) {sign} ('infinity'::{kind}, {{0}}::text)"],
            "known": [f"({place}, id) {sign} ({{0}}::{kind}, {{1}}::text)"],
        }

    return Sort(place, beyond("<"), beyond(">"), f"'{by}:' || {cursor}")


SORTS: Mapping[By, Sort] = {
    By.ORDERED: Sort(
        "ordered_at",
        {
            "none": [],
            "unknown": ["(ordered_at is not null or id < {0}::text)"],
            "known": ["(ordered_at, id) < ({0}::timestamptz, {1}::text)"],
        },
        {
            "none": [],
            "unknown": ["(ordered_at is null and id > {0}::text)"],
            "known": ["(ordered_at is null or (ordered_at, id) > ({0}::timestamptz, {1}::text))"],
        },
        f"'{By.ORDERED}:' || {_instant('ordered_at')}",
    ),
    By.EVENT: _endless(By.EVENT, "last_event_at", "timestamptz", _instant("last_event_at")),
    By.PROMISE: _endless(By.PROMISE, "promised_on", "date", "coalesce(to_char({0}.promised_on, 'YYYY-MM-DD'), '')"),
}

"""Columns of captured rows, and what cannot be read."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.reading import Columns, TableRule, at_offset, in_zone, minutes
from cdc.change import Change, Op, Position
from orders.errors import PoisonError
from orders.facts import Fact, Ident

CHICAGO = ZoneInfo("America/Chicago")
LOCAL = "2026-01-05T12:00:00"


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2026-01-05T12:00:00", "2026-01-05T18:00:00Z"),
        ("2026-07-05T12:00:00", "2026-07-05T17:00:00Z"),
        ("2026-11-01T01:30:00", "2026-11-01T07:30:00Z"),
        ("2026-03-08T02:30:00", "2026-03-08T08:30:00Z"),
    ],
)
def test_a_wall_clock_is_read_in_standard_time_where_it_is_unclear(local: str, instant: str) -> None:
    assert in_zone(datetime.fromisoformat(local), CHICAGO) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-05:00", -300), ("+05:30", 330), ("+00:00", 0), ("-03:30", -210), ("-0500", -300), ("+14", 840), ("Z", 0)],
)
def test_offsets(text: str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize("text", ["-05000", "+25:00", "-05:60", "CST", "-"])
def test_what_is_no_offset_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="is no offset"):
        minutes(text)


def test_a_local_time_at_an_offset() -> None:
    assert at_offset(datetime(2026, 1, 5, 12), -300) == datetime(2026, 1, 5, 17, tzinfo=UTC)
    assert at_offset(datetime(2026, 1, 5, 12), None) == datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda c: c.quantity("qty"), "t.qty cannot be read: 'NaN'"),
        (lambda c: c.quantity("none"), "t.none is null"),
        (lambda c: c.id("gone"), "t has no column gone"),
        (lambda c: c.day("day"), "t.day cannot be read: 'soon'"),
        (lambda c: c.code("code", {"A": 1}), "t.code cannot be read: 'Z'"),
        (lambda c: c.code("number", {"3": 1}), "t.number cannot be read: '7'"),
        (lambda c: c.moment("none"), "t.none is null"),
        (lambda c: c.instant("local"), "t.local cannot be read: '2026-01-05T12:00:00'; the mapping expects an instant"),
    ],
)
def test_what_cannot_be_read_says_what_and_where(read, message: str) -> None:  # type: ignore[no-untyped-def]
    columns = Columns("erp", "t", {"qty": "NaN", "none": None, "day": "soon", "code": "Z", "number": 7, "local": LOCAL})
    with pytest.raises(PoisonError, match=message):
        read(columns)


def test_a_code_may_be_a_number_or_a_text_with_room_around_it() -> None:
    columns = Columns("north", "t", {"number": 7, "text": "7 "})
    assert (columns.code("number", {"7": "SHIPPED"}), columns.code("text", {"7": "SHIPPED"})) == ("SHIPPED", "SHIPPED")


names = st.text("ab/\\", max_size=4)


def key_of(*parts: str) -> str:
    """Of the fact that a row with this key states."""
    columns = [f"c{number}" for number in range(len(parts))]
    rule = TableRule("stock", columns, lambda key, _: Fact(key=key))
    row, at = dict(zip(columns, parts, strict=True)), datetime(2026, 1, 5, tzinfo=UTC)
    (fact,) = rule.facts(Change("north", "stock", Op.CREATE, row, None, row, Position(1, 1, 1), "1", at, at), None)
    return fact.key


@given(st.lists(names, min_size=3, max_size=5))
def test_rows_with_different_keys_state_different_facts(words: list[str]) -> None:
    keys = {("/".join(words[:cut]), "/".join(words[cut:])) for cut in range(1, len(words))}
    assert len({key_of(*key) for key in keys}) == len(keys)


def test_keys_are_named_as_they_are() -> None:
    assert (key_of("A/1"), key_of("A", "1")) == ("stock/A/1", "stock/A/1")


def test_an_identifier_that_is_empty_names_nothing() -> None:
    """Else all orders of a warehouse without a reference would hang together."""
    empty, named = Ident("order_number", ""), Ident("north:job", "1")
    for above in (empty, named):
        rule = TableRule("job", ["id"], lambda key, _, above=above: Fact(key, claims=(named, empty), belongs_to=above))  # type: ignore[misc]
        row, at = {"id": 1}, datetime(2026, 1, 5, tzinfo=UTC)
        (fact,) = rule.facts(Change("north", "job", Op.CREATE, row, None, row, Position(1, 1, 1), "1", at, at), None)
        assert (fact.claims, fact.belongs_to) == ((named,), named if above is named else None)

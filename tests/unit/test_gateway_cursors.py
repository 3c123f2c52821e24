"""Cursors: what was made here comes back; anything else is refused."""

import base64
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cursors import (
    By,
    OrderPlace,
    feed_cursor,
    feed_position,
    global_id,
    global_name,
    is_feed_cursor,
    order_cursor,
    order_place,
)
from orders.errors import RejectedError

positions = st.integers(0, 2**63 - 1)
ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
places = st.builds(OrderPlace, st.none() | st.datetimes(timezones=st.just(UTC)), ids)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(positions)
def test_a_place_in_the_feed_comes_back(position: int) -> None:
    assert feed_position(feed_cursor(position)) == position
    assert is_feed_cursor(feed_cursor(position))


@given(places, st.sampled_from([By.ORDERED, By.EVENT]))
def test_a_place_in_the_list_comes_back(place: OrderPlace, by: By) -> None:
    assert order_place(order_cursor(place, by), by) == place


@given(st.builds(OrderPlace, st.none() | st.dates(), ids))
def test_a_place_among_promises_comes_back(place: OrderPlace) -> None:
    assert order_place(order_cursor(place, By.PROMISE), By.PROMISE) == place


@given(places, st.permutations(list(By)))
def test_a_place_in_another_list_is_refused(place: OrderPlace, by: list[By]) -> None:
    with pytest.raises(RejectedError):
        order_place(order_cursor(place, by[0]), by[1])


@given(st.sampled_from(["Order", "Invoice"]), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_global_id_comes_back(kind: str, key: str) -> None:
    assert global_name(global_id(kind, key)) == (kind, key)


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_was_not_made_here_is_refused_or_is_the_same(cursor: str) -> None:
    with suppress(RejectedError):
        assert feed_cursor(feed_position(cursor)) == cursor
    with suppress(RejectedError):
        assert order_cursor(order_place(cursor)) == cursor


LONG = "9" * 5000


@pytest.mark.parametrize(
    "text",
    ["feed1:", "feed1:-1", "feed1:1.0", "feed1:٣", f"feed1:{2**63}", "feed2:1", "order1:1", "feed1:" + "9" * 5000],
)
def test_a_bad_place_in_the_feed(text: str) -> None:
    with pytest.raises(RejectedError):
        feed_position(encoded(text))


@pytest.mark.parametrize(
    "text", ["order1:", "order1:1", "order1:x:1", f"order1:{10**30}:1", "order1:1:a\0b", "feed1:1:2"]
)
def test_a_bad_place_in_the_list(text: str) -> None:
    with pytest.raises(RejectedError):
        order_place(encoded(text))


def test_the_same_place_has_one_cursor_only() -> None:
    place = OrderPlace(datetime(2026, 1, 1, tzinfo=UTC), "1042")
    with pytest.raises(RejectedError):
        order_place(order_cursor(place) + "=")


def test_a_command_is_no_cursor() -> None:
    assert not is_feed_cursor("cmd_019aa")

"""The queue of one subscriber, and what a cursor is worth."""

import asyncio
from typing import Any, cast

import asyncpg
import pytest

from gateway.auth import Role
from gateway.feed import Bounds, GapReason, Missing, Subscriber, Wanted
from gateway.visibility import Sight

ALL = Sight(Role.ADMIN)
EVERYTHING = Wanted(ALL)


def row(position: int, order: str = "A", kind: str = "SHIPPED", customer: str | None = "C") -> asyncpg.Record:
    return cast("asyncpg.Record", {"position": position, "order_id": order, "type": kind, "customer_id": customer})


async def taken(subscriber: Subscriber, count: int) -> list[Any]:
    async with asyncio.timeout(60):
        items = [await subscriber.next() for _ in range(count)]
    return [item["position"] if isinstance(item, dict) else item for item in items]


@pytest.mark.parametrize(
    ("position", "missing"),
    [
        (4, None),
        (9, None),
        (10, None),
        (3, Missing(GapReason.CURSOR_EXPIRED, 4)),
        (0, Missing(GapReason.CURSOR_EXPIRED, 4)),
        (11, Missing(GapReason.CURSOR_UNKNOWN, 10)),
    ],
)
def test_a_cursor_is_judged_by_what_is_there(position: int, missing: Missing | None) -> None:
    assert Bounds(head=10, first=5).judge(position) == missing


def test_a_feed_without_rows_is_known_at_its_head_only() -> None:
    pruned = Bounds(head=10, first=11)
    assert pruned.judge(10) is None
    assert pruned.judge(9) == Missing(GapReason.CURSOR_EXPIRED, 10)
    assert Bounds(head=0, first=1).judge(0) is None


async def test_what_came_before_the_cursor_is_left_out() -> None:
    subscriber = Subscriber(EVERYTHING, after=2, limit=9)
    for position in range(1, 5):
        subscriber.offer(row(position))
    assert await taken(subscriber, 2) == [3, 4]


async def test_it_waits_for_the_next_one() -> None:
    subscriber = Subscriber(EVERYTHING, after=0, limit=9)
    waiting = asyncio.create_task(taken(subscriber, 2))
    subscriber.offer(row(1))
    await asyncio.sleep(0)
    subscriber.offer(row(2))
    assert await waiting == [1, 2]


async def test_a_queue_that_overflows_gives_what_it_held_and_ends() -> None:
    subscriber = Subscriber(EVERYTHING, after=0, limit=2)
    for position in range(1, 5):
        subscriber.offer(row(position))
    assert await taken(subscriber, 4) == [1, 2, None, None]


async def test_only_what_is_wanted_counts() -> None:
    subscriber = Subscriber(Wanted(ALL, order_id="B"), after=0, limit=1)
    for position in range(1, 9):
        subscriber.offer(row(position))
    subscriber.offer(row(9, order="B"))
    assert await taken(subscriber, 1) == [9]


async def test_a_feed_that_starts_over_is_a_gap() -> None:
    subscriber = Subscriber(EVERYTHING, after=5, limit=9)
    subscriber.offer(row(6))
    subscriber.skip(Missing(GapReason.CURSOR_UNKNOWN, 2))
    subscriber.offer(row(3))
    assert await taken(subscriber, 2) == [Missing(GapReason.CURSOR_UNKNOWN, 2), 3]


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (Wanted(ALL), True),
        (Wanted(ALL, order_id="A", customer_id="C", types=frozenset({"SHIPPED"})), True),
        (Wanted(ALL, order_id="B"), False),
        (Wanted(ALL, customer_id="D"), False),
        (Wanted(ALL, types=frozenset({"DELIVERED"})), False),
        (Wanted(ALL, types=frozenset()), False),
    ],
)
def test_what_a_subscriber_wants(wanted: Wanted, takes: bool) -> None:
    assert wanted.takes(row(1)) is takes

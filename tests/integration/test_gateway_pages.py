"""Paging through orders: whatever the sizes and directions, each once and in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = """
query ($orderBy: OrderSort!, $first: Int, $after: String, $last: Int, $before: String) {
  orders(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } } nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
COLUMNS = {
    "NEWEST_FIRST": "ordered_at = ordered_at",
    "OLDEST_FIRST": "ordered_at = ordered_at",
    "LATEST_EVENT_FIRST": "last_event_at = ordered_at",
    "EARLIEST_EVENT_FIRST": "last_event_at = ordered_at",
    "LATEST_PROMISE_FIRST": "promised_on = '2026-01-01'::date + extract(microseconds from ordered_at)::integer",
    "EARLIEST_PROMISE_FIRST": "promised_on = '2026-01-01'::date + extract(microseconds from ordered_at)::integer",
}
"""Where the place of an order lies, made of when it was placed."""
MOVE = "update graph.orders set {column}"
START = datetime(2026, 1, 1, tzinfo=UTC)

# Few instants, so that many orders share one; some have none.
instants = st.none() | st.integers(0, 3).map(lambda n: START + timedelta(microseconds=n))
sizes = st.lists(st.integers(1, 7), min_size=1, max_size=5)


async def walk(client: Client, order_by: str, page_sizes: list[int], forward: bool) -> list[str]:
    """All ids, by pages of these sizes over and over."""
    found: list[str] = []
    cursor, count = None, 0
    while True:
        size = page_sizes[count % len(page_sizes)]
        where = {"first": size, "after": cursor} if forward else {"last": size, "before": cursor}
        page = (await client.ask(PAGE, orderBy=order_by, **where))["orders"]
        ids = [edge["node"]["id"] for edge in page["edges"]]
        assert ids == [node["id"] for node in page["nodes"]]
        found = found + ids if forward else ids + found
        info = page["pageInfo"]
        if not info["hasNextPage" if forward else "hasPreviousPage"]:
            return found
        assert len(ids) == size
        cursor, count = info["endCursor" if forward else "startCursor"], count + 1


def expected(rows: dict[str, datetime | None], order_by: str) -> list[str]:
    rising = sorted(rows, key=lambda key: (rows[key] is None, rows[key] or START, key))
    return rising[::-1] if order_by in ("NEWEST_FIRST", "LATEST_EVENT_FIRST", "LATEST_PROMISE_FIRST") else rising


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.dictionaries(st.text("ab:é'", min_size=1, max_size=3), instants, max_size=18),
    page_sizes=sizes,
    forward=st.booleans(),
    order_by=st.sampled_from(list(COLUMNS)),
)
async def test_pages_of_any_size_give_each_order_once_and_in_order(
    client: Client,
    shared_dsn: str,
    rows: dict[str, datetime | None],
    page_sizes: list[int],
    forward: bool,
    order_by: str,
) -> None:
    db = await asyncpg.connect(shared_dsn)
    try:
        await db.execute("truncate graph.orders")
        await serving.create_orders(db, list(rows.items()))
        await db.execute(MOVE.format(column=COLUMNS[order_by]))
        collated = [row["id"] for row in await db.fetch("select id from graph.orders order by id")]
    finally:
        await db.close()
    rank = {key: f"{n:03}" for n, key in enumerate(collated)}
    by_rank = {rank[key]: at for key, at in rows.items()}
    found = await walk(client, order_by, page_sizes, forward)
    assert [rank[key] for key in found] == expected(by_rank, order_by)


async def test_both_ends_bound_a_page(client: Client, shared_dsn: str) -> None:
    db = await asyncpg.connect(shared_dsn)
    await db.execute("truncate graph.orders")
    await serving.create_orders(db, [(f"{n}", START + timedelta(days=n)) for n in range(6)])
    await db.close()
    all_of_them = (await client.ask(PAGE, orderBy="OLDEST_FIRST", first=200))["orders"]
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in all_of_them["edges"]}

    async def between(**more: Any) -> list[str]:
        page = await client.ask(PAGE, orderBy="OLDEST_FIRST", after=cursors["0"], before=cursors["4"], **more)
        return [node["id"] for node in page["orders"]["nodes"]]

    assert await between(first=9) == ["1", "2", "3"]
    assert await between(first=2) == ["1", "2"]
    assert await between(last=2) == ["2", "3"]


async def test_orders_that_come_while_one_pages_move_nothing(client: Client, shared_dsn: str) -> None:
    db = await asyncpg.connect(shared_dsn)
    await db.execute("truncate graph.orders")
    await serving.create_orders(db, [(f"{n}", START + timedelta(days=n)) for n in range(4)])
    first = (await client.ask(PAGE, orderBy="NEWEST_FIRST", first=2))["orders"]
    await serving.create_orders(db, [("new", START + timedelta(days=9))])
    await db.close()
    rest = await client.ask(PAGE, orderBy="NEWEST_FIRST", first=9, after=first["pageInfo"]["endCursor"])
    assert [node["id"] for node in rest["orders"]["nodes"]] == ["1", "0"]

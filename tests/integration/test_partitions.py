"""Ledger and feed in partitions: what is written goes into the newest, what is looked up is found in all of them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.postgres import Postgres
from cdc.change import Op
from gateway.statements import SQL as GATEWAY
from projections.database import SQL
from projections.partitions import Table, begin_partition, partitions
from projections.projector import Projector
from tests.controls.projecting import MAPPINGS, check, connected, create_schemas, header, line, made, order, transaction

EVENTS = "select order_id, version, type, position from record.feed order by position"


@pytest.fixture
async def graph(database: str) -> AsyncIterator[asyncpg.Connection]:
    db = await connected(database)
    await create_schemas(db)
    yield db
    await db.close()


async def begun(graph: asyncpg.Connection) -> None:
    for table in Table:
        await begin_partition(graph, table)


async def test_the_newest_partition_takes_what_comes(graph: asyncpg.Connection) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await projector.project([order(1, 1)])
    await begun(graph)
    await projector.project([transaction(2, header(1, Op.UPDATE, ordsts="90"), line(1, Op.UPDATE, qtyord="3.000"))])
    await begun(graph)
    await check(graph)
    for table in Table:
        first, second, third = await partitions(graph, table)
        assert (first.number, second.number, third.number) == (0, 1, 2)
        assert first.last is not None
        assert second.first is not None
        assert first.last <= second.first
        assert third.first is None
    events = await graph.fetch(EVENTS)
    low = await graph.fetchval("select record.first_place(1)")
    assert [row["position"] for row in events] == [1, *range(low + 1, low + len(events))]
    assert [row["version"] for row in events] == [*range(1, len(events) + 1)]
    assert await graph.fetchval("select position from record.feed_head") == events[-1]["position"]


async def test_a_partition_that_was_made_and_not_begun_is_begun(graph: asyncpg.Connection) -> None:
    for table in Table:
        await graph.execute(SQL["add_partition"], table, 1)
        assert await begin_partition(graph, table) == 1
        assert await begin_partition(graph, table) == 2
        assert [each.number for each in await partitions(graph, table)] == [0, 1, 2]


async def test_nobody_waits_for_a_new_partition(database: str, graph: asyncpg.Connection) -> None:
    """Neither a writer in the middle of its transaction nor a reader; what is written on goes where it began to."""
    other = await connected(database)
    try:
        async with other.transaction():
            await Projector(other, MAPPINGS).project([order(1, 1)])
            await other.fetch("select from record.ledger, record.feed")
            await graph.execute("set lock_timeout = '1s'")
            await begin_partition(graph, Table.LEDGER)
        await begin_partition(graph, Table.FEED)
        await Projector(graph, MAPPINGS).project([order(1, 2)])
    finally:
        await other.close()
    await check(graph)


PLANS: dict[str, tuple[str, list[Any]]] = {
    "a page of the feed": (GATEWAY["feed_page"], [0, 10**15, None, None, None, 10]),
    "an order's events": (GATEWAY["events_by_order"], [["1"], 10]),
    "an order's version": (GATEWAY["order_versions"], [["1"]]),
    "an order's explanations": (GATEWAY["explanations_by_order"], [["1"]]),
    "an event's turn": (GATEWAY["events_by_turn"], [["1"]]),
    "an event's changes": (GATEWAY["changes_by_event"], [["1"]]),
    "what was told": (SQL["emitted"], [["1"]]),
    "causes": (SQL["causes"], [["erp"], [1], [1], [1]]),
    "a letter's change": (SQL["ledger_of"], ["erp", 1, 1, 1]),
    "the ledger": (SQL["ledger_after"], [0, 10, None]),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def many(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A graph with a thousand rows in each of 51 partitions."""
    async with made(postgres, "many_partitions") as db:
        await db.execute((Path(__file__).parent / "partitions_many.sql").read_text())
        yield db


@pytest.mark.parametrize("wanted", PLANS)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_looked_up_in_many_partitions_has_an_index(many: asyncpg.Connection, wanted: str) -> None:
    plan = await explained(many, *PLANS[wanted])
    assert not re.search(r"Seq Scan on (ledger|feed)", plan), plan


@pytest.mark.asyncio(loop_scope="module")
async def test_the_end_of_the_feed_is_in_one_partition(many: asyncpg.Connection) -> None:
    plan = await explained(many, GATEWAY["feed_tail"], [10**15, 10])
    assert len(re.findall(r"Index Scan using feed_\d+_pkey", plan)) <= 1, plan


async def explained(db: asyncpg.Connection, statement: str, arguments: list[Any]) -> str:
    rows = await db.fetch(f"explain (analyze, timing off) {statement}", *arguments)
    return "\n".join(row[0] for row in rows)

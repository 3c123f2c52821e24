"""An order as it was: what readers saw then, out of its own part of the ledger."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.postgres import Postgres
from cdc.change import Op
from demo.story import Story
from orders.graph import TABLES, CustomerRow, InventoryRow, OrderRow, ProductRow, Row, ShipToRow, by_identity
from projections import past
from projections.database import SQL, Connection
from projections.past import order_as_of, order_as_of_occurred, shown_at
from projections.projector import Advanced, Projector
from projections.replay import Rows, replayed, stored
from tests.controls import projecting
from tests.controls.histories import ORDERS, History
from tests.controls.story import MAPPINGS, captured_story

MASTER = (CustomerRow, ShipToRow, ProductRow, InventoryRow)
EMPTIED = """
do $$ declare each record; begin
    for each in select schemaname, tablename from pg_tables
        where schemaname in ('graph', 'record', 'command') and tablename not in ('turn', 'feed_head')
    loop execute format('truncate %I.%I restart identity', each.schemaname, each.tablename); end loop;
end $$
"""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def graph(postgres: Postgres) -> AsyncIterator[Connection]:
    async with projecting.made(postgres, "past") as db:
        yield db


def of_order(rows: Iterable[Row], order: str) -> Rows:
    """Without master data."""
    return by_identity(
        row
        for row in rows
        if not isinstance(row, MASTER) and (row.id if isinstance(row, OrderRow) else row.order_id) == order  # type: ignore[attr-defined]  # all others have it
    )


async def then(db: Connection, order: str, at: datetime) -> past.Rows:
    async with db.transaction(isolation="repeatable_read"):
        return await order_as_of(db, MAPPINGS, order, at) or {}


async def happened(db: Connection, order: str) -> Rows:
    """By now."""
    now = await db.fetchval("select clock_timestamp()")
    async with db.transaction(isolation="repeatable_read"):
        return seen(await order_as_of_occurred(db, MAPPINGS, order, now) or {})


def seen(rows: past.Rows) -> Rows:
    return by_identity(row for kind in TABLES if kind not in MASTER for row in rows.get(kind.table, ()))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
async def test_an_order_is_as_readers_saw_it(graph: Connection, seed: int) -> None:
    """Over rows that move and go, truncations, dead letters, sweeps, rows that are spared, snapshots under way."""
    await graph.execute(EMPTIED)
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    known: list[tuple[datetime, Rows]] = []
    for transaction in History(seed).transactions(25):
        assert isinstance(await projector.project([transaction]), Advanced)
        known.append((await graph.fetchval("select clock_timestamp()"), await stored(graph)))
    for at, rows in known:
        assert await replayed(graph, MAPPINGS, await shown_at(graph, at)) == rows
        for order in ORDERS:
            expected = of_order(rows.values(), order)
            found = seen(await then(graph, order, at))
            assert found == (expected if ("orders", order) in expected else {}), (order, at)
    for order in ORDERS:
        expected = of_order(known[-1][1].values(), order)
        assert await happened(graph, order) == (expected if ("orders", order) in expected else {}), order


async def test_a_story_with_its_customers_and_articles(postgres: Postgres, graph: Connection) -> None:
    await graph.execute(EMPTIED)
    _, transactions = await captured_story(postgres, "past", Story(seed=5, orders=8))
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    known: list[tuple[datetime, Rows]] = []
    for source in transactions.values():
        for start in range(0, len(source), 40):
            await projector.project(source[start : start + 40])
            known.append((await graph.fetchval("select clock_timestamp()"), await stored(graph)))
    orders = [row["id"] for row in await graph.fetch("select id from graph.orders")]
    assert len(orders) == 8
    for order in orders:
        assert await happened(graph, order) == of_order(known[-1][1].values(), order)
    for at, rows in known:
        for order in orders:
            found = await then(graph, order, at)
            assert seen(found) == of_order(rows.values(), order)
            for (header,) in [found["orders"]] if found else []:
                assert isinstance(header, OrderRow)
                assert found["customer"] == [rows["customer", str(header.customer_id)]]
                assert all(by_identity(found["product"])["product", each.sku] for each in found["line"])  # type: ignore[attr-defined]


async def test_a_row_that_was_mended_was_dead_before(graph: Connection) -> None:
    """F23: what a snapshot brought and nobody could read is mended in its place, and was not known before that."""
    await graph.execute(EMPTIED)
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await projector.project([projecting.order(1, 1)])
    await graph.execute("update record.ledger set outcome = 'dead', op = 'r' where tbl = 'public.ordlin'")
    at = await graph.fetchval("select clock_timestamp()")
    assert "line" not in await then(graph, "1", at)
    await graph.execute("update record.ledger set outcome = 'applied', mended_at = clock_timestamp() where op = 'r'")
    assert "line" not in await then(graph, "1", at)
    assert "line" in await then(graph, "1", await graph.fetchval("select clock_timestamp()"))


async def test_more_than_can_be_replayed_is_refused(graph: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    await graph.execute(EMPTIED)
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await projector.project([projecting.order(1, 1)])
    await projector.project([projecting.transaction(2, projecting.header(1, Op.UPDATE, cuspo="PO-9"))])
    monkeypatch.setattr(past, "MOST_CHANGES", 1)
    with pytest.raises(past.TooMuchError, match="more than 1 changes"):
        await then(graph, "1", await graph.fetchval("select clock_timestamp()"))


MANY = """
insert into record.ledger
    (source, epoch, log, ordinal, snapshot, tbl, op, key, after, outcome, committed_at, captured_at)
select 'erp', 1, 1000 + n, 1, 'no', 'public.ordlin', 'u', json_build_object('ordno', 1000 + n / 10, 'linno', n % 10),
    '{}', 'applied', now(), now() from generate_series(1, 60000) n;
insert into graph.fact (source, key, epoch, log, ordinal, doc)
select 'erp', 'line/' || n, 1, 1000 + n, 1, 'erp/order/' || 1000 + n / 10 from generate_series(1, 60000) n;
insert into graph.claim select 'order_number=' || n, 'erp/order/' || n from generate_series(1000, 7000) n;
insert into graph.link select 'order_number=' || n, 'east/partner_order/' || n from generate_series(1000, 7000) n;
insert into record.past_link
select 'order_number=' || n, 'east/partner_order/' || n + 1 from generate_series(1000, 7000, 2) n;
insert into record.past_place
select 'erp/order/' || 1000 + n / 10, 'erp', 1, 1000 + n, 1 from generate_series(1, 9000) n;
analyze;
"""
MOST_BLOCKS = 1000


async def test_only_the_orders_own_part_of_the_ledger_is_read(graph: Connection) -> None:
    """By indexes, whatever else the ledger holds."""
    await graph.execute(EMPTIED)
    await graph.execute(MANY)
    now = await graph.fetchval("select now()")
    docs = [f"erp/order/{number}" for number in (1500, 1501, 2000)]
    for name, arguments in (
        ("past_documents", ("order_number=1500", 5000)),
        ("past_ledger", (docs, now, True, 50_000)),
        ("past_ledger", (docs, now, False, 50_000)),
    ):
        rows = await graph.fetch(f"explain (analyze, buffers, format json) {SQL[name]}", *arguments)
        (plan,) = json.loads(rows[0][0])
        assert plan["Plan"]["Actual Rows"] >= 2
        assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < MOST_BLOCKS, rows[0][0]

"""Each filter and each ordering of the list of orders is served by an index, not by reading all orders."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from app.postgres import Postgres
from gateway.auth import Principal, Role
from gateway.cursors import By, OrderPlace, feed_cursor, order_cursor
from gateway.database import open_plan_pool, open_pool
from gateway.plan.pieces import OF_KEY
from gateway.schema import build_plans, build_schema
from gateway.statements import SQL
from gateway.types.choices import OrderSort
from gateway.types.order_list import OrderFilter, Paging
from orders.states import Commercial, Delivery, DisplayStatus, Financial, Fulfillment, Health
from orders.states import Return as ReturnState
from tests.controls import serving

HERE = Path(__file__).parent
PAGE_BLOCKS = 200
"""The most that a page from the middle of a list may read: it is looked up, not walked to."""
ALL_ROWS = "set default_statistics_target = 2000"
"""So that what Postgres knows of the rows is no chance of a sample."""
FIRST = Paging(OrderSort.NEWEST_FIRST, 50, None, None, None)
AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
STATES, PLACED = "orders_array_idx", "orders_ordered_at_id_idx"
OF_CUSTOMER = "orders_customer_id_ordered_at_id_display_status_fulfillment_idx"
BOARD = """query ($of: OrderFilter) {
  display: orderCounts(by: DISPLAY_STATUS, filter: $of) { value count }
  fulfillment: orderCounts(by: FULFILLMENT, filter: $of) { value count }
}"""
INDEXES = {By.ORDERED: PLACED, By.EVENT: "orders_coalesce_id_idx", By.PROMISE: "orders_coalesce_id_idx1"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(postgres: Postgres) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    await postgres.create_database("gateway_indexes")
    dsn = postgres.dsn("gateway_indexes")
    await serving.create_schemas(dsn)
    db = await asyncpg.connect(dsn)
    await db.execute((HERE / "gateway_many.sql").read_text().replace("vacuum analyze;", ""))
    await db.execute(ALL_ROWS)
    await db.execute("vacuum analyze")
    await db.close()
    pool = await open_pool(dsn, 1)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plan_pool(pool: object, postgres: Postgres) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    plan_pool = await open_plan_pool(postgres.dsn("gateway_indexes"), 1)
    yield plan_pool
    await plan_pool.close()


async def explained(pool: "asyncpg.Pool[asyncpg.Record]", wanted: OrderFilter, paging: Paging) -> str:
    """The plan as the gateway's own connection has it, with what it read."""
    arguments = (*wanted.arguments(), *paging.bounds(), paging.size() + 1)
    statement = f"explain (analyze, buffers, timing off) {SQL[paging.statement()]}"
    async with pool.acquire() as connection:
        return "\n".join(row[0] for row in await connection.fetch(statement, *arguments))


def blocks(plan: str) -> int:
    found = re.search(r"Buffers: shared (?:hit=(\d+))?\s?(?:read=(\d+))?", plan)
    assert found is not None, plan
    return int(found[1] or 0) + int(found[2] or 0)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, PLACED),
        ({"display_status": [DisplayStatus.ACTION_NEEDED]}, "orders_display_status_ordered_at_id_idx"),
        ({"commercial": [Commercial.ON_HOLD, Commercial.CANCELLED]}, STATES),
        ({"fulfillment": [Fulfillment.PICKING]}, STATES),
        ({"delivery": [Delivery.DELIVERY_EXCEPTION]}, STATES),
        ({"financial": [Financial.DISPUTED]}, STATES),
        ({"health": [Health.BLOCKED]}, STATES),
        ({"return_state": [ReturnState.REFUNDED]}, STATES),
        ({"warehouse": "REMOTE"}, STATES),
        ({"delivery": [Delivery.IN_TRANSIT]}, PLACED),
        ({"customer_id": "C7"}, OF_CUSTOMER),
        ({"channel": "FAX"}, "orders_channel_ordered_at_id_idx"),
        ({"ordered_from": AT, "ordered_to": AT.replace(day=2)}, PLACED),
        ({"text": "o-4711"}, "orders_grams_idx"),
        ({"text": "47"}, PLACED),
        ({"partner": "east"}, "shipment_order_id_idx"),
        ({"reference": "1Z4711"}, "reference_value_idx"),
        ({"held": True}, "orders_held_at_idx"),
        ({"held": False}, PLACED),
        ({"delayed": True}, "shipment_order_id_idx1"),
        ({"promised_from": DAY, "promised_to": NEXT}, "orders_coalesce_id_idx1"),
        ({"requested_from": DAY, "requested_to": NEXT}, "orders_requested_on_idx"),
        ({"delivered_from": AT, "delivered_to": AT.replace(day=2)}, "orders_delivered_at_idx"),
        ({"last_event_from": AT, "last_event_to": AT.replace(day=2)}, "orders_coalesce_id_idx"),
    ],
    ids=str,
)
async def test_a_filter_has_an_index(pool: "asyncpg.Pool[asyncpg.Record]", wanted: dict[str, Any], index: str) -> None:
    plan = await explained(pool, OrderFilter(**wanted), FIRST)
    assert re.search(rf"\b{index}\b", plan), plan
    assert "Seq Scan on orders" not in plan, plan


OF_ONE = sorted({found[2] for sql in SQL.values() if (found := OF_KEY.match(sql))})


@pytest.mark.parametrize("table", OF_ONE)
async def test_a_key_has_one_row(pool: "asyncpg.Pool[asyncpg.Record]", table: str) -> None:
    """So nobody needs to ask for the first one."""
    column = "sku" if table == "graph.product" else "id"
    found = await pool.fetchval(
        """select true from pg_index i where i.indrelid = $1::text::regclass and i.indisunique
        and i.indkey::text = (select attnum::text from pg_attribute where attrelid = i.indrelid and attname = $2)""",
        table,
        column,
    )
    assert found, table


async def test_the_keys_of_all_entities_have_one_row() -> None:
    assert set(OF_ONE) >= {"graph.orders", "graph.shipment", "graph.invoice", "graph.returns", "graph.product"}


@pytest.mark.parametrize(
    "caller", [Principal("x", Role.SERVICE, 2**40), Principal("x", Role.CUSTOMER, 2**40, frozenset({"C7"}))]
)
async def test_a_customers_board_is_read_from_an_index_alone(
    pool: "asyncpg.Pool[asyncpg.Record]", caller: Principal
) -> None:
    of = {"customerId": "C7", "orderedTo": "2026-03-02T00:00:00Z"}
    plan = build_plans(build_schema()).plan(BOARD, {"of": of}, None, caller)
    assert plan is not None
    rows = await pool.fetch(f"explain {plan.statement.sql}", *plan.parameters)
    told = "\n".join(row[0] for row in rows)
    assert told.count(f"Index Only Scan using {OF_CUSTOMER}") == 2, told


@pytest.mark.parametrize("order_by", OrderSort)
@pytest.mark.parametrize("backward", [False, True])
async def test_an_ordering_has_an_index(
    pool: "asyncpg.Pool[asyncpg.Record]", order_by: OrderSort, backward: bool
) -> None:
    """From the middle too; but by the instant of ordering a rising list is walked from its start."""
    first = replace(FIRST, order_by=order_by, first=None if backward else 50, last=50 if backward else None)
    place = DAY if "PROMISE" in order_by else AT
    cursor = order_cursor(OrderPlace(place, "77"), first.by)
    middle = replace(first, before=cursor) if backward else replace(first, after=cursor)
    for paging in (first, middle):
        plan = await explained(pool, OrderFilter(), paging)
        assert "Sort" not in plan, plan
        assert "Seq Scan" not in plan, plan
        assert first.by is By.ORDERED or blocks(plan) < PAGE_BLOCKS, plan


@pytest.mark.parametrize("order_by", OrderSort)
@pytest.mark.parametrize("backward", [False, True])
async def test_a_compiled_ordering_has_an_index(
    plan_pool: "asyncpg.Pool[asyncpg.Record]", order_by: OrderSort, backward: bool
) -> None:
    """In the plan that Postgres makes once, for whatever values."""
    by = replace(FIRST, order_by=order_by).by
    cursor = order_cursor(OrderPlace(DAY if by is By.PROMISE else AT, "77"), by)
    pages = (
        ("last: 50", f'last: 50, before: "{cursor}"') if backward else ("first: 50", f'first: 50, after: "{cursor}"')
    )
    for page in pages:
        plan = await compiled(
            plan_pool, f"{{ orders(orderBy: {order_by}, {page}) {{ edges {{ cursor node {{ id }} }} }} }}"
        )
        assert re.search(rf"Index (Only )?Scan (Backward )?using {INDEXES[by]}", plan), plan
        assert "Seq Scan on orders" not in plan, plan
        assert by is By.ORDERED or blocks(plan) < PAGE_BLOCKS, plan


@pytest.mark.parametrize("after", ["", ', after: "%s"'])
async def test_a_compiled_page_of_the_feed_has_an_index(plan_pool: "asyncpg.Pool[asyncpg.Record]", after: str) -> None:
    cursor = after and after % feed_cursor(1)
    plan = await compiled(plan_pool, f"{{ events(first: 10{cursor}) {{ events {{ type }} cursor hasMore }} }}")
    assert re.search(r"Index Scan using feed_0_pkey on feed_0 f", plan), plan
    assert "Seq Scan on feed_0" not in plan, plan


async def compiled(pool: "asyncpg.Pool[asyncpg.Record]", query: str) -> str:
    """Postgres's plan of the query's one statement, with what it read."""
    plan = build_plans(build_schema()).plan(query, {}, None, Principal("x", Role.ADMIN, 2**40))
    assert plan is not None
    values = ", ".join("null" if value is None else f"'{value}'" for value in plan.parameters)
    async with pool.acquire() as connection:
        await connection.execute(f"prepare wanted as {plan.statement.sql}")
        rows = await connection.fetch(f"explain (analyze, buffers, timing off) execute wanted({values})")
        await connection.execute("deallocate wanted")
    return "\n".join(row[0] for row in rows)

"""Statements: one for each (type, field) and level, however many rows; all of one instant."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from gateway.database import Snapshot
from gateway.plan.plans import Plans
from tests.controls import serving
from tests.controls.serving import Client

HERE = Path(__file__).parent
IN_TRANSACTION = """
select count(*) from pg_stat_activity
where datname = current_database() and state = 'idle in transaction'
"""
WHOLE_ORDER = (HERE / "gateway_whole_order.graphql").read_text()
LIST = WHOLE_ORDER.replace("query WholeOrder($id: ID!)", "query List").replace(
    "order(id: $id) {", "orders(first: 50) { totalCount nodes {", 1
)
LIST = LIST[: LIST.rindex("}")] + "} }"

ONCE = {
    "orders_newest_first", "count_orders", "customers_by_id", "ship_tos_by_customer", "ship_tos_by_id",
    "order_versions", "lines_by_order", "products_by_sku", "inventory_by_sku", "shipments_by_order",
    "lines_by_shipment", "packages_by_shipment", "milestones_by_shipment", "transport_events_by_shipment",
    "fulfillment_orders_by_order", "invoices_by_order", "lines_by_invoice", "returns_by_order", "lines_by_return",
    "charges_by_order", "holds_by_order", "references_by_order", "events_by_order",
    "explanations_by_order", "freshness_by_order", "events_by_turn",
}  # fmt: skip


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


@pytest.fixture(autouse=True)
def _ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled: these are the statements of resolvers."""
    monkeypatch.setattr(Plans, "plan", lambda *_: None)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each named statement ran: all reads of resolvers go through `Snapshot.fetch`."""
    ran: Counter[str] = Counter()
    fetch = Snapshot.fetch

    async def counted(self: Snapshot, name: str, *args: object) -> Sequence[asyncpg.Record]:
        ran[name] += 1
        return await fetch(self, name, *args)

    monkeypatch.setattr(Snapshot, "fetch", counted)
    return ran


async def test_a_list_takes_as_many_statements_as_one_order(
    client: Client, statements: Counter[str], database: str
) -> None:
    assert len((await client.ask(LIST))["orders"]["nodes"]) == 3
    of_three = Counter(statements)
    await add_forty(database)
    statements.clear()
    nodes = (await client.ask(LIST))["orders"]["nodes"]
    assert len(nodes) == 43
    assert all(len(node["shipments"][0]["transportEvents"]) == 2 for node in nodes if node["lines"][1:])
    assert statements == of_three
    # The way back to the order is asked for at several levels, and articles on two.
    again = {name for name, count in statements.items() if count > 1}
    assert again <= {"orders_by_id", "products_by_sku"}
    assert statements.keys() - {"orders_by_id"} == ONCE


async def add_forty(dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    await db.execute((HERE / "gateway_copies.sql").read_text())
    await db.close()


async def test_nothing_is_counted_unless_it_is_asked_for(client: Client, statements: Counter[str]) -> None:
    await client.ask("{ orders { nodes { id } } }")
    assert statements == {"orders_newest_first": 1}


async def test_entities_of_a_kind_take_one_statement(client: Client, statements: Counter[str]) -> None:
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Order { id } ... on Shipment { id } } }"
    of = [{"__typename": "Order", "id": "1042"}, {"__typename": "Order", "id": "1043"}]
    of += [{"__typename": "Shipment", "id": key} for key in ("east:S7", "east:S8")]
    await client.ask(query, of=of)
    assert statements == {"orders_by_id": 1, "shipments_by_id": 1}


async def test_found_things_of_a_kind_take_one_statement(
    client: Client, statements: Counter[str], database: str
) -> None:
    db = await asyncpg.connect(database)
    await db.execute("update graph.reference set value = 'same'")
    await db.close()
    found = (await client.ask('{ find(reference: "same") { target { __typename } order { id } } }'))["find"]
    assert len(found) == 11
    assert max(count for name, count in statements.items() if name != "orders_by_id") == 1


async def test_an_operation_sees_one_instant(client: Client, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that commits between two of its statements is in none of its answers."""
    fetch = Snapshot.fetch
    db = await asyncpg.connect(database)

    async def interrupted(self: Snapshot, name: str, *args: object) -> Sequence[asyncpg.Record]:
        rows = await fetch(self, name, *args)
        if name == "orders_by_id":
            await db.execute("update graph.orders set note = 'late'; update graph.invoice set status = 'VOID'")
        return rows

    monkeypatch.setattr(Snapshot, "fetch", interrupted)
    query = '{ order(id: "1042") { note invoices { status order { note } } } }'
    first = (await client.ask(query))["order"]
    assert first["note"] == "ring the bell"
    assert [invoice["status"] for invoice in first["invoices"]] == ["OPEN", "PAID"]
    second = (await client.ask(query))["order"]
    assert (second["note"], second["invoices"][0]["status"]) == ("late", "VOID")
    await db.close()


async def test_no_connection_is_left_behind(client: Client, database: str) -> None:
    assert client.server is not None
    pool = client.server.gateway.parts.pool
    await asyncio.gather(*(client.post(LIST) for _ in range(20)))
    await asyncio.gather(
        *(client.post('{ order(id: "x\\u0000") { id } orders(first: 0) { nodes { id } } }') for _ in range(9))
    )
    assert pool.get_idle_size() == pool.get_size() <= 8
    db = await asyncpg.connect(database)
    waiting = await db.fetchval(IN_TRANSACTION)
    await db.close()
    assert waiting == 0


KEYS = {
    "Order": ("id", "number"),
    "Shipment": ("id", "tracking"),
    "Invoice": ("id", "number"),
    "Return": ("id", "number"),
    "Customer": ("id",),
    "Product": ("sku",),
}


async def test_a_hundred_entities_take_a_statement_for_each_type(client: Client, statements: Counter[str]) -> None:
    """A statement for each type and key, whatever the order that they come in."""
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }"
    keys = [(kind, key) for kind, keys in KEYS.items() for key in keys]
    of = [{"__typename": kind, key: f"{kind}{n}"} for n in range(10) for kind, key in keys]
    of += [{"__typename": "Order", "id": "1042"}]
    answer = (await client.post(query, of=of)).json()
    assert answer["data"]["_entities"] == [None] * 100 + [{"__typename": "Order"}]
    assert statements == {
        "orders_by_id": 1, "orders_by_number": 1, "shipments_by_id": 1, "shipments_by_tracking": 1, "invoices_by_id": 1,
        "invoices_by_number": 1, "returns_by_id": 1, "returns_by_number": 1, "customers_by_id": 1, "products_by_sku": 1,
    }  # fmt: skip

"""The comparison of the graph with the direct computation: equal is silent, and a damage is named and nothing else."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from verify_case import EAST, ERP, GRAPH, HERE, databases, run_files

from adapters import origins
from adapters.origins import DirectSource
from app.direct import Difference, compare_direct, render
from app.postgres import Postgres
from orders.errors import RejectedError, TransientError
from tests.controls.cutting import standing_line
from tests.controls.sql import session

DAMAGED = [
    Difference("42", "charge", "erp:4", "order_id", "42", None),
    Difference("42", "fulfillment_order", "east:E42", "state", "SHIPPED", "PACKED"),
    Difference("42", "hold", "erp:3", "held", "false", "true"),
    Difference("42", "invoice", "8042", "status", "PAID", "OPEN"),
    Difference("42", "invoice_line", "8042/1", "quantity", "10.000", "9"),
    Difference("42", "line", "42/1", "shipped", "10.000", "9"),
    Difference(
        *("42", "milestone", "east:ES42/IN_TRANSIT", "occurred_at"),
        *("2026-07-04T13:00:00+00:00", "2026-07-04T14:00:00+00:00"),
    ),
    Difference("42", "orders", "42", "total", "25.0000000", "25.01"),
    Difference("42", "package", "east:0042", "tracking", "T42", None),
    Difference("42", "return_line", "6042/1", "quantity", "2.000", "3"),
    Difference("42", "returns", "6042", "state", "RMA_ISSUED", "IN_RETURN"),
    Difference("42", "shipment", "east:ES42", "delayed", "false", "true"),
    Difference("42", "shipment_line", "east:ES42/1", "quantity", "10.000", "11"),
    Difference("42", "transport_event", "east:1", "duplicate", "false", "true"),
    Difference(None, "customer", "7", "name", "Prairie Hardware", "Nobody"),
    Difference(None, "inventory", "erp/SKU-1", "on_hand", "150.000", "151"),
    Difference(None, "product", "SKU-1", "active", "true", "false"),
]
RENDERED = """\
order 42
  line 42/1 shipped: sources 10, graph 9
  package east:0042 tracking: sources T42, graph nothing
  shipment east:ES7: only in the graph
without an order
  customer 7: only in the sources"""
_RELATIONS = (
    "select relname from pg_class where relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)"
)
_SESSIONS = "select count(*) from pg_stat_activity where application_name = 'milepost verify'"


@pytest.fixture
async def sources(postgres: Postgres) -> AsyncIterator[list[DirectSource]]:
    erp, east = [ERP, HERE / "verify_small_erp.sql"], [EAST, HERE / "verify_small_east.sql"]
    async with databases(postgres, erp, east) as made:
        yield made


@pytest.fixture
async def graph(database: str) -> str:
    await run_files(database, GRAPH, HERE / "verify_small_graph.sql")
    return database


async def change(dsn: str, sql: str) -> None:
    async with session(dsn) as db:
        await db.execute(sql)


async def relations(dsn: str) -> set[str]:
    """What the database holds once no session of a verification is left."""
    deadline = time.monotonic() + 60
    async with session(dsn) as db:
        while await db.fetchval(_SESSIONS):
            assert time.monotonic() < deadline, "a session of the verification stays open"
            await asyncio.sleep(0.01)
        return {row[0] for row in await db.fetch(_RELATIONS)}


async def test_the_graph_of_the_same_orders_is_equal(graph: str, sources: list[DirectSource]) -> None:
    assert await compare_direct(graph, sources) == []


async def test_one_damaged_row_is_the_only_difference(graph: str, sources: list[DirectSource]) -> None:
    await change(graph, "update graph.orders set health = 'LATE'")
    assert await compare_direct(graph, sources) == [Difference("42", "orders", "42", "health", "OK", "LATE")]


async def test_a_damage_in_any_table_is_named(graph: str, sources: list[DirectSource]) -> None:
    await run_files(graph, HERE / "verify_small_damage.sql")
    assert await compare_direct(graph, sources) == DAMAGED


async def test_a_row_that_one_side_lacks_is_one_difference(graph: str, sources: list[DirectSource]) -> None:
    await change(graph, "delete from graph.package")
    await change(graph, "insert into graph.return_line values ('6042', '9', '42', 1)")
    package, line = await compare_direct(graph, sources)
    assert (package.table, package.column, package.graph) == ("package", None, None)
    assert json.loads(package.direct or "")["id"] == "east:0042"
    assert (line.key, line.column, line.direct) == ("6042/9", None, None)


async def test_a_missing_order_hides_what_hangs_on_it(graph: str, sources: list[DirectSource]) -> None:
    await change(graph, "delete from graph.orders")
    await change(graph, "delete from graph.line")
    [difference] = await compare_direct(graph, sources)
    assert (difference.order, difference.table, difference.graph) == ("42", "orders", None)


async def test_two_sources_may_share_an_adapter(graph: str, sources: list[DirectSource]) -> None:
    """West is the same database under another name, so it knows East's shipment as one of its own."""
    differences = await compare_direct(graph, [*sources, replace(sources[1], name="west")])
    shipments = [d.key for d in differences if d.table == "shipment"]
    assert shipments == ["west:ES42"]


async def test_nothing_is_left_in_the_database(graph: str, sources: list[DirectSource]) -> None:
    before = await relations(graph)
    await compare_direct(graph, sources)
    assert await relations(graph) == before


async def test_a_source_that_is_not_what_its_adapter_knows(graph: str, sources: list[DirectSource]) -> None:
    before = await relations(graph)
    wrong = replace(sources[1], adapter="erp_legacy")
    with pytest.raises(RejectedError, match="source east is not as adapter erp_legacy expects"):
        await compare_direct(graph, [sources[0], wrong])
    assert await relations(graph) == before


async def test_a_source_that_cannot_be_reached(graph: str, sources: list[DirectSource]) -> None:
    gone = replace(sources[1], dsn=f"{sources[1].dsn}_gone")
    with pytest.raises(TransientError, match="source east cannot be reached"):
        await compare_direct(graph, [gone])


async def test_a_source_that_does_not_answer(
    graph: str, sources: list[DirectSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "TIMEOUT", 0.1)
    async with standing_line(sources[1].dsn) as line:
        line.moves.clear()
        with pytest.raises(TransientError) as refused:
            await compare_direct(graph, [replace(sources[1], dsn=line.dsn)])
    assert str(refused.value) == "source east cannot be reached: no answer in time; see `milepost sources`"


async def test_an_adapter_without_a_direct_computation(graph: str, sources: list[DirectSource]) -> None:
    with pytest.raises(RejectedError, match="adapter fax has no direct"):
        await compare_direct(graph, [replace(sources[0], adapter="fax")])


async def test_readers_of_the_graph_are_not_disturbed(graph: str, sources: list[DirectSource]) -> None:
    """Not even by whoever locks all of it but reading: the comparison only reads, too."""
    async with session(graph) as db, db.transaction():
        await db.execute("lock table graph.orders, graph.line, graph.shipment in exclusive mode")
        assert await compare_direct(graph, sources) == []


def test_differences_are_rendered_order_by_order() -> None:
    differences = [
        Difference("42", "line", "42/1", "shipped", "10", "9"),
        Difference("42", "package", "east:0042", "tracking", "T42", None),
        Difference("42", "shipment", "east:ES7", None, None, "{}"),
        Difference(None, "customer", "7", None, "{}", None),
    ]
    assert render(differences) == RENDERED

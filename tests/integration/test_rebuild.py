"""A rebuild beside the graph: nothing is seen of it where the mapping is as it was, and what was mended is told."""

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from app.postgres import Postgres
from cdc.change import Change, Op, Snapshot, Transaction
from demo.story import Story
from orders.errors import RejectedError, TransientError
from orders.graph import FulfillmentOrderRow
from orders.letters import Difference
from projections.database import Connection
from projections.partitions import Table, begin_partition, partitions
from projections.past import order_as_of
from projections.projector import Advanced, Projector
from projections.rebuild.run import Report, drop_old, locked
from projections.retention import drop
from tests.controls import projecting
from tests.controls.histories import east_order
from tests.controls.projecting import deleted, header, line, order, transaction, truncated
from tests.controls.rebuilding import Mended, mended, rebuild, rebuilt, unstorable, whole
from tests.controls.story import MAPPINGS, captured_story
from tests.integration.test_projector import batches, interleaved

FEED = "select order_id, version, type, cause_table, cause_position, detail from record.feed order by position"


async def projected(graph: Connection, *transactions: Transaction, projector: Projector | None = None) -> Projector:
    projector = projector or Projector(graph, MAPPINGS)
    await projector.start()
    for each in transactions:
        assert isinstance(await projector.project([each]), Advanced)
    await projecting.check(graph)
    return projector


async def feed(graph: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await graph.fetch(FEED)]


async def unnoticed(graph: Connection, database: str) -> Report:
    """A rebuild with the mapping as it was: the same to the last byte, and not a word."""
    before, told = await whole(graph), await feed(graph)
    report = await rebuilt(database)
    assert report.swapped
    assert report.counts == (0, 0, 0)
    assert report.shown == []
    assert await whole(graph) == before == await whole(graph, "graph_before")
    assert await feed(graph) == told
    await projecting.check(graph)
    return report


async def test_a_story_rebuilt_is_the_same_to_the_last_byte(
    postgres: Postgres, graph: Connection, database: str
) -> None:
    _, streams = await captured_story(postgres, "rebuilt", Story(seed=5, orders=25))
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    rest = batches(interleaved(streams, seed=2), 20)
    for batch in rest[:-10]:
        assert isinstance(await projector.project(batch), Advanced)
    report = await unnoticed(graph, database)
    assert report.underivable == []
    for batch in rest[-10:]:
        assert isinstance(await projector.project(batch), Advanced)
    await projecting.check(graph)


def partly(number: int, *missing: str, **other: Any) -> projecting.Written:
    table, op, key, row = header(number, Op.UPDATE, **other)
    return table, op, key, {**(row or {}), **dict.fromkeys(missing, UNSET)}


async def test_over_all_that_befalls_facts(graph: Connection, database: str) -> None:
    """Large values left out, truncations, sweeps, rows nobody could read, in the stream and in a snapshot."""
    await projected(
        graph,
        order(1, 1, ordnte="a large one"),
        order(2, 2),
        transaction(3, partly(1, "ordnte", cuspo="PO-2")),
        transaction(4, truncated("public.ordlin")),
        transaction(5, line(1), partly(2, "ordnte", "cuspo")),
        transaction(6, header(2, Op.UPDATE, ordsts="77")),
        transaction(7, deleted(line(1)), line(1, qtyord="3.000"), truncated("public.ordlin"), line(1, qtyord="4.000")),
        transaction(8, header(1, Op.READ, ordsts="77"), header(3, Op.READ), epoch=2, snapshot=Snapshot.PART),
        transaction(9, line(3, Op.READ), header(4, Op.READ, ordsts="77"), epoch=2, snapshot=Snapshot.LAST),
        transaction(10, partly(3, "ordnte", cuspo="PO-3"), epoch=2),
    )
    await unnoticed(graph, database)


async def test_the_projector_goes_on_in_the_new_graph(graph: Connection, database: str) -> None:
    projector = await projected(graph, order(1, 1), order(2, 2))
    await unnoticed(graph, database)
    await projected(graph, transaction(3, header(1, Op.UPDATE, cuspo="PO-3")), projector=projector)
    assert await graph.fetchval("select customer_po from graph.orders where id = '1'") == "PO-3"
    assert await graph.fetchval("select customer_po from graph_before.orders where id = '1'") == "PO-1"


def renamed(change: Change) -> Change:
    """PO-2 was meant to be read as PO-TWO."""
    if (change.after or {}).get("cuspo") == "PO-2":
        return replace(change, after={**(change.after or {}), "cuspo": "PO-TWO"})
    return change


async def test_a_mended_mapping_corrects_the_orders_that_it_makes_different(graph: Connection, database: str) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"), transaction(3, line(2, Op.UPDATE)), order(4, 4))
    before = await feed(graph)
    report = await rebuilt(database, mended(renamed))
    assert report.counts == (1, 1, 1)
    [found] = report.shown
    assert (found.order, found.differences[0]) == (
        "2",
        Difference("orders", "2", "customer_po", "PO-2", "PO-TWO"),
    )
    assert await feed(graph) == [
        *before,
        ("2", 2, "ORDER_CORRECTED", "public.ordhdr", "1/0/2/1", "orders, reference"),
    ]
    await projecting.check_with(graph, mended(renamed))


def cancelled(change: Change) -> Change:
    """Status 20 of PO-2 was meant to be a cancelled one."""
    if (change.after or {}).get("cuspo") == "PO-2":
        return replace(change, after={**(change.after or {}), "ordsts": "90", "cnldt": "2026-03-03T10:00:00"})
    return change


async def test_what_only_the_mended_mapping_tells_is_told_behind_the_correction(
    graph: Connection, database: str
) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    before = await feed(graph)
    await rebuilt(database, mended(cancelled))
    assert [event[:4] for event in (await feed(graph))[len(before) :]] == [
        ("2", 2, "ORDER_CORRECTED", "public.ordhdr"),
        ("2", 3, "ORDER_CANCELLED", "public.ordhdr"),
    ]
    assert await graph.fetchval("select facets ->> 'commercial' from record.feed where version = 2") == "CANCELLED"


def gone(change: Change) -> Change:
    if (change.after or {}).get("cuspo") == "PO-2":
        return replace(change, op=Op.DELETE, after=None)
    return change


async def test_an_order_that_is_gone_is_corrected_too(graph: Connection, database: str) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    await rebuilt(database, mended(gone))
    assert [row["id"] for row in await graph.fetch("select id from graph.orders")] == ["1"]
    assert (await feed(graph))[-1][:3] == ("2", 2, "ORDER_CORRECTED")


async def test_a_dry_run_tells_and_leaves_nothing(graph: Connection, database: str) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    before, told = await whole(graph), await feed(graph)
    report = await rebuilt(database, mended(renamed), dry_run=True)
    assert (report.counts.orders, report.swapped) == (1, False)
    assert await whole(graph) == before
    assert await feed(graph) == told
    assert await graph.fetchval("select to_regnamespace('graph_next')") is None


def unreadable(change: Change) -> Change:
    if (change.after or {}).get("cuspo") == "PO-2":
        return replace(change, after={**(change.after or {}), "ordsts": "77"})
    return change


async def test_what_the_mapping_cannot_read_any_more_stops_it(graph: Connection, database: str) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    before = await whole(graph)
    with pytest.raises(RejectedError, match=r"erp/public.ordhdr/2 at 1/0/2/1, ledger 3: public.ordhdr.ordsts"):
        await rebuilt(database, mended(unreadable))
    assert await whole(graph) == before
    await unnoticed(graph, database)


@pytest.mark.parametrize("workers", [0, 1])
async def test_what_postgres_refuses_stops_it(graph: Connection, database: str, workers: int) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    before = await whole(graph)
    with pytest.raises(RejectedError, match="Postgres refuses what the mapping makes of the ledger"):
        await rebuilt(database, mended(unstorable), workers=workers)
    assert await whole(graph) == before


async def test_the_old_graph_stays_until_told(graph: Connection, database: str) -> None:
    await projected(graph, order(1, 1))
    await unnoticed(graph, database)
    with pytest.raises(RejectedError, match="--drop-old"):
        await rebuilt(database)
    assert await drop_old(graph)
    assert not await drop_old(graph)


async def test_only_one_at_a_time(graph: Connection, database: str) -> None:
    await locked(graph)
    with pytest.raises(TransientError, match="under way"):
        await rebuilt(database)


def endless(change: Change) -> Change:
    if change.key.get("ordno") == 2 and "qtyord" in (change.after or {}):
        return replace(change, after={**(change.after or {}), "qtyord": "9e999999"})
    return change


async def test_a_tree_of_which_nothing_follows_any_more_becomes_a_letter(graph: Connection, database: str) -> None:
    projector = await projected(graph, order(1, 1), order(2, 2))
    report = await rebuilt(database, mended(endless))
    assert len(report.underivable) == 1
    letters = "select kind, doc, resolved_at is null as waits from record.dead_letter order by id"
    assert [tuple(row) for row in await graph.fetch(letters)] == [("UNDERIVABLE", "erp/order/2", True)]
    await drop_old(graph)
    await projected(graph, transaction(3, line(2, Op.UPDATE)), projector=projector)
    assert [row["id"] for row in await graph.fetch("select id from graph.orders order by id")] == ["1", "2"]
    assert [tuple(row) for row in await graph.fetch(letters)] == [("UNDERIVABLE", "erp/order/2", False)]


async def test_rights_are_the_new_graphs_too(graph: Connection, database: str) -> None:
    await graph.execute("grant usage on schema graph to pg_monitor; grant select on graph.orders to pg_monitor")
    await projected(graph, order(1, 1))
    async with rebuild(database) as found:
        await found.run()
    assert await graph.fetchval("select has_table_privilege('pg_monitor', 'graph.orders', 'select')")
    assert not await graph.fetchval("select has_table_privilege('pg_monitor', 'graph.line', 'select')")
    assert not await graph.fetchval("select has_schema_privilege('pg_monitor', 'graph_before', 'usage')")


def quoting_one(change: Change) -> Change:
    """What the warehouse calls 3 was meant to be order 1."""
    after = change.after or {}
    return replace(change, after={**after, "client_ref": "1"}) if after.get("client_ref") == "3" else change


async def test_the_past_is_found_as_the_mended_mapping_reads_it(graph: Connection, database: str) -> None:
    mappings = MAPPINGS | {"east": Mended(quoting_one, MAPPINGS["east"])}
    projector = await projected(graph, order(1, 1), order(2, 2))
    for log, quoted in enumerate((3, 2), 1):
        east = transaction(log, east_order(1, quoted, Op.CREATE if log == 1 else Op.UPDATE), source="east")
        assert isinstance(await projector.project([east]), Advanced)
    await rebuilt(database, mappings)
    at = await graph.fetchval("select max(projected_at) from record.ledger where source = 'east' and log = 1")
    async with graph.transaction(isolation="repeatable_read"):
        then = await order_as_of(graph, mappings, "1", at) or {}
    assert [row for rows in then.values() for row in rows if isinstance(row, FulfillmentOrderRow)]


async def test_nothing_leaves_the_ledger_meanwhile(graph: Connection, database: str) -> None:
    """And what has left before is missed by nobody."""
    await projected(graph, order(1, 1), order(2, 2), transaction(3, header(1, Op.UPDATE, cuspo="PO-3")))
    await begin_partition(graph, Table.LEDGER)
    await projected(graph, transaction(4, header(2, Op.UPDATE, cuspo="PO-4")))
    [old, _] = await partitions(graph, Table.LEDGER)
    other = await projecting.connected(database)
    await locked(other)
    with pytest.raises(TransientError, match="rebuilt"):
        await drop(graph, old)
    await other.close()
    await drop(graph, old)
    assert await graph.fetchval("select count(*) from record.ledger") == 1
    await unnoticed(graph, database)


async def test_what_two_sources_tell_is_one_row(graph: Connection, database: str) -> None:
    """Tables get their keys when they are full: of rows that cannot be there both, one is."""
    mappings = {"erp": MAPPINGS["erp"], "second": MAPPINGS["erp"]}
    projector = Projector(graph, mappings)
    await projector.start()
    for source in mappings:
        told = transaction(1, header(1, cuspo=source), line(1), source=source)
        assert isinstance(await projector.project([told]), Advanced)
    assert (await rebuilt(database, mappings)).counts == (0, 0, 0)
    assert await whole(graph) == await whole(graph, "graph_before")

"""Some orders alone are made anew by a mended mapping; it is what a rebuild of all would make of them."""

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from cdc.change import Op, Snapshot
from orders.errors import NotFoundError, RejectedError, TransientError
from projections.database import Connection
from projections.projector import Advanced
from projections.rebuild.some import Orders
from tests.controls import projecting
from tests.controls.histories import east_order, east_shipment
from tests.controls.projecting import header, line, order, transaction
from tests.controls.rebuilding import mended, rebuilt, whole
from tests.controls.story import MAPPINGS
from tests.integration.test_rebuild import FEED, cancelled, endless, gone, projected, renamed, unreadable


async def orders(graph: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await graph.fetch("select id, customer_po from graph.orders order by id")]


async def test_one_order_is_mended_and_the_others_stay(graph: Connection, database: str) -> None:
    projector = await projected(graph, order(1, 1, cuspo="PO-2"), order(2, 2, cuspo="PO-2"), order(3, 3))
    told = len(await graph.fetch(FEED))
    [found] = (await Orders(graph, mended(renamed)).mend("2")).shown
    assert (found.order, found.differences[0].after) == ("2", "PO-TWO")
    assert await orders(graph) == [("1", "PO-2"), ("2", "PO-TWO"), ("3", "PO-1")]
    assert [tuple(row) for row in await graph.fetch(FEED)][told:] == [
        ("2", 2, "ORDER_CORRECTED", "public.ordhdr", "1/0/2/1", "orders, reference")
    ]
    assert (await Orders(graph, mended(renamed)).mend("2")).shown == []
    await projector.project([transaction(4, line(2, Op.UPDATE, qtyord="3.000"))])
    assert await graph.fetchval("select customer_po from graph.orders where id = '2'") == "PO-TWO"


@pytest.mark.parametrize(
    ("source", "table", "complaint"),
    [
        ("esat", "public.wh_order", "there is no source esat: name one of "),
        ("erp", "ordhdr", "no table ordhdr of erp is captured: name one of public."),
        ("erp", "public.ordhdr", "no order has a fact of erp.public.ordhdr: "),
    ],
)
async def test_a_table_of_which_there_is_none(graph: Connection, source: str, table: str, complaint: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        await Orders(graph, MAPPINGS).of_table(source, table)
    assert str(refused.value).startswith(complaint)


async def test_all_orders_of_a_table_are_what_a_rebuild_makes_of_them(graph: Connection, database: str) -> None:
    """One of them has a large value that its last change left out."""
    table, op, key, row = header(2, Op.UPDATE, cuspo="PO-2")
    partly = (table, op, key, {**(row or {}), "ordnte": UNSET})
    await projected(
        graph,
        order(1, 1, cuspo="PO-2"),
        order(2, 2, cuspo="PO-2", ordnte="large"),
        transaction(3, partly),
        order(4, 4, cuspo="PO-2"),
        transaction(5, header(4, Op.UPDATE, cuspo="PO-4")),
    )
    some = Orders(graph, mended(cancelled))
    assert await some.of_table("erp", "public.ordhdr") == ["1", "2", "4"]
    for each in await some.of_table("erp", "public.ordhdr"):
        await some.mend(each)
    await projecting.check_with(graph, mended(cancelled))
    before, told = await whole(graph), len(await graph.fetch(FEED))
    assert (await rebuilt(database, mended(cancelled))).counts == (0, 0, 0)
    assert await whole(graph) == before
    assert len(await graph.fetch(FEED)) == told


async def test_a_document_that_moves_takes_both_orders_along(graph: Connection, database: str) -> None:
    projector = await projected(graph, order(1, 1), order(2, 2))
    east = transaction(1, east_order(1, 1, Op.CREATE), east_shipment(1, 1, Op.CREATE), source="east")
    assert isinstance(await projector.project([east]), Advanced)

    class Moved:
        tables = MAPPINGS["east"].tables
        prefixes = MAPPINGS["east"].prefixes

        def facts(self, change: Any) -> Any:
            after = {**change.after, "client_ref": "2"} if change.table == "public.wh_order" else change.after
            return MAPPINGS["east"].facts(replace(change, after=after))

    mappings = MAPPINGS | {"east": Moved()}
    found = await Orders(graph, mappings).mend("1")
    assert [each.order for each in found.shown] == ["1", "2"]
    assert [row["order_id"] for row in await graph.fetch("select order_id from graph.shipment")] == ["2"]
    await projecting.check_with(graph, mappings)


async def test_an_order_that_the_mapping_makes_go_is_gone(graph: Connection) -> None:
    await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    await Orders(graph, mended(gone)).mend("2")
    assert await orders(graph) == [("1", "PO-1")]
    await projecting.check_with(graph, mended(gone))


async def test_a_dry_run_tells_and_changes_nothing(graph: Connection) -> None:
    await projected(graph, order(2, 2, cuspo="PO-2"))
    before, told = await whole(graph), await graph.fetch(FEED)
    assert (await Orders(graph, mended(renamed)).mend("2", dry_run=True)).events == 1
    assert await whole(graph) == before
    assert await graph.fetch(FEED) == told


async def test_what_cannot_be_done_changes_nothing(graph: Connection) -> None:
    projector = await projected(graph, order(1, 1), order(2, 2, cuspo="PO-2"))
    before = await whole(graph)
    with pytest.raises(NotFoundError):
        await Orders(graph, MAPPINGS).mend("9")
    with pytest.raises(NotFoundError):
        await Orders(graph, MAPPINGS).of_table("erp", "public.cusmst")
    with pytest.raises(RejectedError, match=r"erp/public.ordhdr/2 at 1/0/2/1, ledger 3"):
        await Orders(graph, mended(unreadable)).mend("2")
    with pytest.raises(RejectedError, match="left as it was"):
        await Orders(graph, mended(endless)).mend("2")
    assert await whole(graph) == before
    assert isinstance(
        await projector.project([transaction(4, header(1, Op.READ), epoch=2, snapshot=Snapshot.PART)]), Advanced
    )
    with pytest.raises(TransientError):
        await Orders(graph, MAPPINGS).mend("2")

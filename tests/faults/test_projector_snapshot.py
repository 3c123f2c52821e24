"""F15, F20 and re-snapshots: a snapshot over a graph that is there sweeps, corrects, and says nothing twice."""

from typing import Any

import asyncpg
import pytest

from cdc.change import Op, Snapshot, Transaction
from projections.database import SQL, Connection
from projections.projector import Advanced, Fenced, Projector
from projections.sharing import FencedError
from tests.controls import projecting
from tests.controls.projecting import Written, header, line, order, transaction
from tests.controls.story import MAPPINGS

FEED = "select order_id, version, type, snapshot from record.feed order by position"


def part(epoch: int, log: int, *written: Written) -> Transaction:
    return transaction(log, *written, epoch=epoch, snapshot=Snapshot.PART)


def last(epoch: int, log: int, *written: Written) -> Transaction:
    return transaction(log, *written, epoch=epoch, snapshot=Snapshot.LAST)


def read(number: int, **other: Any) -> list[Written]:
    """An order as a snapshot brings it."""
    return [header(number, Op.READ, **other), line(number, Op.READ)]


class Life:
    """Projects into a graph: with one projector all along, or with a new one each time, which remembers nothing."""

    def __init__(self, graph: Connection, *, long: bool) -> None:
        self._graph, self._long = graph, long
        self._projector = Projector(graph, MAPPINGS)

    async def __call__(self, *transactions: Transaction) -> list[str]:
        """The orders that are there then."""
        if not self._long:
            self._projector = Projector(self._graph, MAPPINGS)
        await self._projector.start()
        for each in transactions:
            assert isinstance(await self._projector.project([each]), Advanced)
        await projecting.check(self._graph)
        await projecting.check_told(self._graph)
        return [row["id"] for row in await self._graph.fetch("select id from graph.orders order by id")]


@pytest.fixture(params=[True, False], ids=["remembering", "from what is stored"])
def projected(request: pytest.FixtureRequest, graph: Connection) -> Life:
    return Life(graph, long=request.param)


async def feed(graph: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await graph.fetch(FEED)]


async def test_a_first_snapshot_shows_nothing_before_it_is_whole(graph: Connection, projected: Life) -> None:
    assert await projected(part(1, 1, *read(1))) == []
    assert await projected(last(1, 2, *read(2))) == ["1", "2"]
    assert await feed(graph) == [("1", 1, "ORDER_ACCEPTED", True), ("2", 1, "ORDER_ACCEPTED", True)]


async def test_the_same_again_says_nothing(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), order(2, 2))
    before = await feed(graph)
    assert await projected(part(2, 5, *read(1)), last(2, 6, *read(2))) == ["1", "2"]
    assert await feed(graph) == before


async def test_what_the_snapshot_does_not_bring_is_gone(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), order(2, 2))
    assert await projected(last(2, 5, *read(2))) == ["2"]
    assert await graph.fetchval("select count(*) from graph.line") == 1


async def test_what_it_shows_otherwise_is_told_as_found(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), order(2, 2))
    before = await feed(graph)
    await projected(last(2, 5, *read(1, cuspo="PO-9"), *read(2)))
    assert await feed(graph) == [*before, ("1", 2, "ORDER_CHANGED", True)]


async def test_so_is_what_a_row_below_the_order_shows_otherwise(graph: Connection, projected: Life) -> None:
    """The order's own row is as it was."""
    await projected(order(1, 1), order(2, 2))
    before = await feed(graph)
    await projected(last(2, 5, header(1, Op.READ), line(1, Op.READ, uom="BX", qtyord="10"), *read(2)))
    assert await graph.fetchval("select uom from graph.line where order_id = '1'") == "BX"
    assert await feed(graph) == [*before, ("1", 2, "ORDER_CHANGED", True)]


async def test_what_happened_meanwhile_is_told_as_found(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1))
    before = await feed(graph)
    await projected(last(2, 5, *read(1, ordsts="90", cnldt="2026-03-03T10:00:00")))
    assert [event[0] for event in (await feed(graph))[len(before) :]] == ["1"]
    assert (await feed(graph))[-1][1:] == (2, "ORDER_CANCELLED", True)


async def test_a_snapshot_that_broke_off_is_begun_again(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), order(2, 2))
    before = await feed(graph)
    assert await projected(part(2, 5, *read(1, cuspo="PO-8"), *read(3))) == ["1", "2"]
    assert await projected(part(3, 6, *read(1)), last(3, 7, *read(2))) == ["1", "2"]
    assert await feed(graph) == before


async def test_an_end_that_fails_is_as_if_it_had_not_been(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), order(2, 2), part(2, 5, *read(2, cuspo="PO-9")))
    before = await projecting.dump(graph)
    await graph.execute("create function no() returns trigger language plpgsql as $$begin raise 'disk full'; end$$")
    await graph.execute("create trigger no before insert on record.feed execute function no()")
    with pytest.raises(asyncpg.RaiseError):
        await projected(last(2, 6))
    assert await projecting.dump(graph) == before
    await graph.execute("drop trigger no on record.feed")
    assert await projected(last(2, 6)) == ["2"]
    assert (await feed(graph))[-1] == ("2", 2, "ORDER_CHANGED", True)


async def test_two_snapshots_that_overlap_show_nothing_before_both_are_whole(
    graph: Connection, projected: Life
) -> None:
    stock = ("public.wh_stock", Op.READ, {"sku": "T-100"}, STOCK)
    east = transaction(1, stock, snapshot=Snapshot.LAST, source="east")
    assert await projected(part(1, 1, *read(1)), east) == []
    assert await projected(last(1, 2)) == ["1"]
    assert await feed(graph) == [("1", 1, "ORDER_ACCEPTED", True)]


async def test_what_follows_a_snapshot_is_told_behind_it(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), order(2, 2), last(2, 5, *read(1, cuspo="PO-9"), *read(2)))
    before = await feed(graph)
    await projected(transaction(6, header(1, Op.UPDATE, cuspo="PO-3"), epoch=2))
    assert await feed(graph) == [*before, ("1", 3, "ORDER_CHANGED", False)]


async def test_an_older_change_does_not_undo_the_snapshot(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1), last(2, 5, *read(1, cuspo="PO-9")))
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await projector.project([transaction(4, header(1, Op.UPDATE, cuspo="PO-2"))])
    assert await graph.fetchval("select customer_po from graph.orders") == "PO-9"
    await projecting.check(graph)


async def test_while_one_source_is_in_its_snapshot_the_other_waits_in_sight(graph: Connection, projected: Life) -> None:
    await projected(order(1, 1))
    stock = ("public.wh_stock", Op.READ, {"sku": "T-100"}, STOCK)
    await projected(transaction(1, stock, snapshot=Snapshot.PART, source="east"), order(2, 2))
    ended = transaction(2, snapshot=Snapshot.LAST, source="east")
    assert await projected(ended, order(3, 3)) == ["1", "2", "3"]
    assert [event[:3] for event in await feed(graph)] == [(n, 1, "ORDER_ACCEPTED") for n in "123"]


STOCK = {"sku": "T-100", "on_hand": "5.000", "allocated": "0.000", "updated_at": "2026-03-02T15:00:00+00:00"}


async def test_one_that_is_asked_for_stops_the_projector_until_it_begins_anew(graph: Connection) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await projector.project([order(1, 1)])
    assert await graph.fetchval(SQL["ask_anew"], "erp") == 1
    with pytest.raises(FencedError):
        await projector.answer_requests()
    assert await projector.project([order(2, 2)]) == Fenced("erp")
    assert (await projector.start())["erp"].resume is None
    assert isinstance(await projector.project([last(2, 5, *read(1))]), Advanced)
    assert await projector.answer_requests()
    await projecting.check(graph)

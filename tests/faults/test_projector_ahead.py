"""F20, F23, F24, F28, F31: what happens to a batch that was folded while the one before it was being written."""

import asyncpg
import pytest

from cdc.change import Op, Snapshot, Transaction
from projections.database import Connection
from projections.mapping import Mappings
from projections.projector import Advanced, Fenced, Projector
from projections.sharing import FencedError, Share, Turn
from tests.controls import projecting
from tests.controls.piping import Piping, piping
from tests.controls.projecting import header, line, order, transaction, truncated
from tests.controls.story import MAPPINGS
from tests.faults.test_projector_poison import ENDLESS, KINDS, Misread

ORDERS = "select id, customer_po from graph.orders order by id"
PLACE = "select log from record.checkpoint where source = 'erp'"


async def started(graph: Connection, mappings: Mappings = MAPPINGS) -> Projector:
    """One that has had its first turn, with an order that is there."""
    projector = Projector(graph, mappings)
    await projector.start()
    for each in (order(1, 1), transaction(2, header(1, Op.UPDATE, cuspo="PO-2"))):
        assert isinstance(await projector.project([each]), Advanced)
    assert projector.alone
    return projector


async def overtaken(found: Piping, written: list[Transaction], ahead: list[Transaction]) -> None:
    """The second ones are folded while the first ones are being written; all of them are done with then."""
    async with found.held() as waits:
        await found.take(*written)
        await waits()
        await found.take(*ahead)
        assert found.told == []
    await found.pipeline.finish()


async def test_an_order_of_both_batches(graph: Connection, database: str) -> None:
    async with piping(await started(graph), database) as found:
        later = [transaction(4, header(3, Op.UPDATE, cuspo="PO-4"), line(3, qtyord="7.000")), order(5, 5)]
        await overtaken(found, [order(3, 3)], later)
        assert [type(each) for each in found.told] == [Advanced, Advanced]
    await projecting.check(graph)
    assert await graph.fetch(ORDERS) == [("1", "PO-2"), ("3", "PO-4"), ("5", "PO-1")]
    assert await graph.fetchval("select ordered from graph.line where order_id = '3'") == 7


async def test_what_is_brought_into_memory_while_a_batch_grows(graph: Connection, database: str) -> None:
    """Does not make what it has folded so far look as if it were stored."""
    projector = await started(graph)
    for number in (3, 4):
        assert isinstance(await projector.project([order(number, number)]), Advanced)
    projector.loader.forget()
    async with piping(projector, database) as found:
        for number in (3, 4):
            await found.pipeline.take([transaction(number + 2, header(number, Op.UPDATE, cuspo="PO-9"))])
        await found.pipeline.finish()
        assert [type(each) for each in found.told] == [Advanced]
    await projecting.check(graph)
    assert await graph.fetchval("select count(*) from graph.fact where log in (5, 6)") == 2
    assert await graph.fetch(ORDERS) == [("1", "PO-2"), ("3", "PO-9"), ("4", "PO-9")]


async def test_what_was_folded_already_and_comes_again_is_done_with_once(graph: Connection, database: str) -> None:
    async with piping(await started(graph), database) as found:
        async with found.held() as waits:
            await found.take(order(3, 3))
            await waits()
            await found.take(order(4, 4))
            await found.take(order(3, 3), order(4, 4))
        await found.pipeline.finish()
    await projecting.check(graph)
    assert await graph.fetchval("select seen from record.checkpoint") == 7


@pytest.mark.parametrize("place", [0, 1])
async def test_what_postgres_refuses_in_either_batch_is_out_alone(graph: Connection, database: str, place: int) -> None:
    async with piping(await started(graph), database) as found:
        both = [order(3, 3), order(4, 4)]
        both[place] = order(3 + place, 3 + place, cuspo="PO\0-1")
        touched = transaction(5, line(both[place].position.log, Op.UPDATE, qtyord="2.000"), header(5), line(5))
        await overtaken(found, both[:1], [*both[1:], touched])
    await projecting.check(graph)
    rest = 4 - place
    assert [row["id"] for row in await graph.fetch(ORDERS)] == ["1", str(rest), "5"]
    assert [row["kind"] for row in await graph.fetch(KINDS)] == ["REFUSED"]


async def test_a_change_of_which_no_rows_can_be_made_while_another_is_written(graph: Connection, database: str) -> None:
    posting = {"pstno": 501, "whs": "EA", "whsref": None, "carcd": None, "trkno": None, "shpdt": None, "ordno": 3}
    bad = transaction(4, ("public.shppst", Op.CREATE, {"pstno": 501}, posting))
    async with piping(await started(graph, {"erp": Misread()}), database) as found:
        await found.take(order(3, 3))
        await found.take(bad, order(5, 5))
        await found.pipeline.finish()
    await projecting.check_with(graph, {"erp": Misread()})
    assert [row["id"] for row in await graph.fetch(ORDERS)] == ["1", "3", "5"]
    assert await graph.fetch(KINDS) == [("UNDERIVABLE", None)]


async def test_a_tree_that_is_mended_in_one_batch_and_broken_in_the_next(graph: Connection, database: str) -> None:
    """What its own batch has mended is broken by a change, not by what a snapshot brought."""
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    bad = transaction(1, header(1), line(1, qtyord=ENDLESS), snapshot=Snapshot.LAST)
    assert isinstance(await projector.project([bad]), Advanced)
    assert isinstance(await projector.project([order(2, 2)]), Advanced)
    async with piping(projector, database) as found:
        await overtaken(
            found, [transaction(3, line(1, Op.UPDATE))], [transaction(4, line(1, Op.UPDATE, qtyord=ENDLESS))]
        )
    await projecting.check(graph)
    assert [row["id"] for row in await graph.fetch(ORDERS)] == ["1", "2"]
    assert [tuple(row) for row in await graph.fetch("select log, resolution from record.dead_letter order by log")] == [
        (1, "SUPERSEDED"), (4, None),
    ]  # fmt: skip


async def test_a_truncation_waits_for_what_is_being_written(graph: Connection, database: str) -> None:
    async with piping(await started(graph), database) as found:
        await found.take(order(3, 3))
        await found.take(transaction(4, truncated("public.ordlin")))
        await found.take(order(5, 5))
        await found.pipeline.finish()
    await projecting.check(graph)
    assert await graph.fetch("select order_id from graph.line") == [("5",)]


async def test_a_zombie_whose_batch_was_folded_ahead_writes_nothing(graph: Connection, database: str) -> None:
    """Its batch is poison, too: nothing of that is said, since its fence is looked at first."""
    other = await projecting.connected(database)
    projector = await started(graph)
    async with piping(projector, database) as found:
        await found.pipeline.take([order(3, 3, cuspo="PO\0-1")])
        heir = Projector(other, MAPPINGS)
        await heir.start()
        assert isinstance(await heir.project([order(3, 3)]), Advanced)
        before = await projecting.dump(graph)
        await found.pipeline.finish()
        assert found.told == [Fenced("erp")]
        assert await projecting.dump(graph) == before
    await projecting.check(graph)
    await other.close()


async def test_a_zombie_whose_claim_is_gone_writes_nothing(graph: Connection, database: str) -> None:
    projector = Projector(graph, MAPPINGS, await Share.claimed(graph, ["erp"]))
    await projector.start()
    for each in (order(1, 1), order(2, 2)):
        assert isinstance(await projector.project([each]), Advanced)
    async with piping(projector, database) as found:
        await found.pipeline.take([order(3, 3, cuspo="PO\0-1")])
        await Share.claimed(graph, ["erp"])
        before = await projecting.dump(graph)
        with pytest.raises(FencedError):
            await found.pipeline.finish()
        assert await projecting.dump(graph) == before


async def test_what_was_folded_before_another_wrote_is_folded_anew(graph: Connection, database: str) -> None:
    async with piping(await started(graph), database) as found:
        await found.pipeline.take([transaction(3, header(1, Op.UPDATE, cuspo="PO-3"))])
        async with graph.transaction():
            await Turn().take(graph)
            await graph.execute("delete from graph.fact where key like 'line/%'")
        await found.pipeline.finish()
        assert [type(each) for each in found.told] == [Advanced]
    assert await graph.fetchval("select total from graph.orders") == 0
    assert await graph.fetchval("select count(*) from record.ledger where log = 3") == 1


async def test_a_write_that_fails_leaves_nothing_of_either_batch(graph: Connection, database: str) -> None:
    async with piping(await started(graph), database) as found:
        await graph.execute("create function no() returns trigger language plpgsql as $$begin raise 'disk full'; end$$")
        await graph.execute("create trigger no before insert on record.feed execute function no()")
        before = await projecting.dump(graph)
        await found.take(order(3, 3))
        await found.pipeline.take([order(4, 4)])
        with pytest.raises(asyncpg.RaiseError):
            await found.pipeline.finish()
        assert (found.told, await projecting.dump(graph)) == ([], before)


async def test_stopping_waits_for_what_is_written_and_drops_what_is_not(graph: Connection, database: str) -> None:
    async with piping(await started(graph), database) as found:
        await found.take(order(3, 3))
        await found.pipeline.take([order(4, 4)])
        await found.pipeline.stop()
        assert [type(each) for each in found.told] == [Advanced]
    assert await graph.fetchval(PLACE) == 3
    await projecting.check(graph)


async def test_memory_is_emptied_between_batches_when_it_is_full(graph: Connection, database: str) -> None:
    projector = Projector(graph, MAPPINGS, cap=40)
    await projector.start()
    assert isinstance(await projector.project([order(1, 1)]), Advanced)
    assert isinstance(await projector.project([order(2, 2)]), Advanced)
    async with piping(projector, database) as found:
        for log in range(3, 60):
            await found.take(order(log, log))
            await found.take(transaction(log, header(log - 2, Op.UPDATE, cuspo=f"PO-{log}"), epoch=2))
        await found.pipeline.finish()
    assert not projector.loader.is_full
    await projecting.check(graph)

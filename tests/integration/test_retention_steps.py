"""Each step by which a partition of the ledger leaves does what is left undone without it."""

from msgspec import UNSET

from cdc.change import Op, Snapshot
from commands import letters
from orders.letters import LetterAction
from projections.database import Connection
from projections.partitions import Table, begin_partition
from projections.projector import Advanced
from tests.controls import projecting
from tests.controls.projecting import deleted, header, line, order, transaction
from tests.controls.pruning import dropped, filled

HEADERS = """
select outcome, after ->> 'cuspo' as po, after ->> 'ordnte' as note from record.base
where tbl = 'public.ordhdr' and (key ->> 'ordno')::int = 1 order by epoch, log, ordinal
"""
GONE = "select key ->> 'ordno' from record.base where op = 'd'"
NUMBERS = "select number from graph.orders order by number"


async def headers(graph: Connection) -> list[tuple[str, ...]]:
    return [tuple(row) for row in await graph.fetch(HEADERS)]


async def test_what_the_log_left_out_of_a_row_is_kept_with_it(graph: Connection) -> None:
    """Whether what it was before leaves at once, has left already, or lies several changes back."""
    untold = {"ordnte": UNSET}
    await filled(
        graph,
        transaction(1, header(1, ordnte="by hand"), line(1)),
        transaction(2, header(1, Op.UPDATE, cuspo="PO-2", **untold)),
        transaction(3, header(1, Op.UPDATE, cuspo="PO-3", **untold), header(1, Op.UPDATE, cuspo="PO-4", **untold)),
    )
    for leaving, order_po in ((1, "PO-1"), (1, "PO-2"), (1, "PO-4")):
        await dropped(graph, Table.LEDGER, leaving)
        assert await headers(graph) == [("applied", order_po, "by hand")]
        await projecting.check(graph)


async def test_what_leaves_in_one_partition_is_completed_too(graph: Connection) -> None:
    changed = [header(1, Op.UPDATE, cuspo=f"PO-{number}", ordnte=UNSET) for number in (2, 3)]
    await filled(graph, transaction(1, header(1, ordnte="by hand"), line(1), *changed))
    await dropped(graph, Table.LEDGER, 1)
    assert await headers(graph) == [("applied", "PO-3", "by hand")]
    await projecting.check(graph)


async def test_a_change_whose_letter_waits_is_kept_beside_its_row(graph: Connection) -> None:
    bad = transaction(2, header(1, Op.UPDATE, ordsts="??", cuspo="PO-2"))
    projector = await filled(graph, order(1, 1), bad)
    await dropped(graph, Table.LEDGER, 2)
    assert await headers(graph) == [("applied", "PO-1", None), ("dead", "PO-2", None)]
    await projecting.check(graph)
    assert isinstance(await projector.project([transaction(3, header(1, Op.UPDATE, cuspo="PO-3"))]), Advanced)
    await begin_partition(graph, Table.LEDGER)
    await dropped(graph, Table.LEDGER, 1)
    assert await headers(graph) == [("applied", "PO-3", None)]
    await projecting.check(graph)


async def test_what_a_snapshot_could_not_say_spares_its_row_though_it_has_left(graph: Connection) -> None:
    """Though its letter is given up, too: by partitions, the snapshot's end leaves later than its begin."""
    unreadable = [header(1, Op.READ, ordsts="??"), line(1, Op.READ)]
    begun = transaction(5, *unreadable, epoch=2, snapshot=Snapshot.PART)
    ended = transaction(6, header(2, Op.READ), line(2, Op.READ), epoch=2, snapshot=Snapshot.LAST)
    projector = await filled(graph, order(1, 1), order(2, 2), order(3, 3), begun, ended)
    [letter] = await graph.fetch("select id from record.dead_letter")
    await letters.ask(graph, "ann", "k", LetterAction.DISCARD, [letter["id"]])
    assert await projector.answer_requests()
    for _ in range(5):
        await dropped(graph, Table.LEDGER, 1)
        assert [row["number"] for row in await graph.fetch(NUMBERS)] == ["1", "2"]
        await projecting.check(graph)


async def test_a_row_that_is_gone_is_kept_as_long_as_an_older_change_may_come(graph: Connection) -> None:
    bad = transaction(2, header(2, ordsts="??"))
    projector = await filled(graph, order(1, 1), bad, transaction(3, deleted(line(1))))
    await dropped(graph, Table.LEDGER, 3)
    assert [row[0] for row in await graph.fetch(GONE)] == ["1"]
    await projecting.check(graph)
    [letter] = await graph.fetch("select id from record.dead_letter")
    await letters.ask(graph, "ann", "k", LetterAction.DISCARD, [letter["id"]])
    assert await projector.answer_requests()
    assert isinstance(await projector.project([order(4, 4)]), Advanced)
    await begin_partition(graph, Table.LEDGER)
    await dropped(graph, Table.LEDGER, 1)
    assert await graph.fetch(GONE) == []
    await projecting.check(graph)

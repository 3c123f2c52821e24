"""What happens while a graph is rebuilt beside the one that is read: changes, snapshots, replayed letters."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import UNSET

from cdc.change import Op, Snapshot, Transaction
from commands import letters
from orders.letters import LetterAction, LetterOutcome
from projections.database import Connection
from projections.projector import Advanced, Projector
from projections.rebuild import facts
from projections.rebuild.run import Rebuild
from projections.sharing import Share
from tests.controls import projecting
from tests.controls.projecting import Written, deleted, header, line, order, transaction, truncated
from tests.controls.rebuilding import mended, rebuild, rebuilt, whole
from tests.controls.story import MAPPINGS
from tests.faults.test_dead_letters import Mended
from tests.integration.test_rebuild import FEED, renamed

STEPS = ["_catch_up", "_compare_again", "_swap"]
"""Of a rebuild; something happens before each of them."""


def before(found: Rebuild, step: str, act: Callable[[], Awaitable[Any]]) -> None:
    """Does something the first time that the rebuild comes to the step."""
    original, done = getattr(found, step), list[bool]()

    async def stepped(*args: Any) -> Any:
        if not done:
            done.append(True)
            await act()
        return await original(*args)

    setattr(found, step, stepped)


class Going:
    """A graph with a projector that goes on."""

    def __init__(self, graph: Connection, database: str) -> None:
        self.graph, self.database = graph, database
        self.projector = Projector(graph, MAPPINGS)

    async def __call__(self, *transactions: Transaction) -> None:
        await self.projector.start()
        for each in transactions:
            assert isinstance(await self.projector.project([each]), Advanced)

    async def replayed(self, mappings: Any) -> LetterOutcome:
        """What became of the first dead letter, which the projector can read now."""
        self.projector = Projector(self.graph, mappings)
        await self.projector.start()
        asked = await letters.ask(self.graph, "ann", "k", LetterAction.REPLAY, [1], dry_run=False)
        assert await self.projector.answer_requests()
        [outcome] = (await letters.asked(self.graph, asked.id)).outcome or ()
        return outcome.became

    async def rebuilt_while(self, step: str, act: Callable[[], Awaitable[Any]], mappings: Any = MAPPINGS) -> Any:
        async with rebuild(self.database, mappings) as found:
            before(found, step, act)
            report = await found.run()
        assert report.swapped
        await projecting.check_with(self.graph, mappings)
        return report


@pytest.fixture
async def going(graph: Connection, database: str) -> Going:
    found = Going(graph, database)
    await found(order(1, 1), order(2, 2, cuspo="PO-2"), order(3, 3))
    return found


@pytest.mark.parametrize("step", STEPS)
async def test_changes_are_caught_up_with(going: Going, step: str) -> None:
    async def act() -> None:
        await going(
            order(4, 4),
            transaction(5, header(1, Op.UPDATE, cuspo="PO-5"), deleted(line(3))),
            transaction(6, line(2, Op.UPDATE, qtyord="7.000"), truncated("public.ordhld"), truncated("public.ordlin")),
            transaction(7, line(1), header(3, Op.UPDATE, ordsts="77")),
        )

    report = await going.rebuilt_while(step, act)
    assert report.counts == (0, 0, 0)
    assert await whole(going.graph) == await whole(going.graph, "graph_before")


ITEM = {"itmdsc": "Test bolt", "uom": "EA", "lstprc": "2.5000", "itmsts": "A"}


@pytest.mark.parametrize("place", [Snapshot.NO, Snapshot.LAST])
async def test_a_dry_run_tells_nothing_of_what_is_projected_meanwhile(
    going: Going, database: str, place: Snapshot
) -> None:
    op, epoch = (Op.CREATE, 1) if place is Snapshot.NO else (Op.READ, 2)
    item: Written = "public.itmmst", op, {"itmno": "T-100"}, {"itmno": "T-100", **ITEM}

    async def act() -> None:
        await going(transaction(4, item, header(4, op), epoch=epoch, snapshot=place))

    async with rebuild(database) as found:
        before(found, "_drop_again", act)
        report = await found.run(dry_run=True)
    assert (report.others, report.counts, report.shown) == ({}, (0, 0, 0), [])


@pytest.mark.parametrize("step", STEPS)
async def test_a_snapshot_that_ends_meanwhile(going: Going, step: str) -> None:
    async def act() -> None:
        rows = [header(1, Op.READ), line(1, Op.READ), header(2, Op.READ, ordsts="77")]
        await going(
            transaction(4, *rows, epoch=2, snapshot=Snapshot.PART), transaction(5, epoch=2, snapshot=Snapshot.LAST)
        )

    report = await going.rebuilt_while(step, act)
    assert report.counts == (0, 0, 0)
    assert await whole(going.graph) == await whole(going.graph, "graph_before")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("op", [Op.CREATE, Op.READ])
async def test_a_letter_that_is_replayed_meanwhile(graph: Connection, database: str, step: str, op: Op) -> None:
    mappings = MAPPINGS | {"erp": Mended()}
    going = Going(graph, database)
    place = Snapshot.LAST if op is Op.READ else Snapshot.NO
    await going(transaction(1, header(1, op), line(1, op), header(2, op, ordsts="77"), line(2, op), snapshot=place))

    async def act() -> None:
        assert await going.replayed(mappings) is LetterOutcome.REPLAYED

    report = await going.rebuilt_while(step, act, mappings)
    assert report.counts == (0, 0, 0)
    assert [row["id"] for row in await graph.fetch("select id from graph.orders order by id")] == ["1", "2"]
    assert await whole(graph) == await whole(graph, "graph_before")


LATE = """
insert into record.ledger (source, epoch, log, ordinal, snapshot, tbl, op, key, after, outcome, captured_at)
select source, epoch, 2, ordinal, snapshot, tbl, op, key,
    replace(after::text, 'first', 'second')::json, 'superseded', captured_at
from record.ledger where log = 1 and tbl = 'public.ordhdr'
"""


@pytest.mark.parametrize("page", [1, 2_000])
async def test_what_came_in_part_is_whole_as_it_was_then(
    graph: Connection, database: str, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change whose place is before it, but that the ledger has behind it, was not there for it."""
    going = Going(graph, database)
    table, op, key, row = header(1, Op.UPDATE, cuspo="PO-3")
    await going(order(1, 1, ordnte="first"), transaction(3, (table, op, key, {**(row or {}), "ordnte": UNSET})))
    await graph.execute(LATE)
    monkeypatch.setattr(facts, "PAGE", page)
    assert (await rebuilt(database)).counts == (0, 0, 0)
    assert await whole(graph) == await whole(graph, "graph_before")
    assert await graph.fetchval("select note from graph.orders where id = '1'") == "first"


@pytest.mark.parametrize("step", STEPS)
async def test_an_order_to_be_corrected_that_changes_meanwhile(going: Going, step: str) -> None:
    """The projector still reads it as before; what it tells comes first, and versions rise by one."""
    await going.rebuilt_while(
        step, lambda: going(transaction(4, header(2, Op.UPDATE, cuspo="PO-2", ordnte="new"))), mended(renamed)
    )
    events = [tuple(row)[:3] for row in await going.graph.fetch(FEED)]
    assert events[-2:] == [("2", 2, "ORDER_CHANGED"), ("2", 3, "ORDER_CORRECTED")]


@pytest.mark.parametrize("step", STEPS)
async def test_an_order_that_is_right_again_is_not_corrected(going: Going, step: str) -> None:
    report = await going.rebuilt_while(
        step, lambda: going(transaction(4, header(2, Op.UPDATE, cuspo="PO-8"))), mended(renamed)
    )
    assert report.counts == (0, 0, 0)


async def test_projectors_that_share_go_on_in_the_new_graph(graph: Connection, database: str) -> None:
    other, mappings = await projecting.connected(database), {"erp": MAPPINGS["erp"], "second": MAPPINGS["erp"]}
    one = Projector(graph, mappings, await Share.claimed(graph, ["erp"]))
    two = Projector(other, mappings, await Share.claimed(other, ["second"]))
    for each, number, source in ((one, 1, "erp"), (two, 2, "second")):
        await each.start()
        assert isinstance(await each.project([transaction(1, header(number), line(number), source=source)]), Advanced)
    assert (await rebuilt(database, mappings)).counts == (0, 0, 0)
    for each, number, source in ((two, 2, "second"), (one, 1, "erp")):
        again = transaction(2, header(number, Op.UPDATE, cuspo="PO-X"), source=source)
        assert isinstance(await each.project([again]), Advanced)
    rows = await graph.fetch("select customer_po from graph.orders")
    assert [row["customer_po"] for row in rows] == ["PO-X", "PO-X"]
    await projecting.check_with(graph, mappings)
    await other.close()

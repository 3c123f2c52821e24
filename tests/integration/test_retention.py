"""What leaves ledger and feed makes nothing wrong: replay, past, versions, cursors, letters and accounts stay."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from app.postgres import Postgres
from app.verifying import accounts
from cdc.change import Change, Op, Snapshot, Transaction
from commands import letters
from gateway.feed import GapReason, Missing, read_bounds
from orders.errors import TransientError
from orders.facts import Fact
from orders.letters import LetterAction
from projections.database import SQL, Connection
from projections.mapping import SourceMapping
from projections.partitions import Table, begin_partition, partitions
from projections.past import DroppedError, order_as_of, shown_at
from projections.projector import Advanced, Projector
from projections.replay import Rows, replayed, stored
from projections.retention import close_if_old, drop, due
from tests.controls import projecting
from tests.controls.histories import ORDERS, History
from tests.controls.projecting import deleted, header, line, order, transaction
from tests.controls.pruning import dropped, filled
from tests.controls.story import MAPPINGS
from tests.controls.waiting import until

OPEN = "select id from record.dead_letter where resolved_at is null order by id"
EVENTS = "select position, order_id, version, key from record.feed where position > $1 order by position"
VERSIONS = "select order_id, max(version) from record.feed group by order_id"

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Lenient:
    """A mapping that knows the code `??`, too."""

    def __init__(self, mapping: SourceMapping) -> None:
        self._mapping = mapping
        self.tables = mapping.tables
        self.prefixes = mapping.prefixes

    def facts(self, change: Change) -> Sequence[Fact]:
        code = {"ordsts": "20", "state": "NEW"}
        after = change.after and {name: code.get(name, v) if v == "??" else v for name, v in change.after.items()}
        return self._mapping.facts(replace(change, after=after))


MENDED = {source: Lenient(mapping) for source, mapping in MAPPINGS.items()}


class Kept:
    """A graph whose ledger and feed are dropped now and then, with all that was ever seen of it."""

    def __init__(self, graph: Connection, seed: int) -> None:
        self.graph = graph
        self._rng = random.Random(seed)
        self._projector = Projector(graph, MAPPINGS)
        self.events: list[tuple[str, int, str]] = []
        self._position = 0
        self.known: list[tuple[datetime, Rows, dict[str, Any]]] = []

    async def begin(self) -> None:
        self._position = await self.graph.fetchval("select position from record.feed_head")
        await self.restarted()

    async def restarted(self) -> None:
        """By a projector that remembers nothing, and at times knows better."""
        self._projector = Projector(self.graph, self._rng.choice((MAPPINGS, MENDED)))
        await self._projector.start()

    async def take(self, each: Transaction) -> None:
        assert isinstance(await self._projector.project([self._toasted(each)]), Advanced)
        for position, *event in await self.graph.fetch(EVENTS, self._position):
            self._position = position
            self.events.append((event[0], event[1], event[2]))
        match self._rng.randrange(8):
            case 0 | 1:
                await begin_partition(self.graph, self._rng.choice(list(Table)))
            case 2 | 3:
                await self._drop(self._rng.choice(list(Table)))
            case 4:
                await self.restarted()
            case 5:
                await self._ask()
        self.known.append((await now(self.graph), await stored(self.graph), await pasts(self.graph)))

    def _toasted(self, whole: Transaction) -> Transaction:
        """With values that an update left alone, and the log left out."""
        changes = [
            replace(each, after=dict(each.after) | {"ordnte": self._rng.choice((None, "a", "b", UNSET))})
            if isinstance(each, Change) and each.op is Op.UPDATE and each.table == "public.ordhdr" and each.after
            else each
            for each in whole.changes
        ]
        return replace(whole, changes=changes)

    async def _drop(self, table: Table) -> None:
        found = await partitions(self.graph, table)
        for partition in found[: self._rng.randrange(len(found))]:
            await drop(self.graph, partition)

    async def _ask(self) -> None:
        """About a letter that waits; while a snapshot is taken it waits on."""
        waiting = [row["id"] for row in await self.graph.fetch(OPEN)]
        if waiting:
            chosen = [self._rng.choice(waiting)]
            action = self._rng.choice((LetterAction.REPLAY, LetterAction.REPLAY, LetterAction.DISCARD))
            await letters.ask(self.graph, "ann", str(self._rng.random()), action, chosen)
        await self._projector.answer_requests()


async def now(graph: Connection) -> datetime:
    at: datetime = await graph.fetchval("select clock_timestamp()")
    return at


async def pasts(graph: Connection) -> dict[str, Any]:
    return {each: await past(graph, each, await now(graph)) for each in ORDERS}


async def past(graph: Connection, order_id: str, at: datetime) -> Any:
    """How the order was; the error where nobody can tell."""
    try:
        async with graph.transaction(isolation="repeatable_read"):
            return await order_as_of(graph, MENDED, order_id, at)
    except DroppedError as error:
        return error


@asynccontextmanager
async def emptied(postgres: Postgres) -> AsyncIterator[Connection]:
    """A graph with nothing in it; making a database takes longer."""
    await postgres.create_database("retained")
    db = await projecting.connected(postgres.dsn("retained"))
    try:
        await db.execute("drop schema if exists graph, record, command cascade")
        await projecting.create_schemas(db)
        yield db
    finally:
        await db.close()


@pytest_asyncio.fixture(loop_scope="module")
async def graph(postgres: Postgres) -> AsyncIterator[Connection]:
    async with emptied(postgres) as db:
        yield db


@settings(
    max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**32))
@example(seed=6)
@example(seed=10)
async def test_nothing_is_wrong_whatever_was_dropped(postgres: Postgres, seed: int) -> None:
    async with emptied(postgres) as graph:
        kept = Kept(graph, seed)
        await kept.begin()
        for each in History(seed).transactions(30):
            await kept.take(each)
            assert await replayed(graph, MENDED, await shown_at(graph, await now(graph))) == await stored(graph)
            assert [account for account in await accounts(graph) if not account.balanced] == []
        check_events(kept.events)
        since = await graph.fetchval(SQL["known_since"])
        for at, rows, seen in kept.known:
            shown = await shown_at(graph, at)
            told = {order_id: await past(graph, order_id, at) for order_id in seen}
            if since is None or shown >= since:
                assert await replayed(graph, MENDED, shown) == rows
                assert told == seen
            else:
                assert all(isinstance(each, DroppedError) for each in told.values())


def check_events(events: list[tuple[str, int, str]]) -> None:
    """Each order's versions rise by one, and no happening comes twice."""
    for order_id in {order_id for order_id, _, _ in events}:
        told = [(version, key) for of, version, key in events if of == order_id]
        assert [version for version, _ in told] == [*range(1, len(told) + 1)]
        assert len({key for _, key in told}) == len(told)


async def test_nothing_is_told_twice_by_a_snapshot_after_the_feed_was_dropped(graph: Connection) -> None:
    changed = transaction(2, header(1, Op.UPDATE, cuspo="PO-2"))
    await filled(graph, order(1, 1), changed, order(3, 2))
    before = dict(await graph.fetch(VERSIONS))
    await dropped(graph, Table.FEED, 3)
    assert await graph.fetchval("select count(*) from record.feed") == 0
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    rows = [header(1, Op.READ, cuspo="PO-2"), line(1, Op.READ), header(2, Op.READ), line(2, Op.READ)]
    await projector.project([transaction(9, *rows, epoch=2, snapshot=Snapshot.LAST)])
    assert await graph.fetchval("select count(*) from record.feed") == 0
    await projector.project([transaction(10, header(1, Op.UPDATE, ordsts="90"), epoch=2)])
    told = await graph.fetch("select order_id, version from record.feed order by position")
    assert [tuple(row) for row in told] == [("1", before["1"] + 1 + n) for n in range(len(told))]
    assert told


async def test_a_cursor_knows_whether_it_missed_something(graph: Connection) -> None:
    """Between two partitions lie places that nothing ever had: whoever saw the last event before them missed none."""
    await filled(graph, order(1, 1), order(2, 2))
    last = await graph.fetchval("select max(position) from record.feed where order_id = '1'")
    await dropped(graph, Table.FEED, 1)
    bounds = await read_bounds(graph)
    assert bounds.judge(last) is None
    assert bounds.judge(last - 1) == Missing(GapReason.CURSOR_EXPIRED, last)
    await dropped(graph, Table.FEED, 1)
    assert (await read_bounds(graph)).judge(bounds.head) is None


async def test_only_whole_partitions_go_and_never_the_newest(graph: Connection) -> None:
    await filled(graph, order(1, 1), order(2, 2), order(3, 3))
    found = await partitions(graph, Table.LEDGER)
    second = found[1].last
    assert second is not None
    assert due(found, second + timedelta(days=1), timedelta(days=1), None) == found[:1]
    assert due(found, second + timedelta(days=2), timedelta(days=1), None) == found[:3]
    assert due(found, second, None, sum(each.size for each in found) - 1) == found[:1]
    assert due(found, second, None, 0) == found[:3]
    assert due(found, second, None, None) == []


async def test_what_is_old_in_the_newest_partition_is_closed_first(graph: Connection) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await projector.project([order(1, 1)])
    later = datetime.now(UTC) + timedelta(hours=1)
    await close_if_old(graph, Table.LEDGER, later, timedelta(hours=2))
    assert len(await partitions(graph, Table.LEDGER)) == 1
    await close_if_old(graph, Table.LEDGER, later, timedelta(minutes=30))
    assert len(due(await partitions(graph, Table.LEDGER), later, timedelta(minutes=30), None)) == 1


async def test_a_long_reader_is_waited_for_and_nobody_else_waits(graph: Connection, postgres: Postgres) -> None:
    projector = await filled(graph, order(1, 1))
    reader, keeper = [await projecting.connected(postgres.dsn("retained")) for _ in range(2)]
    try:
        async with reader.transaction():
            await reader.fetch("select from record.ledger")
            dropping = asyncio.create_task(dropped(keeper, Table.LEDGER, 1))
            for number in range(2, 12):
                assert isinstance(await projector.project([order(number, number)]), Advanced)
            await until(partial(_waits, graph))
            assert isinstance(await projector.project([order(20, 20)]), Advanced)
            assert not dropping.done()
        await dropping
    finally:
        await reader.close()
        await keeper.close()
    await projecting.check(graph)
    assert len(await partitions(graph, Table.LEDGER)) == 1


async def _waits(graph: Connection) -> bool:
    return bool(await graph.fetchval("select exists (select from pg_locks where not granted)"))


async def test_a_writer_that_began_before_is_waited_for(graph: Connection, postgres: Postgres) -> None:
    """What it writes lies in the partition that is dropped, though nobody sees it when that begins."""
    projector = await filled(graph, order(1, 1))
    other, keeper = [await projecting.connected(postgres.dsn("retained")) for _ in range(2)]
    try:
        writer = Projector(other, MAPPINGS)
        await writer.start()
        async with other.transaction():
            await writer.project([order(2, 2)])
            await begin_partition(graph, Table.LEDGER)
            dropping = asyncio.create_task(dropped(keeper, Table.LEDGER, 2))
            await until(partial(_waits, graph))
        await dropping
    finally:
        await other.close()
        await keeper.close()
    assert projector.checkpoints
    await projecting.check(graph)
    assert await graph.fetchval("select count(*) from graph.orders") == 2


async def test_a_letter_that_waits_keeps_its_change(graph: Connection) -> None:
    await filled(
        graph, order(1, 1), transaction(2, header(1, Op.UPDATE, ordsts="??")), transaction(3, deleted(line(1)))
    )
    await dropped(graph, Table.LEDGER, 3)
    assert await graph.fetchval("select count(*) from record.ledger") == 0
    projector = Projector(graph, MENDED)
    await projector.start()
    waiting = [row["id"] for row in await graph.fetch(OPEN)]
    await letters.ask(graph, "ann", "k", LetterAction.REPLAY, waiting)
    assert await projector.answer_requests()
    assert await graph.fetch(OPEN) == []
    assert await replayed(graph, MENDED) == await stored(graph)
    assert await graph.fetchval("select count(*) from record.base where outcome = 'dead'") == 0


async def test_a_letter_that_is_settled_meanwhile_is_not_lost(
    graph: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a partition and its end: then it stays."""
    await filled(graph, order(1, 1), transaction(2, header(1, Op.UPDATE, ordsts="??")))
    await dropped(graph, Table.LEDGER, 1)
    monkeypatch.setitem(SQL, "forget_deleted", "delete from record.ledger where outcome = 'dead'")
    with pytest.raises(TransientError):
        await dropped(graph, Table.LEDGER, 1)
    assert len(await partitions(graph, Table.LEDGER)) == 2
    await projecting.check(graph)

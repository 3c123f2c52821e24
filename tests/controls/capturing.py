"""A reader of captured changes, as strict as a projector: it keeps rows, positions and checkpoints, and complains."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from cdc.capture import checkpoint_behind
from cdc.change import Change, ChangeSource, Checkpoint, Op, Position, Snapshot, Transaction
from cdc.database import CapturedDatabase
from cdc.engine import EngineSource
from tests.controls.waiting import until

Row = Mapping[str, Any]

_PUT = "insert into item values ($1, $2) on conflict (id) do update set name = excluded.name"
ITEMS = "create table item (id int primary key, name text)"
ROUND = 300
"""Rows that are written between two kills."""


class Reader:
    """What came, by source. `rows`: (table, key) → (position, row); what a new epoch did not bring is swept."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self.checkpoints: dict[str, Checkpoint] = {}
        self.rows: dict[str, dict[tuple[str, str], tuple[Position, Row]]] = {}

    def take(self, transactions: Sequence[Transaction]) -> list[Checkpoint]:
        """Make them durable. Fails on anything that does not lie behind what came before."""
        for each in transactions:
            self._take(each)
        return [self.checkpoints[source] for source in {each.source for each in transactions}]

    def _take(self, transaction: Transaction) -> None:
        source, rows = transaction.source, self.rows.setdefault(transaction.source, {})
        if known := self.checkpoints.get(source):
            assert transaction.position > known.position, f"{transaction.position} came behind {known.position}"
        for change in transaction.changes:
            assert isinstance(change, Change)
            _apply(rows, change)
        if transaction.snapshot is Snapshot.LAST:
            for place in [place for place, (seen, _) in rows.items() if seen.epoch < transaction.position.epoch]:
                del rows[place]
        self.transactions.append(transaction)
        self.checkpoints[source] = checkpoint_behind(transaction)

    def table(self, source: str, table: str = "public.item") -> dict[int, str]:
        """Rows of `item` as id → name."""
        rows = self.rows.get(source, {})
        return {
            row["id"]: row["name"]
            for (each, _), (_, row) in rows.items()
            if each in (table, table.removeprefix("public."))
        }

    def of(self, source: str, *kinds: Snapshot) -> list[Transaction]:
        return [each for each in self.transactions if each.source == source and each.snapshot in (kinds or Snapshot)]

    def streamed_ids(self, source: str) -> list[int]:
        """Ids of the rows that were inserted, as often as they came."""
        changes = (change for each in self.of(source, Snapshot.NO) for change in each.changes)
        return [each.key["id"] for each in changes if isinstance(each, Change) and each.op is Op.CREATE]


def _apply(rows: dict[tuple[str, str], tuple[Position, Row]], change: Change) -> None:
    place = (change.table, str(change.key))
    if change.after is None:
        rows.pop(place, None)
    else:
        rows[place] = (change.position, change.after)


@asynccontextmanager
async def captured(source: ChangeSource, reader: Reader) -> AsyncIterator[None]:
    """The reader reads on behind its checkpoints until the block ends; what it complains of is raised."""
    async with source.open(reader.checkpoints) as batches:
        reading = asyncio.create_task(_read(source, batches, reader))
        try:
            yield
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            await asyncio.wait({reading})


async def _read(source: ChangeSource, batches: AsyncIterator[Sequence[Transaction]], reader: Reader) -> None:
    async for batch in batches:
        await source.processed(reader.take(batch))


def items(name: str, dsn: str, **options: Any) -> CapturedDatabase:
    """A database whose table `item` is captured."""
    return CapturedDatabase(name, dsn, ("public.item",), **{"heartbeat": 1.0, **options})


def engine(data: Path, *databases: CapturedDatabase, **options: Any) -> EngineSource:
    return EngineSource(databases, data / "engine", **options)


async def put(dsn: str, name: str, *idents: int) -> None:
    """Rows of `item`, written in one transaction each."""
    db = await asyncpg.connect(dsn)
    try:
        for ident in idents:
            await db.execute(_PUT, ident, name)
    finally:
        await db.close()


async def ask(dsn: str, sql: str, *arguments: object) -> Any:
    db = await asyncpg.connect(dsn)
    try:
        return await db.fetchval(sql, *arguments)
    finally:
        await db.close()


async def has(reader: Reader, source: str, rows: Mapping[int, str] | Iterable[int], seconds: float = 90) -> None:
    """Waits until the reader has exactly these rows: id → name, or ids."""

    async def there() -> bool:
        table = reader.table(source)
        return table == rows if isinstance(rows, Mapping) else table.keys() == set(rows)

    await until(there, seconds)


async def snapshot_taken(reader: Reader, *sources: str, epoch: int = 1) -> None:
    """Waits until each source has ended its snapshot of that epoch."""

    async def ended() -> bool:
        last = {each.source for each in reader.transactions if _ends(each, epoch)}
        return last >= set(sources)

    await until(ended, 90)


def _ends(transaction: Transaction, epoch: int) -> bool:
    return transaction.snapshot is Snapshot.LAST and transaction.position.epoch == epoch


async def kill(source: EngineSource) -> None:
    """Kills the process of the engine, once there is one."""

    async def running() -> int | None:
        return source.child_pid

    os.kill(await until(running), signal.SIGKILL)


async def streamed_over_kills(
    source: EngineSource, reader: Reader, name: str, kills: int, write: Callable[[range], Awaitable[None]]
) -> None:
    """Rows 0, 1, … are written, and the engine is killed again and again while they come: each comes once."""

    async def begun(count: int) -> bool:
        return len(reader.table(name)) >= count

    async with captured(source, reader):
        await snapshot_taken(reader, name)
        for round_ in range(kills):
            first = round_ * ROUND
            writing = asyncio.ensure_future(write(range(first, first + ROUND)))
            await until(lambda: begun(first + 20), 90)  # noqa: B023 (awaited in the same round)
            await kill(source)
            await writing
            await has(reader, name, range(first + ROUND))
    assert reader.streamed_ids(name) == list(range(kills * ROUND))
    assert {each.position.epoch for each in reader.transactions} == {1}


async def snapshot_over_a_kill(
    source: EngineSource, reader: Reader, name: str, change: Callable[[], Awaitable[None]], after: int = 1
) -> None:
    """The engine is killed in the middle of its snapshot, when `after` rows have come, and the source was changed: the
    next one is whole, in a new epoch.
    """
    async with asyncio.timeout(180), source.open({}) as batches:
        async for batch in batches:
            checkpoints = reader.take(batch)
            if reader.checkpoints[name].position.epoch == 1 and len(reader.rows[name]) >= after:
                # Not told: the engine waits, in the middle.
                assert reader.checkpoints[name].snapshotting
                await change()
                await kill(source)
            else:
                await source.processed(checkpoints)
            # A heartbeat may come in the same batch, behind it.
            if any(each.snapshot is Snapshot.LAST for each in batch):
                break
    assert reader.checkpoints[name].position.epoch == 2

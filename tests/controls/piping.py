"""A pipeline that is driven by hand, as the runner drives it, over transactions made by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from cdc.change import Transaction
from projections.database import Connection
from projections.pipeline import Pipeline
from projections.projector import Advanced, Projector, Result
from tests.controls import projecting
from tests.controls.waiting import until

WAITS = "select count(*) > 0 from pg_locks where not granted and locktype in ('transactionid', 'tuple')"
_STORED = "select source, epoch, log, ordinal from record.checkpoint"
_HOLD = "select from record.checkpoint for update"


class Piping:
    """`told` is what became of each batch. A checkpoint that is told and not stored is an AssertionError."""

    def __init__(self, projector: Projector, reading: Connection, watching: Connection) -> None:
        self.projector, self._watching = projector, watching
        self.told: list[Result] = []
        self.pipeline = Pipeline(projector, reading, self._hear)

    async def _hear(self, result: Result) -> None:
        self.told.append(result)
        if isinstance(result, Advanced):
            stored = {row["source"]: tuple(row)[1:] for row in await self._watching.fetch(_STORED)}
            assert all(tuple(each.position) <= stored[each.source] for each in result.checkpoints)

    async def take(self, *batch: Transaction) -> None:
        """And begin to write it, if nothing else is being written."""
        while not self.pipeline.has_room:
            await self.pipeline.finish()
        await self.pipeline.take(batch)
        await self.pipeline.look()
        await self.pipeline.write()

    async def through(self, batches: Sequence[Sequence[Transaction]]) -> None:
        for batch in batches:
            await self.take(*batch)
        await self.pipeline.finish()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Nothing is written before the block ends; waits, when called, until something is held."""

        async def waits() -> None:
            await until(lambda: db.fetchval(WAITS))

        db = self._watching
        async with db.transaction():
            await db.execute(_HOLD)
            yield waits


@asynccontextmanager
async def piping(projector: Projector, database: str) -> AsyncIterator[Piping]:
    reading, watching = await projecting.connected(database), await projecting.connected(database)
    found = Piping(projector, reading, watching)
    try:
        yield found
    finally:
        await found.pipeline.cancel()
        await reading.close()
        await watching.close()

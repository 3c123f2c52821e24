"""A projector that runs over transactions made by hand, until the test is done with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from cdc.change import Transaction
from cdc.memory import MemorySource
from projections.database import Connection
from projections.runner import Runner
from tests.controls.story import MAPPINGS


class Endless(MemorySource):
    """As a source that streams: behind its last transaction it waits for another."""

    async def _read(self, transactions: list[Transaction]) -> AsyncIterator[Sequence[Transaction]]:
        async for batch in super()._read(transactions):
            yield batch
        await asyncio.Event().wait()


@asynccontextmanager
async def running(database: str, *transactions: Transaction, batch: int = 1, **settings: str) -> AsyncIterator[Runner]:
    """`settings` are those of its session."""
    session = {"application_name": "projector", **settings}
    connect = partial(asyncpg.connect, database, server_settings=session)
    runner = Runner(Endless(transactions, batch), MAPPINGS, connect)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await task


def there(graph: Connection, *numbers: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return [row["id"] for row in await graph.fetch("select id from graph.orders order by id")] == [*numbers]

    return ask

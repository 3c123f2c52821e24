"""Partitions of ledger and feed, and what drops all of them but the newest: `python -m tests.controls.pruning DSN`."""

import asyncio
import sys

from app.retention import keeping
from cdc.change import Transaction
from projections.database import Connection
from projections.partitions import Table, begin_partition, partitions
from projections.projector import Advanced, Projector
from projections.retention import drop
from tests.controls.story import MAPPINGS


async def filled(graph: Connection, *transactions: Transaction) -> Projector:
    """Each transaction in partitions of its own; the newest ones are empty."""
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    for each in transactions:
        assert isinstance(await projector.project([each]), Advanced)
        for table in Table:
            await begin_partition(graph, table)
    return projector


async def dropped(graph: Connection, table: Table, count: int) -> None:
    """The oldest ones, so many."""
    for partition in (await partitions(graph, table))[:count]:
        await drop(graph, partition)


async def main(dsn: str) -> None:
    async with keeping(dsn) as connection:
        for table in Table:
            for partition in (await partitions(connection, table))[:-1]:
                await drop(connection, partition)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

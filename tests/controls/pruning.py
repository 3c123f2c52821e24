"""A process that drops all partitions of ledger and feed but the newest: `python -m tests.controls.pruning DSN`."""

import asyncio
import sys

from app.retention import keeping
from projections.partitions import Table, partitions
from projections.retention import drop


async def main(dsn: str) -> None:
    async with keeping(dsn) as connection:
        for table in Table:
            for partition in (await partitions(connection, table))[:-1]:
                await drop(connection, partition)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

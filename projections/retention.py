"""What is old leaves ledger and feed by whole partitions, and what counts on is kept.

Of the ledger the latest image of each row goes into `record.base`, which is replayed before what is left of it. Of the
feed what it told goes into `record.told`, so that nothing is told twice.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from orders.crash import CrashPoint, crash_here
from orders.errors import TransientError
from projections.database import SQL, Connection
from projections.partitions import Partition, Table, begin_partition, partitions

HOLD, PAUSE, TRIES = "100ms", 0.5, 120
"""How long readers and writers may wait for a partition to go, in one try; seconds between two; tries."""
PAGE = 5_000
"""Events whose keys are kept at a time."""


def due(
    found: Sequence[Partition], now: datetime, older_than: timedelta | None, larger_than: int | None
) -> list[Partition]:
    """Which may go, oldest first: all of it is older, or the rest is still larger (bytes). Never the newest."""
    left, going = sum(each.size for each in found), list[Partition]()
    for each in found[:-1]:
        old = older_than is not None and (each.last is None or each.last < now - older_than)
        if not old and (larger_than is None or left <= larger_than):
            break
        left -= each.size
        going.append(each)
    return going


async def close_if_old(connection: Connection, table: Table, now: datetime, older_than: timedelta) -> None:
    """Begin a new partition where even the newest holds nothing but what is older."""
    newest = (await partitions(connection, table))[-1]
    if newest.last is not None and newest.last < now - older_than:
        await begin_partition(connection, table)


async def drop(connection: Connection, partition: Partition) -> None:
    """The oldest one, with what counts on of it kept. One at a time may do it; whoever is ended leaves all as it was.

    Raises TransientError when somebody reads the table for long, or has changed what was just read.
    """
    await settled(connection, partition)
    if partition.table is Table.LEDGER:
        await _drop_ledger(connection, partition)
    else:
        await _drop_feed(connection, partition)


async def settled(connection: Connection, partition: Partition) -> None:
    """Wait for whoever began to write into it before the next one was begun."""
    async with connection.transaction():
        await _locked(connection, f"{partition.name} in share mode")


async def _drop_ledger(connection: Connection, partition: Partition) -> None:
    low, high = partition.low, partition.high
    async with connection.transaction():
        if not await connection.fetchval(SQL["keep_out_rebuild"]):
            raise TransientError("the graph is being rebuilt from it; try again later")
        dead = await connection.fetchval(SQL["dead_within"], low, high)
        await _rebase(connection, low, high)
        await connection.execute(SQL["move_horizon"], low, high, partition.last)
        await connection.execute(SQL["forget_sweeps"], high)
        await _locked(connection, "record.ledger in access exclusive mode")
        if await connection.fetchval(SQL["dead_within"], low, high) != dead:
            raise TransientError("a dead letter was settled meanwhile; try again")
        await connection.execute(SQL["drop_partition"], partition.table, partition.number)
        crash_here(CrashPoint.DROPPED)


async def _rebase(connection: Connection, low: int, high: int) -> None:
    """The base, with what the places from `low` to `high`, exclusive, tell."""
    await connection.execute(SQL["make_leaving"])
    await connection.execute(SQL["gather_leaving"], low, high)
    await connection.execute(SQL["analyze_leaving"])
    await connection.execute(SQL["complete_leaving"], high)
    await connection.execute(SQL["replace_in_base"])
    await connection.execute(SQL["put_in_base"])
    await connection.execute(SQL["keep_dead"], low, high)
    await connection.execute(SQL["empty_in_base"], low, high)
    await connection.execute(SQL["sweep_base"], high)
    await connection.execute(SQL["account_for_leaving"], low, high)
    await connection.execute(SQL["forget_dead"])
    await connection.execute(SQL["forget_deleted"])


async def _drop_feed(connection: Connection, partition: Partition) -> None:
    last = after = partition.low - 1
    while (after := await connection.fetchval(SQL["tell"], after, partition.high, PAGE)) is not None:
        last = after
        crash_here(CrashPoint.KEPT)
    async with connection.transaction():
        await _locked(connection, "record.feed_head in exclusive mode", "record.feed in access exclusive mode")
        await connection.execute(SQL["drop_partition"], partition.table, partition.number)
        await connection.execute(SQL["feed_is_gone"], last)
        crash_here(CrashPoint.DROPPED)


async def _locked(connection: Connection, *tables: str) -> None:
    """Within a transaction: lock these, one after the other. Whoever comes meanwhile waits for one try at most."""
    for _ in range(TRIES):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{HOLD}'")
                for table in tables:
                    await connection.execute(f"lock table {table}")
            return
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(PAUSE)
    raise TransientError(f"somebody has used {tables[-1].split()[0]} for a minute without a break; try again later")

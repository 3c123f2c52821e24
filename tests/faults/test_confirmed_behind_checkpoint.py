"""F7: what a source is told is never beyond what is durable here, however often the projector dies. C2."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import asyncpg

from projections.database import Connection
from tests.controls.crash_projector import installed, projector
from tests.controls.milepost import SECONDS, Installed, streaming
from tests.controls.selling import MASTER_DATA, accepted, entered, new_number
from tests.controls.waiting import until
from tests.faults.test_crash_points import caught_up, check

KILLS = 3
TOLD = "select slot_name, confirmed_flush_lsn - '0/0'::pg_lsn as log from pg_replication_slots"
DURABLE = "select 'milepost_' || source as slot_name, log from record.checkpoint"
PROJECTED = "select sum(seen)::bigint from record.checkpoint"


async def watch(db: Connection, found: list[object], looks: list[int]) -> None:
    """One look after the other, for as long as it is let: at the slots first, then at the checkpoints."""
    while True:
        await db.fetch("select pg_sleep(0.05)")
        told = await db.fetch(TOLD)
        durable = {row["slot_name"]: row["log"] for row in await db.fetch(DURABLE)}
        found += [tuple(row) for row in told if row["log"] > durable[row["slot_name"]]]
        looks.append(len(told))


async def sell(whole: Installed, db: Connection) -> None:
    """One order after the other."""
    while True:
        await db.fetch("select pg_sleep(0.2)")
        number = new_number()
        await whole.write("erp", *entered(number), accepted(number))


async def moved_on(whole: Installed, before: int) -> bool:
    [[seen]] = await whole.fetch(PROJECTED)
    return bool(seen > before)


async def test_under_load_with_kills(data: Path) -> None:
    found: list[object] = []
    looks: list[int] = []
    async with installed(data) as whole:
        await whole.audit()
        await whole.write("erp", *MASTER_DATA)
        async with projector(data):
            await until(lambda: streaming(whole), SECONDS)
        one, other = [await asyncpg.connect(whole.settings.graph_dsn) for _ in range(2)]
        selling = asyncio.create_task(sell(whole, one))
        watching = asyncio.create_task(watch(other, found, looks))
        for _ in range(KILLS):
            [[before]] = await whole.fetch(PROJECTED)
            async with projector(data) as process:
                await until(lambda before=before: moved_on(whole, before), SECONDS)
                os.kill(process.pid, signal.SIGKILL)
        selling.cancel()
        async with projector(data):
            await until(lambda: caught_up(whole), SECONDS)
            await check(whole)
        watching.cancel()
        for task in (selling, watching):
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.gather(one.close(), other.close())
    assert found == []
    assert sum(looks) > 100

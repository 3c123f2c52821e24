"""F14: a snapshot is taken while its source is written to, and whoever takes it is killed in the middle. What it says
of a row never overwrites what the log said later, and what is deleted meanwhile does not come back. C1, C3."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGSTOP

import asyncpg

from cdc.database import CapturedDatabase, connected, drop_slot
from tests.controls.accounting import DISORDER, REMAINDERS
from tests.controls.crash_projector import installed, kill_engine, projector
from tests.controls.milepost import SECONDS, Installed, owner, streaming
from tests.controls.selling import MASTER_DATA, SELL
from tests.controls.sql import run
from tests.controls.waiting import until

ORDERS, WRITERS = 3_000, 4
FIRST = 1_000_000
ENOUGH = 3_000
"""Transactions that are written before a snapshot, and while one is taken."""

ACTIVE = "select count(*) from pg_stat_activity where application_name like 'milepost projector%' and state = 'active'"
"""Statements of the projector that are being carried out."""
WRITES = (
    ("update ordlin set qtyord = qtyord + 1 where ordno = $1 and linno = 1", 12),
    ("update ordhdr set chgdt = chgdt + interval '1 minute' where ordno = $1", 5),
    ("delete from ordlin where ordno = $1 and linno = 2", 2),
    (
        "insert into ordlin (ordno, linno, itmno, qtyord, untprc, uom) values ($1, 2, 'T-200', 3, 1, 'EA')"
        " on conflict do nothing",
        1,
    ),
)
"""Statements, and how often each is chosen of twenty times."""


class Writers:
    """They write without a pause, each transaction a change of one row or none; `done` counts them."""

    def __init__(self, dsn: str) -> None:
        self._dsn, self.done = dsn, 0

    async def write(self, seed: int) -> None:
        random, (statements, weights) = Random(seed), zip(*WRITES, strict=True)
        db = await asyncpg.connect(self._dsn, server_settings={"synchronous_commit": "off"})
        try:
            while True:
                [statement] = random.choices(statements, weights)
                await db.execute(statement, random.randrange(FIRST, FIRST + ORDERS))
                self.done += 1
        finally:
            await db.close()

    async def wrote(self, more: int) -> None:
        goal = self.done + more

        async def reached() -> bool:
            return self.done >= goal

        await until(reached, SECONDS)


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[Writers]:
    writers = Writers(dsn)
    tasks = [asyncio.create_task(writers.write(seed)) for seed in range(WRITERS)]
    try:
        yield writers
    finally:
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def epoch(whole: Installed, *, snapshotting: bool) -> int:
    """Of the ERP, once it is in a snapshot, or has taken one; 0 until then."""
    rows = await whole.fetch("select epoch, snapshotting from record.checkpoint where source = 'erp'")
    return max((row["epoch"] for row in rows if row["snapshotting"] is snapshotting), default=0)


async def begun(whole: Installed, number: int) -> int:
    """The epoch, that one or a later one, once its snapshot has begun, or is over already."""

    async def there() -> int:
        found = max(await epoch(whole, snapshotting=True), await epoch(whole, snapshotting=False))
        return found if found >= number else 0

    return await until(there, SECONDS)


async def halted(whole: Installed, process: Process, number: int) -> int:
    """As `begun`, and the projector stands in the middle of it. One that is over too soon is taken once more."""
    while True:
        number = await begun(whole, number)
        process.send_signal(SIGSTOP)
        await until(lambda: writes_nothing(whole), SECONDS)
        if await epoch(whole, snapshotting=True) == number:
            return number
        process.send_signal(SIGCONT)
        await forget(owner(whole.settings, "erp"))
        number += 1


async def writes_nothing(whole: Installed) -> bool:
    [[active]] = await whole.fetch(ACTIVE)
    return bool(active == 0)


async def test_the_log_wins_over_the_snapshot_whoever_is_killed(data: Path) -> None:
    async with installed(data) as whole:
        erp = owner(whole.settings, "erp")
        await whole.write("erp", *MASTER_DATA)
        await run(erp, SELL.format(ORDERS))
        async with projector(data):
            await until(lambda: streaming(whole), SECONDS)
        async with AsyncExitStack() as load:
            writers = await load.enter_async_context(writing(erp))
            async with projector(data) as process:
                await writers.wrote(ENOUGH)
                await forget(erp)
                first = await halted(whole, process, 2)
                kill_engine(process)
                process.send_signal(SIGCONT)
                second = await halted(whole, process, first + 1)
                process.kill()
                await process.wait()
            await writers.wrote(ENOUGH)
            async with projector(data):
                last = await begun(whole, second + 1)
                await writers.wrote(ENOUGH)
                await until(lambda: epoch(whole, snapshotting=False), SECONDS)
                await writers.wrote(ENOUGH)
                await load.aclose()
                verdict = await whole.verdict()
                assert (verdict.replay, verdict.direct) == ([], [])
                assert await epoch(whole, snapshotting=False) == last  # nothing had to be healed since
        assert await whole.fetch(DISORDER) == []
        assert await whole.fetch(REMAINDERS) == []


async def forget(dsn: str) -> None:
    """Its slot goes, and so its log: a snapshot has to be taken."""
    database = CapturedDatabase("erp", dsn, ("public.ordhdr",))
    async with connected(database) as db:
        await drop_slot(db, database)

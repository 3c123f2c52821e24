"""F31, F34 and deadlocks: the graph's Postgres takes no write for a while. Nothing is lost, doubled or half there."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.postgres import Postgres
from projections.database import Connection
from tests.controls import projecting
from tests.controls.disks import fill, small_disk
from tests.controls.projecting import order
from tests.controls.running import running, there
from tests.controls.waiting import until

READ_ONLY = "select format('alter database %I set default_transaction_read_only = on', current_database())"
WRITABLE = "select format('alter database %I reset default_transaction_read_only', current_database())"
SESSIONS = "select count(*) from pg_stat_activity where application_name = 'projector' and state = 'idle'"
WAITS = "select count(*) from pg_locks where not granted"


async def test_read_only_for_a_while(graph: Connection, database: str, caplog: pytest.LogCaptureFixture) -> None:
    await graph.execute("set default_transaction_read_only = off")
    await graph.execute(await graph.fetchval(READ_ONLY))
    async with running(database, order(1, 1), order(2, 2)):
        await until(lambda: _said(caplog, "read-only transaction"))
        assert await graph.fetchval("select count(*) from graph.orders") == 0
        await graph.execute(await graph.fetchval(WRITABLE))
        await until(there(graph, "1", "2"))
    await projecting.check(graph)


async def _said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(words in record.getMessage() for record in caplog.records)


async def test_a_deadlock_costs_a_try_and_no_more(
    graph: Connection, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The projector holds its checkpoint and wants the feed's head, which another holds and wants the checkpoint."""
    async with running(database, order(1, 1)):
        await until(there(graph, "1"))
    other = await projecting.connected(database)
    async with other.transaction():
        await other.execute("set local deadlock_timeout = '1min'")
        await other.execute("select from record.feed_head for update")
        async with running(database, order(2, 2), deadlock_timeout="1s"):
            await until(lambda: graph.fetchval(WAITS))
            locking = asyncio.create_task(other.execute("select from record.checkpoint for update"))
            await until(lambda: _said(caplog, "DeadlockDetectedError"))
            await locking
            await other.execute("rollback; begin")
            await until(there(graph, "1", "2"))
    await other.close()
    await projecting.check(graph)


@pytest.fixture
async def small(postgres: Postgres, data: Path) -> AsyncIterator[Path]:
    """A tablespace of 24 MB, and a database `small` in it."""
    disk, owner = data / "disk", postgres.folder.stat()
    with small_disk(disk):
        for path in (data, disk):
            os.chown(path, owner.st_uid, owner.st_gid)
        db = await asyncpg.connect(postgres.dsn("postgres"))
        try:
            await db.execute(
                await db.fetchval("select format('create tablespace small location %L', $1::text)", str(disk))
            )
            await db.execute("create database small tablespace small")
            yield disk
            await db.execute("drop database small with (force)")
            await db.execute("drop tablespace small")
        finally:
            await db.close()


async def test_the_disk_is_full_for_a_while(postgres: Postgres, small: Path, caplog: pytest.LogCaptureFixture) -> None:
    graph = await projecting.connected(postgres.dsn("small"))
    await projecting.create_schemas(graph)
    filler = small / "filler"
    fill(filler)
    orders = [order(number, number, ordnte=os.urandom(3000).hex()) for number in range(1, 60)]
    async with running(postgres.dsn("small"), *orders, batch=5):
        await until(lambda: _said(caplog, "DiskFullError"))
        filler.unlink()
        await until(there(graph, *sorted(str(number) for number in range(1, 60))))
    await projecting.check(graph)
    await graph.close()

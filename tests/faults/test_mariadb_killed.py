"""The engine for MariaDB, or the server itself, is killed: nothing lost, nothing doubled."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from cdc.capture import State
from cdc.change import Snapshot
from cdc.engine import EngineSource
from cdc.mariadb.database import gap, identity, inspect
from cdc.resume import Identity
from tests.controls import capturing
from tests.controls.capturing import Reader, captured, has, snapshot_taken
from tests.controls.mariadb import MariaDb, connect, run
from tests.controls.waiting import until
from tests.controls.west import items, put

pytestmark = pytest.mark.mariadb

KILLS = 2
ROWS = 9_000


async def kill(source: EngineSource) -> None:
    """Kills the process of the engine, once there is one."""

    async def running() -> int | None:
        return source.child_pid

    os.kill(await until(running), signal.SIGKILL)


async def has_at_least(reader: Reader, count: int) -> None:
    async def there() -> bool:
        return len(reader.table("west")) >= count

    await until(there, 40)


async def test_killed_while_it_streams(west: str, database: str, data: Path) -> None:
    reader, source = Reader(), capturing.engine(data, items(west, database))
    async with captured(source, reader):
        await snapshot_taken(reader, "west")
        for round_ in range(KILLS):
            first = round_ * 300
            writing = asyncio.create_task(asyncio.to_thread(put, west, "new", *range(first, first + 300)))
            await has_at_least(reader, first + 20)
            await kill(source)
            await writing
            await has(reader, "west", range(first + 300))
    assert reader.streamed_ids("west") == list(range(KILLS * 300))
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_killed_in_the_middle_of_a_snapshot(west: str, database: str, data: Path) -> None:
    """The first snapshot is left unfinished, the second takes all; what was deleted between them is swept."""
    run(west, "insert into item select seq, 'old' from seq_0_to_8999")
    reader, source = Reader(), capturing.engine(data, items(west, database))
    async with asyncio.timeout(90), source.open({}) as batches:
        async for batch in batches:
            checkpoints = reader.take(batch)
            if reader.checkpoints["west"].position.epoch == 1:
                # Not told: the engine waits, in the middle.
                assert reader.checkpoints["west"].snapshotting
                run(west, "delete from item where id < 10", "update item set name = 'new' where id = 10")
                await kill(source)
            else:
                await source.processed(checkpoints)
            if any(each.snapshot is Snapshot.LAST for each in batch):
                break
    assert reader.checkpoints["west"].position.epoch == 2
    assert reader.table("west") == {10: "new"} | dict.fromkeys(range(11, ROWS), "old")


async def test_the_server_is_killed(west: str, database: str, data: Path, mariadb: MariaDb) -> None:
    """And begins another file of its log."""
    reader, source = Reader(), capturing.engine(data, items(west, database))
    async with captured(source, reader):
        await snapshot_taken(reader, "west")
        put(west, "before", 1)
        await has(reader, "west", (1,))
        mariadb.kill()
        mariadb.start()
        await until(mariadb.answers, 60)
        put(west, "behind", 2)
        await has(reader, "west", {1: "before", 2: "behind"})
        await until(lambda: streams(source))
    assert reader.streamed_ids("west") == [1, 2]
    assert {each.position.epoch for each in reader.transactions} == {1}


async def streams(source: EngineSource) -> bool:
    return [each.state for each in await source.lag()] == [State.STREAMING]


async def test_an_offset_is_compared_with_the_log(west: str) -> None:
    """Its file is there, and what had been committed at its place is what was read by then."""
    database = items(west, "postgresql://nobody@127.0.0.1:9/graph")
    server = await inspect(database)
    here = identity(database, server)
    with connect(west) as db, db.cursor() as cursor:
        cursor.execute("select @@global.gtid_binlog_pos")
        [[gtids]] = cursor.fetchall()
        cursor.execute("show master status")
        [[file, pos, *_]] = cursor.fetchall()
    right = {"file": file, "pos": pos, "gtids": gtids}

    async def found(known: Identity = here, **other: object) -> str:
        return await gap(database, server, known, msgspec.json.encode({**right, **other})) or ""

    assert await found() == ""
    assert await found(gtids=f"{gtids},9-9-9") == ""
    assert "binlog.999999 is gone" in await found(file="binlog.999999")
    assert "not the one that was read" in await found(pos=pos + 1_000_000)
    assert "not the one that was read" in await found(gtids="0-7-1000000")
    assert "another server: mariadb 7 instead of mariadb 8" in await found(here._replace(system="mariadb 8"))
    assert "list of tables" in await found(here._replace(timeline=1))


async def test_what_is_gone_asks_for_a_snapshot(west: str, database: str, data: Path, mariadb: MariaDb) -> None:
    """The log behind the checkpoint is another one of its name, or nobody knows any more how its columns were."""
    reader = Reader()
    put(west, "old", 1, 2)
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west")
    run(west, "delete from item where id = 1")
    run(mariadb.dsn("mysql"), "reset master")
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west", epoch=2)
    assert reader.table("west") == {2: "old"}
    await capturing.run(database, "drop schema capture cascade")
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west", epoch=3)
        put(west, "new", 2)
        await has(reader, "west", {2: "new"})

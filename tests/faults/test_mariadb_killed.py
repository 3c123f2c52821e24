"""The engine for MariaDB, or the server itself, is killed: nothing lost, nothing doubled."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from cdc.capture import State
from cdc.engine import EngineSource
from cdc.mariadb.database import gap, identity, inspect
from cdc.resume import Identity
from tests.controls import capturing, sql
from tests.controls.capturing import (
    Reader,
    captured,
    has,
    snapshot_over_a_kill,
    snapshot_taken,
    streamed_over_kills,
)
from tests.controls.mariadb import MariaDb, connect, run
from tests.controls.waiting import until
from tests.controls.west import items, put

pytestmark = pytest.mark.mariadb

KILLS = 2
ROWS = 9_000


async def test_killed_while_it_streams(west: str, database: str, data: Path) -> None:
    source = capturing.engine(data, items(west, database))
    await streamed_over_kills(source, Reader(), "west", KILLS, lambda rows: asyncio.to_thread(put, west, "new", *rows))


async def test_killed_in_the_middle_of_a_snapshot(west: str, database: str, data: Path) -> None:
    """The first snapshot is left unfinished, the second takes all; what was deleted between them is swept."""
    run(west, "insert into item select seq, 'old' from seq_0_to_8999")
    changes = ("delete from item where id < 10", "update item set name = 'new' where id = 10")
    reader, source = Reader(), capturing.engine(data, items(west, database))
    await snapshot_over_a_kill(source, reader, "west", lambda: asyncio.to_thread(run, west, *changes))
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
    await sql.run(database, "drop schema capture cascade")
    async with captured(capturing.engine(data, items(west, database)), reader):
        await snapshot_taken(reader, "west", epoch=3)
        put(west, "new", 2)
        await has(reader, "west", {2: "new"})

"""F1, F2: the source's own server dies or the connection is cut: capture goes on by itself, in the same epoch. C2."""

import os
import signal
from pathlib import Path

from app.postgres import Postgres
from cdc.capture import State
from cdc.engine import EngineSource
from tests.controls.capturing import ITEMS, Reader, ask, captured, engine, has, items, put, snapshot_taken
from tests.controls.cutting import brittle_line
from tests.controls.living import running
from tests.controls.sql import run, session
from tests.controls.waiting import until

CUTS = 8
READS = "select count(*) from pg_replication_slots where slot_name = 'milepost_erp' and active"
CUT = "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = 'milepost_erp'"


async def test_the_server_is_killed_and_comes_back(server: Postgres, data: Path) -> None:
    dsn, reader = server.dsn("postgres"), Reader()
    source = engine(data, items("erp", dsn))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        for ident in (1, 2):
            await put(dsn, "before", ident)
            await has(reader, "erp", range(1, ident + 1))
            os.kill(running(server.pid), signal.SIGKILL)
            await server.wait()
            await until(lambda: is_failed(source))
            await server.start()
        await put(dsn, "after", 3)
        await has(reader, "erp", {1: "before", 2: "before", 3: "after"})
    assert reader.streamed_ids("erp") == [1, 2, 3]
    assert {each.position.epoch for each in reader.transactions} == {1}


async def is_failed(source: EngineSource) -> bool:
    return [each.state for each in await source.lag()] == [State.FAILED]


async def test_the_connection_is_cut_again_and_again(database: str, data: Path) -> None:
    await run(database, ITEMS)
    reader = Reader()
    async with captured(engine(data, items("erp", database)), reader):
        await snapshot_taken(reader, "erp")
        for ident in range(CUTS):
            await put(database, "new", ident)
            await until(lambda: cut(database))
        await has(reader, "erp", range(CUTS))
    assert reader.streamed_ids("erp") == list(range(CUTS))
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_the_line_is_reset_again_and_again(database: str, data: Path) -> None:
    """So that neither side hears of an end; the source may hold the slot for the dead connection a while."""
    await run(database, ITEMS)
    reader = Reader()
    async with brittle_line(database) as line, captured(engine(data, items("erp", line.dsn)), reader):
        await snapshot_taken(reader, "erp")
        for ident in range(CUTS):
            await put(database, "new", ident)
            await until(lambda: ask(database, READS))
            line.snap()
        await has(reader, "erp", range(CUTS))
    assert reader.streamed_ids("erp") == list(range(CUTS))
    assert {each.position.epoch for each in reader.transactions} == {1}


async def test_a_transaction_that_stays_open_holds_the_first_start_up(database: str, data: Path) -> None:
    """F13: the source makes a slot once all has ended that was open then. It is told why nothing comes."""
    await run(database, ITEMS)
    source, reader = engine(data, items("erp", database)), Reader()
    async with session(database) as late, captured(source, reader):
        async with late.transaction():
            await late.execute("insert into item values (1, 'late')")
            await until(lambda: waits(source))
        await snapshot_taken(reader, "erp")
        await has(reader, "erp", {1: "late"})


async def waits(source: EngineSource) -> bool:
    (found,) = await source.lag()
    return found.state is State.STARTING and "waits for the transactions that were open" in (found.reason or "")


async def cut(dsn: str) -> bool:
    return bool(await ask(dsn, CUT))

"""The engine's process is killed, while it streams and in the middle of a snapshot: nothing lost, nothing doubled."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from cdc.change import Snapshot
from cdc.engine import EngineSource
from tests.controls.capturing import ITEMS, Reader, captured, engine, has, items, put, run, snapshot_taken
from tests.controls.waiting import until

KILLS = 3
ROWS = 9_000


@pytest.fixture
async def erp(database: str) -> str:
    await run(database, ITEMS)
    return database


async def kill(source: EngineSource) -> int:
    """Kills the process of the engine, once there is one; its id."""

    async def running() -> int | None:
        return source.child_pid

    pid = await until(running)
    os.kill(pid, signal.SIGKILL)
    return pid


async def test_killed_while_it_streams(erp: str, data: Path) -> None:
    reader, source = Reader(), engine(data, items("erp", erp))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        for round_ in range(KILLS):
            first = round_ * 300
            writing = asyncio.create_task(put(erp, "new", *range(first, first + 300)))
            await has_at_least(reader, first + 20)
            await kill(source)
            await writing
            await has(reader, "erp", range(first + 300))
    assert reader.streamed_ids("erp") == list(range(KILLS * 300))
    assert {each.position.epoch for each in reader.transactions} == {1}


async def has_at_least(reader: Reader, count: int) -> None:
    async def there() -> bool:
        return len(reader.table("erp")) >= count

    await until(there, 40)


async def test_killed_in_the_middle_of_a_snapshot(erp: str, data: Path) -> None:
    """The first snapshot is left unfinished, the second takes all; what was deleted between them is swept."""
    await put(erp, "old", *range(10))
    await run(erp, "insert into item select id, 'old' from generate_series(10, 8999) id")
    reader, source = Reader(), engine(data, items("erp", erp))
    async with asyncio.timeout(90), source.open({}) as batches:
        async for batch in batches:
            checkpoints = reader.take(batch)
            if reader.checkpoints["erp"].position.epoch == 1:
                # Not told: the engine waits, in the middle.
                assert reader.checkpoints["erp"].snapshotting
                await run(erp, "delete from item where id < 10", "update item set name = 'new' where id = 10")
                await kill(source)
            else:
                await source.processed(checkpoints)
            # A heartbeat may come in the same batch, behind it.
            if any(each.snapshot is Snapshot.LAST for each in batch):
                break
    assert reader.checkpoints["erp"].position.epoch == 2
    assert reader.table("erp") == {10: "new"} | dict.fromkeys(range(11, ROWS), "old")


async def test_a_snapshot_left_half_done_is_taken_anew_by_the_next_start(erp: str, data: Path) -> None:
    await run(erp, "insert into item select id, 'old' from generate_series(0, 8999) id")
    reader, source = Reader(), engine(data, items("erp", erp))
    async with source.open({}) as batches:
        checkpoints = reader.take(await anext(batches))
        await source.processed(checkpoints)
        assert checkpoints[0].snapshotting
    async with captured(engine(data, items("erp", erp)), reader):
        await snapshot_taken(reader, "erp", epoch=2)
    assert len(reader.table("erp")) == ROWS


async def test_no_process_outlives_the_reader(erp: str, data: Path) -> None:
    source = engine(data, items("erp", erp))
    async with captured(source, reader := Reader()):
        await snapshot_taken(reader, "erp")
        pid = source.child_pid
    assert source.child_pid is None
    assert not psutil.pid_exists(pid or 0)


async def test_the_process_ends_with_its_parent(erp: str, data: Path) -> None:
    """The parent is killed: its end of the socket closes, and that is all the child hears of it."""
    parent = await asyncio.create_subprocess_exec(*reading_process(erp, data))
    child = psutil.Process(parent.pid)

    async def engine_process() -> psutil.Process | None:
        return next((each for each in child.children() if "cdc.engine_child" in each.cmdline()), None)

    started = await until(engine_process)
    parent.kill()
    await parent.wait()

    async def gone() -> bool:
        return not started.is_running() or started.status() == psutil.STATUS_ZOMBIE

    await until(gone)


def reading_process(dsn: str, data: Path) -> list[str]:
    return [sys.executable, "-m", "tests.controls.copying", dsn, str(data / "engine"), "1"]

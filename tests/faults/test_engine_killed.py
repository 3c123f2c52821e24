"""The engine's process is killed, while it streams and in the middle of a snapshot: nothing lost, nothing doubled."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.controls.capturing import (
    ITEMS,
    Reader,
    captured,
    engine,
    has,
    items,
    kill,
    put,
    snapshot_over_a_kill,
    snapshot_taken,
    streamed_over_kills,
)
from tests.controls.living import running
from tests.controls.sql import run
from tests.controls.waiting import until

KILLS = 3
ROWS = 20_000
"""Of a snapshot, which come by 2,000."""
MANY = "insert into item select id, 'old' from generate_series(0, 19999) id"


@pytest.fixture
async def erp(database: str) -> str:
    await run(database, ITEMS)
    return database


async def test_killed_while_it_streams(erp: str, data: Path) -> None:
    source = engine(data, items("erp", erp))
    await streamed_over_kills(source, Reader(), "erp", KILLS, lambda rows: put(erp, "new", *rows))


async def test_one_that_hangs_is_killed_and_started_again(
    erp: str, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F36: it lives and holds its slot, and says nothing, not even that nothing happens."""
    reader, source = Reader(), engine(data, items("erp", erp), patience=5.0)
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await put(erp, "before", 1)
        await has(reader, "erp", {1})
        hung = running(source.child_pid)
        os.kill(hung, signal.SIGSTOP)
        await put(erp, "meanwhile", 2)
        await has(reader, "erp", {1: "before", 2: "meanwhile"})
        assert source.child_pid != hung
    assert reader.streamed_ids("erp") == [1, 2]
    assert {each.position.epoch for each in reader.transactions} == {1}
    assert "its engine has said nothing for 5 s: it is killed" in caplog.text


async def test_what_the_engine_keeps_itself_is_not_believed(erp: str, data: Path) -> None:
    """F8: its offset is in a file, which is ahead, cut off, of another source, or old; the checkpoint counts."""
    reader, source = Reader(), engine(data, items("erp", erp))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await put(erp, "new", 0)
        await has(reader, "erp", {0})
        old = await until(lambda: stored_offset(data))
        ahead = LSN.sub(moved_on, old)
        for ident, damaged in enumerate((ahead, old[: len(old) // 2], old.replace(b"erp", b"wms"), old), 1):
            for number in range(1, 50):
                (data / "engine" / f"{number}.offset").write_bytes(damaged)
            await kill(source)
            await put(erp, "new", ident)
            await has(reader, "erp", range(ident + 1))
    assert reader.streamed_ids("erp") == list(range(5))
    assert {each.position.epoch for each in reader.transactions} == {1}


LSN = re.compile(rb'(?<=lsn":)\d+|(?<=lsn_proc":)\d+|(?<=lsn_commit":)\d+')


async def stored_offset(data: Path) -> bytes | None:
    """What is in the engine's file; None while it is being written."""
    [file] = (data / "engine").glob("*.offset")
    found = file.read_bytes()
    return found if LSN.search(found) else None


def moved_on(place: "re.Match[bytes]") -> bytes:
    """By a million bytes of log; the file's form wants as many digits as before."""
    return b"%0*d" % (len(place[0]), int(place[0]) + 1_000_000)


@pytest.mark.parametrize("percent", [10, 50, 75])
async def test_killed_in_the_middle_of_a_snapshot(erp: str, data: Path, percent: int) -> None:
    """F15: the first snapshot is left unfinished, the second takes all; what was deleted between them is swept.

    Two batches of 2,000 rows may be under way when the engine dies.
    """
    await run(erp, MANY)
    changes = ("delete from item where id < 10", "update item set name = 'new' where id = 10")
    reader, source = Reader(), engine(data, items("erp", erp))
    await snapshot_over_a_kill(source, reader, "erp", lambda: run(erp, *changes), ROWS * percent // 100)
    assert reader.table("erp") == {10: "new"} | dict.fromkeys(range(11, ROWS), "old")


async def test_a_snapshot_left_half_done_is_taken_anew_by_the_next_start(erp: str, data: Path) -> None:
    await run(erp, MANY)
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
    assert not psutil.pid_exists(running(pid))


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

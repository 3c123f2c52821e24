"""The slot is not what the checkpoint needs: never resumed in silence, healed by a snapshot of a new epoch."""

import logging
import os
import signal
from pathlib import Path

import pytest

from cdc.capture import State
from cdc.engine import EngineSource
from tests.controls.capturing import ITEMS, Reader, captured, engine, has, items, put, snapshot_taken
from tests.controls.living import running
from tests.controls.sql import run
from tests.controls.waiting import until

DROP = "select pg_drop_replication_slot('milepost_erp')"
MAKE = "select pg_create_logical_replication_slot('milepost_erp', 'pgoutput')"
ADVANCE = "select pg_replication_slot_advance('milepost_erp', pg_current_wal_lsn())"


@pytest.fixture
async def erp(database: str, data: Path) -> tuple[str, Reader]:
    """A database that was captured up to now, and its reader. Nobody captures it any more."""
    reader = Reader()
    await run(database, ITEMS)
    await put(database, "old", 1, 2, 3)
    async with captured(engine(data, items("erp", database)), reader):
        await snapshot_taken(reader, "erp")
        await put(database, "old", 4)
        await has(reader, "erp", {1, 2, 3, 4})
    return database, reader


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param([DROP], "is gone", id="dropped"),
        pytest.param([DROP, MAKE], "ahead of the checkpoint", id="made anew"),
        pytest.param([ADVANCE], "ahead of the checkpoint", id="moved on by somebody"),
        pytest.param(["drop publication milepost_erp"], "other tables", id="publication dropped"),
    ],
)
async def test_healed_by_a_snapshot(
    erp: tuple[str, Reader], data: Path, caplog: pytest.LogCaptureFixture, damage: list[str], why: str
) -> None:
    """What was written and deleted in the gap is right afterwards, and the loss is said aloud."""
    dsn, reader = erp
    await run(dsn, "delete from item where id = 1")
    await put(dsn, "new", 2, 5)
    await run(dsn, *damage)
    async with captured(engine(data, items("erp", dsn)), reader):
        await snapshot_taken(reader, "erp", epoch=2)
        await has(reader, "erp", {2: "new", 3: "old", 4: "old", 5: "new"})
        await put(dsn, "streamed", 6)
        await has(reader, "erp", {2, 3, 4, 5, 6})
    (warning,) = (each for each in caplog.records if each.levelno == logging.WARNING and each.name == "cdc.engine")
    assert why in warning.getMessage()
    assert "epoch 2" in warning.getMessage()


async def test_a_reader_that_outlived_its_process_is_ended(erp: tuple[str, Reader], data: Path) -> None:
    """Half-open connections: the source believes that the slot is still being read."""
    dsn, reader = erp
    first, second = engine(data, items("erp", dsn)), engine(data / "second", items("erp", dsn))
    async with first.open(reader.checkpoints):
        await until(lambda: _streams(first))
        os.kill(running(first.child_pid), signal.SIGSTOP)
        async with captured(second, reader):
            await put(dsn, "new", 5)
            await has(reader, "erp", {1, 2, 3, 4, 5})


async def _streams(source: EngineSource) -> bool:
    return [each.state for each in await source.lag()] == [State.STREAMING]

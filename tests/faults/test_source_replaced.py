"""F3 and its kin: while it is captured, a source is replaced by its standby or by an older backup of itself.

It is never resumed in silence: a snapshot in a new epoch shows what is there now, and what is not there any more goes.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from app.postgres import Postgres
from tests.controls.capturing import Reader, captured, engine, has, items, put, snapshot_taken
from tests.controls.replacing import by_backup, by_standby, copied, is_primary
from tests.controls.sql import run
from tests.controls.waiting import until

MANY = "do $$ begin for n in 1..300 loop perform pg_current_xact_id(); commit; end loop; end $$"
"""Transactions."""


@pytest.mark.parametrize(
    ("replace", "why"),
    [
        pytest.param(by_backup, "restored from an older backup", id="older backup"),
        pytest.param(by_standby, "its timeline moved from 1 to 2", id="failover"),
    ],
)
async def test_read_anew(
    server: Postgres, data: Path, caplog: pytest.LogCaptureFixture, replace: Callable[[Path, Path], None], why: str
) -> None:
    dsn, reader, files = server.dsn("postgres"), Reader(), data / "source" / "postgres"
    source = engine(data, items("erp", dsn))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await put(dsn, "kept", 1, 2)
        await has(reader, "erp", {1, 2})
        await server.stop()
        copied(files, data / "backup")
        await server.start()
        await run(dsn, MANY)  # more than there will be anew before somebody looks
        await put(dsn, "lost", 2, 3)
        await has(reader, "erp", {1: "kept", 2: "lost", 3: "lost"})
        await server.stop()
        replace(files, data / "backup")
        await server.start()
        await until(lambda: is_primary(dsn))
        await snapshot_taken(reader, "erp", epoch=2)
        await has(reader, "erp", {1: "kept", 2: "kept"})
        await put(dsn, "new", 4)
        await has(reader, "erp", {1: "kept", 2: "kept", 4: "new"})
        [lag] = await source.lag()
    assert lag.healed
    assert why in lag.healed.reason
    said = [each for each in caplog.records if "takes a snapshot" in each.getMessage()]
    assert [each.levelno for each in said] == [logging.WARNING]
    assert why in said[0].getMessage()

"""COPY gives 5,000 rows one LSN in one transaction. Whoever dies in the middle of it, every row comes exactly once."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cdc import engine as engine_module
from cdc.envelope import Line, decode
from orders.crash import ENVIRONMENT
from tests.controls.capturing import ITEMS, Reader, ask, captured, engine, has, items, put, snapshot_taken
from tests.controls.sql import run

ROWS = 5_000
LOST = "select count(*) from item where id not in (select id from copied)"
EPOCH = "select (convert_from(checkpoint, 'utf8')::json -> 'position' ->> 0)::int from copied_up_to"
DOUBLED = "select count(*) - count(distinct id) from copied"


@pytest.fixture
async def erp(database: str) -> str:
    await run(database, ITEMS)
    return database


async def copy(dsn: str, first: int) -> None:
    """Rows `first` … `first` + 4,999."""
    db = await asyncpg.connect(dsn)
    await db.copy_records_to_table("item", records=[(ident, "copied") for ident in range(first, first + ROWS)])
    await db.close()


def dying_in_the_copy(kill: Callable[[], None]) -> Callable[[Any], Any]:
    """`decode` that kills at the first batch that has rows of the COPY and not its end."""
    killed: list[bool] = []

    def decoding(payload: Any) -> Any:
        lines = decode(payload)
        kinds = [(line.value.op, line.value.status) for line in lines if isinstance(line, Line)]
        if not killed and kinds.count(("c", None)) > 100 and (None, "END") not in kinds:
            killed.append(True)
            kill()
        return lines

    return decoding


async def test_the_engine_dies_in_the_middle(erp: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, source = Reader(), engine(data, items("erp", erp))
    pids: list[int] = []

    def kill() -> None:
        pids.append(source.child_pid or 0)
        os.kill(pids[-1], signal.SIGKILL)

    monkeypatch.setattr(engine_module, "decode", dying_in_the_copy(kill))
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await put(erp, "before", 0)
        await copy(erp, 1)
        await put(erp, "behind", ROWS + 1)
        await has(reader, "erp", range(ROWS + 2))
        assert pids
        assert source.child_pid not in pids
    assert reader.streamed_ids("erp") == list(range(ROWS + 2))
    assert [each.seen for each in reader.of("erp") if len(each.changes) > 1] == [ROWS]


@pytest.mark.parametrize("at", ["received", "decoded"])
async def test_the_reader_dies_in_the_middle(erp: str, data: Path, at: str) -> None:
    """At several batches, from the first of the stream on; then it is let be."""
    assert await reading(erp, data, 0) == 0
    await copy(erp, 1)
    codes = [await reading(erp, data, ROWS, f"{at}:{count}") for count in (1, 2, 4)]
    assert codes == [-signal.SIGKILL] * 3
    assert await reading(erp, data, ROWS) == 0
    assert await ask(erp, LOST) == 0
    assert await ask(erp, DOUBLED) == 0
    assert await ask(erp, EPOCH) == 1


async def reading(dsn: str, data: Path, rows: int, crash: str = "") -> int:
    """A process that reads until it has so many rows or dies; its exit code."""
    arguments = ("-m", "tests.controls.copying", dsn, str(data / "engine"), str(rows))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env={**os.environ, ENVIRONMENT: crash})
    return await asyncio.wait_for(process.wait(), 60)

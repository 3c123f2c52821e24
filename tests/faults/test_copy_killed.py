"""F10, F11: COPY gives 5,000 rows one LSN in one transaction, its BEGIN too. Whoever dies in the middle of it, every
row comes exactly once. C2."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cdc import engine as engine_module
from cdc.engine import EngineSource
from cdc.envelope import Line, Unreadable, decoded
from cdc.kinds import properties
from orders.crash import ENVIRONMENT
from tests.controls.capturing import ITEMS, Reader, ask, captured, engine, has, items, put, snapshot_taken
from tests.controls.living import running
from tests.controls.sql import run
from tests.controls.waiting import until

ROWS = 5_000
SWEPT = (1, 1_000, 2_001, 4_999, 5_000)
"""Rows behind which the engine is killed, one COPY after the other; a batch has 2,000 at most."""
FEW = 20
LOST = "select count(*) from item where id not in (select id from copied)"
EPOCH = "select (convert_from(checkpoint, 'utf8')::json -> 'position' ->> 0)::int from copied_up_to"
DOUBLED = "select count(*) - count(distinct id) from copied"


@pytest.fixture
async def erp(database: str) -> str:
    await run(database, ITEMS)
    return database


async def copy(dsn: str, first: int, count: int = ROWS) -> None:
    """Rows `first` … `first` + `count` - 1."""
    db = await asyncpg.connect(dsn)
    await db.copy_records_to_table("item", records=[(ident, "copied") for ident in range(first, first + count)])
    await db.close()


class Killer:
    """In the place of `decoded`: kills the engine of `source` at the batch with a transaction's row of that number."""

    def __init__(self, source: EngineSource) -> None:
        self._source, self._after, self._begun, self._rows = source, -1, False, 0
        self.killed: list[int] = []

    def arm(self, after: int) -> None:
        """For the next transaction; 0 stands for its BEGIN."""
        self._after, self._begun, self._rows = after, False, 0

    async def is_over(self) -> bool:
        """Whether another engine has taken the place of the last one that was killed."""
        return self._source.child_pid not in (None, *self.killed)

    def decoded(self, payload: bytes | bytearray) -> list[Line | Unreadable]:
        lines = list(decoded(payload))
        kinds = [(line.value.op, line.value.status) for line in lines if isinstance(line, Line)]
        self._begun |= (None, "BEGIN") in kinds
        self._rows += kinds.count(("c", None))
        if self._begun and 0 <= self._after <= self._rows:
            self._after = -1
            self.killed.append(running(self._source.child_pid))
            os.kill(self.killed[-1], signal.SIGKILL)
        return lines


@pytest.fixture
def source(erp: str, data: Path) -> EngineSource:
    """No heartbeat begins a transaction of its own meanwhile."""
    return engine(data, items("erp", erp, heartbeat=50.0))


@pytest.fixture
def killer(source: EngineSource, monkeypatch: pytest.MonkeyPatch) -> Killer:
    found = Killer(source)
    monkeypatch.setattr(engine_module, "decoded", found.decoded)
    return found


async def dies_in_each_copy(erp: str, source: EngineSource, killer: Killer, after: Sequence[int], count: int) -> None:
    reader = Reader()
    async with captured(source, reader):
        await snapshot_taken(reader, "erp")
        await put(erp, "before", 0)
        await has(reader, "erp", {0})
        for place, rows in enumerate(after):
            killer.arm(rows)
            await copy(erp, 1 + place * count, count)
            await has(reader, "erp", range(1 + (place + 1) * count))
            assert len(killer.killed) == place + 1
            await until(killer.is_over)
    assert reader.streamed_ids("erp") == list(range(1 + len(after) * count))
    assert [each.seen for each in reader.of("erp") if len(each.changes) > 1] == [count] * len(after)


async def test_the_engine_dies_behind_so_many_rows(erp: str, source: EngineSource, killer: Killer) -> None:
    await dies_in_each_copy(erp, source, killer, SWEPT, ROWS)


async def test_the_engine_dies_between_the_begin_and_the_rows(
    erp: str, source: EngineSource, killer: Killer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F11: they share an LSN, and each record comes by itself."""

    def one_by_one(*arguments: Any, **options: Any) -> dict[str, str]:
        return properties(*arguments, **options) | {"max.batch.size": "1"}

    monkeypatch.setattr(engine_module, "properties", one_by_one)
    await dies_in_each_copy(erp, source, killer, range(3), FEW)


@pytest.mark.parametrize("at", ["received", "decoded"])
async def test_the_reader_dies_in_the_middle(erp: str, data: Path, at: str) -> None:
    """At several batches, from the first of the stream on, of which there are three at least; then it is let be."""
    assert await reading(erp, data, 0) == 0
    await copy(erp, 1)
    codes = [await reading(erp, data, ROWS, f"{at}:{count}") for count in (1, 2, 3)]
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

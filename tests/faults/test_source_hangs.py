"""F2: a source's line stands still, so it neither answers nor refuses: its own news age, those of the others do not."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from app.settings import Settings, SourceSettings
from app.watching import watch
from cdc import database as source_database
from projections.database import Connection
from tests.controls import projecting
from tests.controls.capturing import ITEMS, Reader, captured, engine, items, snapshot_taken
from tests.controls.cutting import standing_line
from tests.controls.sql import run
from tests.controls.waiting import until

NEWS = "select updated_at::text from record.source_state where source = $1 and state = 'streaming'"


async def test_the_others_stay_fresh(
    graph: Connection, database: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_database, "TIMEOUT", 600.0)  # so that its answer never comes in between
    await run(database, ITEMS)
    async with standing_line(database) as line:
        dsns = {"erp": database, "east": line.dsn}
        sources = tuple(SourceSettings(name, "erp_legacy", dsn) for name, dsn in dsns.items())
        settings, reader = Settings(data, database, database, "127.0.0.1", 0, sources), Reader()
        source = engine(data, *(items(each.name, each.dsn) for each in sources))

        async def newer(name: str, than: str) -> str:
            news = await graph.fetchval(NEWS, name)
            return news if news and news > than else ""

        async with captured(source, reader):
            for each in sources:
                await snapshot_taken(reader, each.name)
            watching = asyncio.create_task(watch(source, settings, partial(projecting.connected, database)))
            try:
                erp, east = [await until(partial(newer, each.name, "")) for each in sources]
                line.moves.clear()
                told = {east}
                for _ in range(3):
                    erp = await until(partial(newer, "erp", erp))
                    told.add(await graph.fetchval(NEWS, "east"))
                assert len(told) <= 2, "only what was answered before may have come since"
                line.moves.set()
                await until(partial(newer, "east", max(told)))
            finally:
                watching.cancel()

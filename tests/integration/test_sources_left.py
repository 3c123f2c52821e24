"""`milepost sources`: a source that the settings name no more, or by another name, is still told of."""

from pathlib import Path

from app.settings import Settings, SourceSettings
from app.sources import sources_of
from projections.database import Connection
from tests.controls.capturing import ITEMS
from tests.controls.sql import run

KNOWN = """
insert into record.source_state (source, state, updated_at) select unnest($1::text[]), 'streaming', 'epoch'
"""
READ = "insert into record.checkpoint (source, epoch, log, ordinal, snapshotting) values ('erp', 1, 1, 1, false)"


async def test_one_that_was_renamed(graph: Connection, database: str, data: Path) -> None:
    """Its part of the graph stays as it was, beside that of its new name; one that was never read left nothing."""
    await run(database, ITEMS)
    (data / "run").mkdir()
    Settings(data, database, database, "127.0.0.1", 0, (SourceSettings("hq", "erp_legacy", database),)).save()
    await graph.execute(KNOWN, ["erp", "hq", "never_read"])
    await graph.execute(READ)
    hq, erp = await sources_of(data)
    assert (hq.source, erp.source, erp.state, erp.needs) == ("hq", "erp", "not configured", True)
    assert erp.advice
    assert "milepost.toml names it no more" in erp.advice
    assert "slot milepost_erp" in erp.advice

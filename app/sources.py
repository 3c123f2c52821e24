"""`milepost sources`: one table of how each source is, what it keeps for us, and what to do."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from app.settings import Settings, SourceSettings
from app.status import processes
from app.statuses import number, seconds_behind
from cdc.advice import MEGABYTE
from cdc.database import SQL, CapturedDatabase, connected
from orders.errors import MilepostError

_STATES = """
select s.*, c.committed_at, c.projected_at,
    (select count(*) from record.dead_letter d where d.source = s.source and d.resolved_at is null) as letters
from record.source_state s left join record.checkpoint c using (source)
"""
_HEAD = ("SOURCE", "STATE", "LAG", "SLOT", "WHAT TO DO")
_ABSENT = "nobody captures it: start `milepost up`; if that is never to be, select pg_drop_replication_slot('{}') there"


async def sources_text(data: Path) -> str:
    """A line for each source, under a head. What the projector says, or, when none runs, what the source says."""
    settings = Settings.load(data)
    running = any(each.running and each.name == "projector" for each in processes(data))
    states = await _states(settings.graph_dsn) if running else {}
    rows = await asyncio.gather(*(_row(source, states.get(source.name)) for source in settings.sources))
    return table([_HEAD, *rows])


async def _states(dsn: str) -> dict[str, asyncpg.Record]:
    db = await asyncpg.connect(dsn, timeout=5)
    try:
        return {row["source"]: row for row in await db.fetch(_STATES)}
    finally:
        await db.close()


async def _row(source: SourceSettings, state: asyncpg.Record | None) -> tuple[str, ...]:
    if state is None:
        return await _unwatched(source)
    detail = f" ({state['detail']})" if state["detail"] else ""
    lag = f"{megabytes(state['lag_bytes'])}, {number(state['lag_changes'])} changes, {seconds_behind(state)} s"
    letters = f"{state['letters']} dead letters wait: milepost deadletters list" if state["letters"] else ""
    healed = f"read anew at {state['healed_at']:%Y-%m-%d %H:%M}: {state['healed_reason']}" if state["healed_at"] else ""
    todo = "; ".join(part for part in (state["advice"], letters, healed) if part)
    return source.name, state["state"] + detail, lag, slot_text(state["slot"], state), todo or "nothing"


async def _unwatched(source: SourceSettings) -> tuple[str, ...]:
    """By a look at the source itself."""
    database = CapturedDatabase(source.name, source.dsn, ("any.table",))
    try:
        async with connected(database) as db:
            row = await db.fetchrow(SQL["lag"], database.slot)
    except MilepostError as error:
        return source.name, "unknown", "?", "?", str(error)
    assert row is not None
    kept = {"kept_bytes": row["kept"], "safe_bytes": row["safe"]}
    text = slot_text(row["wal_status"] or "absent", kept)
    return source.name, "not captured", megabytes(row["behind"]), text, _ABSENT.format(database.slot)


def slot_text(status: str | None, sizes: Any) -> str:
    if status is None or sizes["kept_bytes"] is None:
        return status or "?"
    safe = "" if sizes["safe_bytes"] is None else f", lost after {megabytes(sizes['safe_bytes'])} more"
    return f"{status}, keeps {megabytes(sizes['kept_bytes'])}{safe}"


def megabytes(size: int | None) -> str:
    return "?" if size is None else f"{size / MEGABYTE:.1f} MB"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns side by side; the last is as long as it is."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]) for row in rows
    )

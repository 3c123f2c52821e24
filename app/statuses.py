"""`milepost status`: processes, sources and their lag, for people."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from app.settings import Settings
from app.status import ProcessState, processes
from orders.errors import StartError
from orders.outages import FAILED

MEGABYTE = 1_000_000

_SOURCES = """
select s.source, s.state, s.detail, s.lag_bytes, s.lag_changes, s.updated_at, c.seen, c.committed_at, c.projected_at,
       (c.epoch || '/' || c.log || '/' || c.ordinal) as position
from record.source_state s left join record.checkpoint c using (source) order by s.source
"""


async def status_text(data: Path) -> str:
    """A line for each process and each source."""
    found = processes(data)
    lines = [f"data {data}", *map(process_line, found)] if found else [f"nothing runs in {data}"]
    if any(process.running for process in found):
        lines += await source_lines(data)
    return "\n".join(lines)


def process_line(process: ProcessState) -> str:
    if not process.running or process.since is None:
        return f"{process.name:<10} down"
    memory = f"{(process.memory or 0) // MEGABYTE} MB"
    since = f"since {process.since.astimezone():%Y-%m-%d %H:%M:%S}"
    return f"{process.name:<10} pid {process.pid:<7} {memory:>7}  {since}  {process.address}"


async def source_lines(data: Path) -> list[str]:
    try:
        db = await asyncpg.connect(Settings.load(data).graph_dsn, timeout=5)
    except (*FAILED, StartError) as error:
        return [f"sources    unknown: {error}"]
    try:
        return [source_line(row) for row in await db.fetch(_SOURCES)]
    finally:
        await db.close()


def source_line(row: asyncpg.Record) -> str:
    lag = f"lag {number(row['lag_changes'])} changes, {number(row['lag_bytes'])} bytes, {seconds_behind(row)} s"
    detail = f" ({row['detail']})" if row["detail"] else ""
    return f"{row['source']:<10} {row['state']}{detail}, {row['seen'] or 0} changes seen, at {row['position']}, {lag}"


def seconds_behind(row: asyncpg.Record) -> str:
    """How old the oldest change is that may still be under way; 0 when nothing is."""
    if row["lag_changes"] == 0 and row["state"] == "streaming":
        return "0"
    since = row["committed_at"] or row["projected_at"]
    return "?" if since is None else f"{(datetime.now(UTC) - since).total_seconds():.1f}"


def number(value: int | None) -> str:
    return "?" if value is None else str(value)

"""`milepost status`: processes, sources and their lag."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from msgspec import Struct

from app.settings import RIGHT_FOLDER, Settings
from app.status import ProcessState, processes
from orders.errors import StartError
from orders.outages import FAILED

MEGABYTE = 1_000_000
NEWS = 3.0
"""Seconds for which nobody need say of when it is."""
SILENT = 30.0
"""Seconds after which what a projector said last is no news: it asks every second, or as long as the source takes."""

_SOURCES = """
select s.source, s.state, s.detail, s.lag_bytes, s.lag_changes, c.committed_at, c.projected_at,
       extract(epoch from now() - s.updated_at)::float8 as silent_seconds,
       coalesce(c.seen, 0) as seen, (c.epoch || '/' || c.log || '/' || c.ordinal) as position
from record.source_state s left join record.checkpoint c using (source) order by s.source
"""


SUPERVISOR = ProcessState("supervisor", False, None, "", None, None, "")
"""One that left records of its processes and is there no more."""


class SourceState(Struct, frozen=True):
    """How far a source is, as a projector said `silent_seconds` ago.

    `lag_seconds` is the age of the oldest change that may still be under way.
    """

    source: str
    state: str
    detail: str | None
    lag_bytes: int | None
    lag_changes: int | None
    lag_seconds: float | None
    seen: int
    position: str | None
    silent_seconds: float

    @property
    def read(self) -> bool:
        return self.state != "failed" and self.silent_seconds < SILENT


class Status(Struct, frozen=True):
    """What runs in a data folder. `trouble` is why nothing is known of its sources."""

    data: str
    processes: Sequence[ProcessState]
    sources: Sequence[SourceState] = ()
    trouble: str | None = None

    @property
    def well(self) -> bool:
        """Everything runs, and every source is read."""
        known = bool(self.sources) and self.trouble is None
        return known and all(each.running for each in self.processes) and all(each.read for each in self.sources)


async def status_of(data: Path) -> Status:
    """Where nothing runs, the sources are told too, if the graph answers: processes by themselves leave no record."""
    found = processes(data)
    if found and found[0].name != SUPERVISOR.name:
        found = [SUPERVISOR, *found]
    try:
        return Status(str(data), found, await _sources(Settings.load(data).graph_dsn))
    except (*FAILED, StartError) as error:
        runs = any(process.running for process in found)
        return Status(str(data), found, trouble=(str(error) or "Postgres does not answer in time") if runs else None)


async def _sources(dsn: str) -> list[SourceState]:
    db = await asyncpg.connect(dsn, timeout=5)
    try:
        return [_source(row) for row in await db.fetch(_SOURCES)]
    finally:
        await db.close()


def _source(row: asyncpg.Record) -> SourceState:
    given = {name: row[name] for name in SourceState.__struct_fields__ if name != "lag_seconds"}
    return SourceState(**given, lag_seconds=seconds_behind(row))


def seconds_behind(row: asyncpg.Record) -> float | None:
    """How old the oldest change is that may still be under way; 0 when nothing is."""
    if row["lag_changes"] == 0 and row["state"] == "streaming":
        return 0 if row["silent_seconds"] < SILENT else round(row["silent_seconds"], 1)
    since = row["committed_at"] or row["projected_at"]
    return None if since is None else round((datetime.now(UTC) - since).total_seconds(), 1)


def status_text(status: Status) -> str:
    """For people: a line for each process and each source."""
    head = [f"data {status.data}"] if status.processes else [f"nothing runs in {status.data}{_whether_right(status)}"]
    lines = [*head, *map(process_line, status.processes), *map(source_line, status.sources)]
    return "\n".join([*lines, f"sources    unknown: {status.trouble}"] if status.trouble else lines)


def _whether_right(status: Status) -> str:
    """One that mistyped the folder must not believe that all is down."""
    return "" if (Path(status.data) / "format").exists() else f", and nothing ever was: {RIGHT_FOLDER}"


def process_line(process: ProcessState) -> str:
    if not process.running or process.since is None:
        return f"{process.name:<10} down{process.log and f', log {process.log}'}"
    memory = f"{(process.memory or 0) // MEGABYTE} MB"
    since = f"since {process.since.astimezone():%Y-%m-%d %H:%M:%S}"
    return f"{process.name:<10} pid {process.pid:<7} {memory:>7}  {since}  {process.address}"


def source_line(source: SourceState) -> str:
    lag = f"lag {number(source.lag_changes)} changes, {number(source.lag_bytes)} bytes, {number(source.lag_seconds)} s"
    detail = f" ({source.detail})" if source.detail else ""
    if source.silent_seconds >= NEWS:
        detail += f", as it was {source.silent_seconds:.0f} s ago"
    if source.silent_seconds >= SILENT:
        detail += ": no projector has looked since"
    return f"{source.source:<10} {source.state}{detail}, {source.seen} changes seen, at {source.position or '?'}, {lag}"


def number(value: float | None) -> str:
    return "?" if value is None else str(value)

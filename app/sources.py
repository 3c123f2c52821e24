"""`milepost sources`: how each source is, what it keeps for us, and what to do."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import asyncpg
from msgspec import Struct

from app.connectors import captured
from app.settings import KafkaConfig, Settings, SourceSettings
from app.status import processes
from app.statuses import SILENT, number, seconds_behind
from cdc.advice import MEGABYTE
from cdc.database import SQL, CapturedDatabase, connected
from cdc.mariadb import database as mariadb
from orders.errors import MilepostError
from orders.outages import FAILED

_STATES = """
select s.*, c.committed_at, c.projected_at, extract(epoch from now() - s.updated_at)::float8 as silent_seconds,
    (select count(*) from record.dead_letter d where d.source = s.source and d.resolved_at is null) as letters
from record.source_state s left join record.checkpoint c using (source)
"""
_HEAD = ("SOURCE", "STATE", "LAG", "SLOT", "WHAT TO DO")
_ABSENT = "no projector captures it: see what runs (milepost status), or start `milepost up`"
_LEFT = (
    "milepost.toml names it no more, but the graph has its orders as they were: name it again, or, if it has another "
    "name now, begin with an empty graph; and see that no slot milepost_{} keeps log there"
)
_FOR_GOOD = "; if that is never to be, select pg_drop_replication_slot('{}') there"


class Source(Struct, frozen=True):
    """Sizes in bytes. `advice` is what to do about it, None for nothing; `slot` is Postgres's status of ours."""

    source: str
    state: str
    detail: str | None = None
    lag_bytes: int | None = None
    lag_changes: int | None = None
    lag_seconds: float | None = None
    slot: str | None = None
    kept_bytes: int | None = None
    safe_bytes: int | None = None
    dead_letters: int = 0
    advice: str | None = None
    healed_at: datetime | None = None
    healed_reason: str | None = None

    @property
    def needs(self) -> bool:
        """Whether somebody has to do something."""
        return self.dead_letters > 0 or not (self.advice or "nothing").startswith("nothing")


async def sources_of(data: Path) -> list[Source]:
    """What a projector says, or, when none does, what the sources say. Raises MilepostError, and as asyncpg."""
    settings = Settings.load(data)
    try:
        states = await _states(settings.graph_dsn)
    except FAILED:
        if any(each.running for each in processes(data)):
            raise
        states = {}
    asked = (_source(source, settings.kafka, states.get(source.name)) for source in settings.sources)
    left = sorted(states.keys() - {source.name for source in settings.sources})
    return [
        *await asyncio.gather(*asked),
        *(_left(name, states[name]) for name in left if states[name]["projected_at"]),
    ]


def _left(name: str, state: asyncpg.Record) -> Source:
    """One that was captured once, and that the settings do not name any more."""
    return Source(name, "not configured", dead_letters=state["letters"], advice=_LEFT.format(name))


async def _states(dsn: str) -> dict[str, asyncpg.Record]:
    db = await asyncpg.connect(dsn, timeout=5)
    try:
        return {row["source"]: row for row in await db.fetch(_STATES)}
    finally:
        await db.close()


async def _source(source: SourceSettings, kafka: KafkaConfig | None, state: asyncpg.Record | None) -> Source:
    if state is None or state["silent_seconds"] >= SILENT:
        return await _unwatched(source, kafka)
    names = set(Source.__struct_fields__) - {"lag_seconds", "dead_letters"}
    given = {name: state[name] for name in names}
    return Source(**given, lag_seconds=seconds_behind(state), dead_letters=state["letters"])


async def _unwatched(source: SourceSettings, kafka: KafkaConfig | None) -> Source:
    """By a look at the source itself."""
    try:
        database = captured(source, kafka)
        if isinstance(database, CapturedDatabase):
            return await _slot(database)
        await mariadb.inspect(database)
        return Source(source.name, "not captured", advice=_ABSENT)
    except MilepostError as error:
        return Source(source.name, "unknown", advice=f"{error}; {_ABSENT}")


async def _slot(database: CapturedDatabase) -> Source:
    async with connected(database) as db:
        row = await db.fetchrow(SQL["lag"], database.slot)
    assert row is not None
    return Source(
        database.name,
        "not captured",
        lag_bytes=row["behind"],
        slot=row["wal_status"] or "absent",
        kept_bytes=row["kept"],
        safe_bytes=row["safe"],
        advice=_ABSENT + (_FOR_GOOD.format(database.slot) if row["wal_status"] else ""),
    )


def sources_text(sources: Sequence[Source]) -> str:
    """For people: a line for each source, under a head."""
    return table([_HEAD, *map(_row, sources)])


def _row(source: Source) -> tuple[str, ...]:
    lag = f"{megabytes(source.lag_bytes)}, {number(source.lag_changes)} changes, {number(source.lag_seconds)} s"
    letters = f"{source.dead_letters} dead letters wait: milepost deadletters list" if source.dead_letters else ""
    healed = f"read anew at {source.healed_at:%Y-%m-%d %H:%M}: {source.healed_reason}" if source.healed_at else ""
    todo = "; ".join(part for part in (source.detail, source.advice, letters, healed) if part)
    return source.source, source.state, lag, slot_text(source), todo or "nothing"


def slot_text(source: Source) -> str:
    if source.slot is None or source.kept_bytes is None:
        return source.slot or "?"
    safe = "" if source.safe_bytes is None else f", lost after {megabytes(source.safe_bytes)} more"
    return f"{source.slot}, keeps {megabytes(source.kept_bytes)}{safe}"


def megabytes(size: int | None) -> str:
    return "?" if size is None else f"{size / MEGABYTE:.1f} MB"


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns side by side; the last is as long as it is."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]) for row in rows
    )

"""What also brings the sources' rows to another database: Debezium's JDBC sink, and Postgres' own logical replication.

Both write into plain tables with primary keys and nothing else. They are at the end when every table's last change is
there; then all rows must be those of the sources.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.machinery import ADAPTERS, Bench, connect
from bench.meter import Figures, Meter
from bench.topics import KEPT, SECONDS, SINK, SUBSCRIPTION, TABLES, Recorded
from cdc.change import Change
from cdc.connect import Connect
from demo.statements import sql_file
from orders.errors import NotFoundError
from projections.database import Connection
from projections.writer import json_text

SQL = Path(__file__).parent / "sql"
TEMPLATE = "plain"
_ARRIVED = "select pg_temp.arrived($1::text::regclass, $2, $3)"
_CONTENT = "select tbl, held, digest from pg_temp.content()"
_PAUSE = 0.005
"""Seconds between two looks."""


async def make_template(place: Bench) -> None:
    """An empty database with all tables of both sources."""
    await place.postgres.create_database(TEMPLATE)
    db = await connect(place.postgres.dsn(TEMPLATE))
    try:
        for source in ADAPTERS:
            await db.execute(sql_file(f"{source}.sql"))
        await db.execute((SQL / "plain.sql").read_text())
    finally:
        await db.close()


@dataclass(frozen=True)
class Target:
    """A database to be filled; `dsn` is its owner's."""

    dsn: str
    db: Connection

    async def began(self) -> bool:
        return bool(await self.db.fetchval("select pg_temp.began()"))

    async def arrived(self, change: Change) -> bool:
        row = change.after and json_text(change.after)
        return bool(await self.db.fetchval(_ARRIVED, change.table, json_text(change.key), row))

    async def check(self, recorded: Recorded) -> None:
        """Raises RuntimeError unless it has the sources' rows."""
        wanted = {}
        for source in ADAPTERS:
            async with watching(recorded.place.postgres.dsn(f"{source}_recorded")) as origin:
                wanted.update(await content(origin))
        found = await content(self.db)
        if wrong := sorted(table for table in wanted if found.get(table) != wanted[table]):
            raise RuntimeError(f"other rows than in the sources: {', '.join(wrong)}")


async def content(db: Connection) -> dict[str, tuple[int, str]]:
    """Table → number of rows, and their digest."""
    return {row["tbl"]: (row["held"], row["digest"]) for row in await db.fetch(_CONTENT)}


@asynccontextmanager
async def watching(dsn: str) -> AsyncIterator[Connection]:
    db = await connect(dsn)
    try:
        await db.execute((SQL / "watching.sql").read_text())
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def target(place: Bench, name: str) -> AsyncIterator[Target]:
    """A new one of that name."""
    await place.clone(TEMPLATE, name)
    async with watching(place.postgres.dsn(name)) as watched:
        yield Target(place.postgres.dsn(name), watched)


async def filled(recorded: Recorded, found: Target, meter: Meter) -> Figures:
    """When the last change of every table is there."""
    for changes in recorded.ends.values():
        for change in changes:
            await until(partial(found.arrived, change))
    figures = meter.end(recorded.changes)
    await found.check(recorded)
    return figures


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await ask():  # noqa: ASYNC110 (nothing announces it)
            await asyncio.sleep(_PAUSE)


async def jdbc_sink(recorded: Recorded, name: str, meter: Meter, *files: str) -> Figures:
    """From the first row that is there, so that its start does not count. Of the `files`, the later ones overrule."""
    worker = Connect(recorded.kafka.connect)
    async with target(recorded.place, name) as found:
        await worker.put(name, sink_config(found.dsn, files))
        try:
            await until(lambda: sink_works(worker, name, found.began))
            meter.begin()
            return await filled(recorded, found, meter)
        finally:
            await worker.delete(name)


async def sink_works(worker: Connect, name: str, ask: Callable[[], Awaitable[bool]]) -> bool:
    """What `ask` says. Raises RuntimeError when the sink failed."""
    if await ask():
        return True
    with suppress(NotFoundError):  # a new one has no status yet
        if (status := await worker.status(name)).state == "FAILED":
            raise RuntimeError(f"the sink failed: {status.cause}")
    return False


def sink_config(dsn: str, files: Sequence[str]) -> dict[str, str]:
    """For this database, whose owner's DSN it is."""
    where = urlsplit(dsn)
    given = {"topics": ",".join(TABLES), "connection.username": where.username, "connection.password": where.password}
    for file in files:
        given |= msgspec.json.decode((SINK / file).read_bytes(), type=dict[str, str])
    place = f"{where.hostname}:{where.port}{where.path}"
    return {name: (value or "").replace("${place}", place) for name, value in given.items()}


async def subscription(recorded: Recorded, name: str, meter: Meter) -> Figures:
    """From when it is enabled."""
    async with target(recorded.place, name) as found:
        names = {source: f"{name}_{source}" for source in ADAPTERS}
        for source, own in names.items():
            dsn = recorded.place.postgres.dsn(f"{source}_recorded")
            async with watching(dsn) as db:
                await db.execute(SUBSCRIPTION["copy"], f"{KEPT}_{source}", own)
            await perform(found.db, "subscribe", own, dsn, f"milepost_{source}")
        try:
            meter.begin()
            for own in names.values():
                await perform(found.db, "enable", own)
            return await filled(recorded, found, meter)
        finally:
            for own in names.values():
                await perform(found.db, "unsubscribe", own)


async def perform(db: Connection, statement: str, *arguments: str) -> None:
    """One of those that cannot take parameters themselves."""
    await db.execute(await db.fetchval(SUBSCRIPTION[statement], *arguments))

"""A source at rest in neutral words, for `milepost verify`: its tables are copied beside the graph, and the
adapter's own direct.sql turns them into rows of `said_*` (see direct.sql here). No code of mapping or projector.

All of it lives in temporary tables of one session, so that nothing can be left behind and no reader meets it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from orders.errors import RejectedError, TransientError

_CHUNKS = 64
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COPIED = """
select c.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = pg_my_temp_schema() and c.relkind = 'r' and not starts_with(c.relname, 'said_')
group by c.relname order by c.relname
"""


@dataclass(frozen=True, slots=True)
class DirectSource:
    """A source database: its name in the graph, the folder of `adapters` that knows it, and where it is."""

    name: str
    adapter: str
    dsn: str


async def prepare(db: asyncpg.Connection) -> None:
    """Make the empty tables `said_*` in this session."""
    await db.execute((files("adapters") / "direct.sql").read_text(encoding="utf-8"))


async def gather(db: asyncpg.Connection, source: DirectSource) -> None:
    """Add what one source says, as of one snapshot of it, to the tables `said_*` of this session.

    Raises TransientError when the source cannot be reached, and RejectedError when it is not what the adapter knows.
    """
    blocks = _blocks(source.adapter)
    async with _snapshot(source) as origin, db.transaction():
        await db.execute("select set_config('direct.source', $1, true)", source.name)
        await db.execute(blocks["tables"])
        for table in await db.fetch(_COPIED):
            await _copy(origin, db, table["name"], table["columns"])
        await db.execute(blocks["rows"])


def _blocks(adapter: str) -> dict[str, str]:
    path = files("adapters") / adapter / "direct.sql"
    if not path.is_file():
        raise RejectedError(f"adapter {adapter} has no direct.sql: it cannot be verified")
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@asynccontextmanager
async def _snapshot(source: DirectSource) -> AsyncIterator[asyncpg.Connection]:
    # Text of dates has to be what the graph's session reads, whatever the source's own settings are.
    settings = {"datestyle": "ISO, YMD", "application_name": "milepost verify"}
    try:
        origin = await asyncpg.connect(source.dsn, server_settings=settings)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise TransientError(f"source {source.name} cannot be reached: {error}") from error
    try:
        async with origin.transaction(isolation="repeatable_read", readonly=True):
            yield origin
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError) as error:
        raise RejectedError(f"source {source.name} is not as adapter {source.adapter} expects: {error}") from error
    finally:
        await origin.close()


async def _copy(origin: asyncpg.Connection, db: asyncpg.Connection, table: str, columns: Sequence[str]) -> None:
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_read(origin, table, columns, chunks))
            group.create_task(_write(db, table, columns, chunks))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _read(
    origin: asyncpg.Connection, table: str, columns: Sequence[str], chunks: asyncio.Queue[bytes | None]
) -> None:
    await origin.copy_from_table(table, columns=columns, output=chunks.put)
    await chunks.put(None)


async def _write(
    db: asyncpg.Connection, table: str, columns: Sequence[str], chunks: asyncio.Queue[bytes | None]
) -> None:
    await db.copy_to_table(table, columns=columns, schema_name="pg_temp", source=_drain(chunks))


async def _drain(chunks: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (chunk := await chunks.get()) is not None:
        yield chunk

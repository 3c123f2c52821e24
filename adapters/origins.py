"""Where `milepost verify` reads a source at rest: one snapshot, table by table, into tables of the graph's session."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import asyncpg
import pymysql
from pymysql.constants import ER

from cdc.dsn import Login
from cdc.mariadb.login import connect
from cdc.tls import complaint
from orders.errors import RejectedError, TransientError
from orders.outages import FAILED, reason

TIMEOUT = 30.0
"""Seconds that a source may take to let us in."""
_CHUNKS = 64
_ROWS = 5_000
"""Of MariaDB, at once."""
_OTHERWISE = (ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR)


@dataclass(frozen=True, slots=True)
class DirectSource(Login):
    """A source database: its name in the graph, the folder of `adapters` that knows it, and where it is."""

    name: str
    adapter: str
    dsn: str
    usual_port: ClassVar[int] = 3306


class Origin(Protocol):
    """One snapshot of a source."""

    async def copy(self, db: asyncpg.Connection, table: str, columns: Sequence[str]) -> None:
        """All rows of the source's table into the temporary one of the same name in `db`."""
        ...


def snapshot(source: DirectSource) -> AbstractAsyncContextManager[Origin]:
    """Raises TransientError when the source cannot be reached, RejectedError when it is not what the adapter knows."""
    return _mariadb(source) if source.url.scheme == "mariadb" else _postgres(source)


@asynccontextmanager
async def _postgres(source: DirectSource) -> AsyncIterator[Origin]:
    # Text of dates has to be what the graph's session reads, whatever the source's own settings are.
    settings = {"datestyle": "ISO, YMD", "application_name": "milepost verify"}
    try:
        origin = await asyncpg.connect(source.dsn, timeout=TIMEOUT, server_settings=settings)
    except FAILED as error:
        raise _unreachable(source, error) from error
    try:
        async with origin.transaction(isolation="repeatable_read", readonly=True):
            yield _Postgres(origin)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError) as error:
        raise _unexpected(source, error) from error
    finally:
        await origin.close()


class _Postgres:
    def __init__(self, origin: asyncpg.Connection) -> None:
        self._origin = origin

    async def copy(self, db: asyncpg.Connection, table: str, columns: Sequence[str]) -> None:
        chunks: asyncio.Queue[bytes | None] = asyncio.Queue(_CHUNKS)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(table, columns, chunks))
                group.create_task(
                    db.copy_to_table(table, columns=columns, schema_name="pg_temp", source=_drain(chunks))
                )
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _read(self, table: str, columns: Sequence[str], chunks: asyncio.Queue[bytes | None]) -> None:
        await self._origin.copy_from_table(table, columns=columns, output=chunks.put)
        await chunks.put(None)


async def _drain(chunks: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (chunk := await chunks.get()) is not None:
        yield chunk


@asynccontextmanager
async def _mariadb(source: DirectSource) -> AsyncIterator[Origin]:
    try:
        origin = await asyncio.to_thread(partial(connect, source, cursorclass=pymysql.cursors.SSCursor))
    except (OSError, pymysql.Error) as error:
        raise _unreachable(source, error) from error
    try:
        with closing(origin):
            await asyncio.to_thread(_begin, origin)
            yield _MariaDb(origin)
    except pymysql.Error as error:
        raise (_unexpected if error.args[0] in _OTHERWISE else _unreachable)(source, error) from error


def _begin(origin: "pymysql.Connection[Any]") -> None:
    with origin.cursor() as cursor:
        cursor.execute("start transaction with consistent snapshot, read only")


class _MariaDb:
    def __init__(self, origin: "pymysql.Connection[Any]") -> None:
        self._origin = origin

    async def copy(self, db: asyncpg.Connection, table: str, columns: Sequence[str]) -> None:
        cursor = await asyncio.to_thread(self._opened, table, columns)
        while rows := await asyncio.to_thread(cursor.fetchmany, _ROWS):
            await db.copy_records_to_table(table, records=rows, columns=columns, schema_name="pg_temp")
        await asyncio.to_thread(cursor.close)

    def _opened(self, table: str, columns: Sequence[str]) -> Any:
        cursor = self._origin.cursor()
        names = ", ".join(f"`{column}`" for column in columns)
        cursor.execute(f"select {names} from `{table}`")  # noqa: S608  # our own names
        return cursor


def _unreachable(source: DirectSource, error: Exception) -> TransientError:
    why = complaint(error) or reason(error)
    return TransientError(f"source {source.name} cannot be reached: {why}; see `milepost sources`")


def _unexpected(source: DirectSource, error: Exception) -> RejectedError:
    return RejectedError(f"source {source.name} is not as adapter {source.adapter} expects: {error}")

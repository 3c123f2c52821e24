"""Postgres as the gateway meets it: its pools, and one consistent view of the graph for each operation."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from gateway.statements import SQL
from orders.outages import FAILED

if TYPE_CHECKING:  # settings are read by all processes, which need no schema for that
    from gateway.visibility import Sight

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Borrowed: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to be made, and for one of the pool to become free."""

STATEMENT_TIMEOUT = 10.0
"""Seconds."""

_SETTINGS = {
    "application_name": "milepost gateway",
    "statement_timeout": f"{STATEMENT_TIMEOUT:.0f}s",
    "idle_in_transaction_session_timeout": "60s",
    # Filters that are not used fold away only in a plan that is made for its values.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    # In which JSON is written: as the ordinary way writes instants.
    "timezone": "UTC",
}


async def open_pool(dsn: str, size: int, **more: Any) -> Pool:
    """Connects when first needed, so that a gateway may start before its Postgres. `more` is for asyncpg's pool."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_TIMEOUT,
        command_timeout=STATEMENT_TIMEOUT + 2,
        **({"server_settings": _SETTINGS} | more),
    )


async def open_plan_pool(dsn: str, size: int) -> Pool:
    """For compiled statements: planned once for each connection, one statement a transaction, nothing to reset."""
    return await open_pool(
        dsn,
        size,
        statement_cache_size=200,
        max_cacheable_statement_size=0,
        max_cached_statement_lifetime=0,
        reset=_nothing,
        server_settings=_SETTINGS | _PLANNED,
    )


_PLANNED = {
    "plan_cache_mode": "force_generic_plan",
    "default_transaction_read_only": "on",
}


async def _nothing(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """A statement of ours leaves nothing behind."""


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection outside the pool, for one who listens."""
    settings = _SETTINGS | {"application_name": "milepost gateway feed"}
    return await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT, command_timeout=STATEMENT_TIMEOUT + 2, server_settings=settings
    )


class Snapshot:
    """What one operation reads, all as of one instant: whole source transactions or nothing of them.

    Opened by the first statement; statements go one after the other. `close` ends it, and a later statement opens
    a newer one.
    """

    def __init__(self, pool: Pool, sight: "Callable[[], Sight]") -> None:
        """`sight` is asked before each statement; it raises when nobody may see anything."""
        self._pool = pool
        self._sight = sight
        self._lock = asyncio.Lock()
        self._connection: Borrowed | None = None

    async def fetch(self, name: str, *args: object) -> Sequence[asyncpg.Record]:
        """All rows of the named statement that the caller may see."""
        statement, given = self._sight().statement(name, args)
        return await self.run(statement, *given)

    async def run(self, statement: str, *args: object) -> Sequence[asyncpg.Record]:
        """All rows of a statement that is cut already to what the caller may see."""
        async with self._lock:
            connection = self._connection or await self._open()
            return await connection.fetch(statement, *args)

    async def fetchrow(self, name: str, *args: object) -> asyncpg.Record | None:
        rows = await self.fetch(name, *args)
        return rows[0] if rows else None

    async def close(self) -> None:
        async with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                await self._release(connection)

    async def _open(self) -> Borrowed:
        connection = await self._pool.acquire(timeout=CONNECT_TIMEOUT)
        try:
            await connection.execute(SQL["begin_snapshot"])
        except BaseException:
            await self._pool.release(connection)
            raise
        self._connection = connection
        return connection

    async def _release(self, connection: Borrowed) -> None:
        try:
            with suppress(*FAILED):
                await connection.execute(SQL["end_snapshot"])
        finally:
            await self._pool.release(connection)

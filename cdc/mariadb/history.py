"""What the connector knew of a source's columns at each place of the log: a table of the graph's Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from cdc.database import TIMEOUT
from orders.errors import TransientError
from orders.outages import FAILED
from orders.statements import named_statements

SCHEMA: Final = "capture"
_SQL: Final = named_statements("cdc", "mariadb/history.sql")


def history_table(source: str) -> str:
    return f"schema_history_{source}"


async def has_history(dsn: str, source: str) -> bool:
    """Whether there is one. Raises TransientError."""
    async with _connected(dsn) as db:
        return bool(await db.fetchval(_SQL["has"], SCHEMA, history_table(source)))


async def forget_history(dsn: str, source: str) -> None:
    """Before a snapshot, which begins it anew: the engine makes its table itself. Raises TransientError."""
    async with _connected(dsn) as db:
        await db.execute(await db.fetchval(_SQL["make"], SCHEMA))
        await db.execute(await db.fetchval(_SQL["forget"], SCHEMA, history_table(source)))


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        db = await asyncpg.connect(dsn, timeout=TIMEOUT, command_timeout=TIMEOUT)
        try:
            yield db
        finally:
            db.terminate()
    except FAILED as error:
        raise TransientError(f"the graph's Postgres does not take the schema history: {error}") from error

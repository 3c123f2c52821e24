"""Statements for a database of a test's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg


@asynccontextmanager
async def session(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    db = await asyncpg.connect(dsn)
    try:
        yield db
    finally:
        await db.close()


async def run(dsn: str, *statements: str) -> None:
    """Each in a transaction of its own."""
    async with session(dsn) as db:
        for statement in statements:
            await db.execute(statement)

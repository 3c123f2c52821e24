"""What was written into a source database, by its own account: the list that nothing may be missing from."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from demo.statements import named

_SQL = named("audit.sql")


class Written(NamedTuple):
    """One row's change; `op` is c, u or d."""

    transaction: str
    table: str
    op: str


async def audit(dsn: str, tables: Sequence[str]) -> None:
    """From now on the database notes each change of these tables; `dsn` is its administrator's."""
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(_SQL["account"])
        for table in tables:
            await db.execute(_SQL["watch"].format(table=table))
    finally:
        await db.close()


async def written(dsn: str) -> list[Written]:
    """All of them, as they were written."""
    db = await asyncpg.connect(dsn)
    try:
        return [Written(*row) for row in await db.fetch(_SQL["changes"])]
    finally:
        await db.close()

"""What an administrator does for Tryton's database."""

import asyncpg

from demo.statements import named

OWNER = "tryton_app"
"""Role of the database's owner, as whom Tryton works."""

DATABASE = "tryton"

_SQL = named("tryton.sql")


async def is_published(dsn: str) -> bool:
    """Whether the database was filled and opened to capture before."""
    try:
        db = await asyncpg.connect(dsn)
    except asyncpg.InvalidCatalogNameError:
        return False
    try:
        return bool(await db.fetchval(_SQL["captured"]))
    finally:
        await db.close()


async def discard(dsn: str) -> None:
    """Drop a database that was not filled to its end; `dsn` is a superuser's URL of another database."""
    await _execute(dsn, "discard")


async def publish(dsn: str) -> None:
    """Open to capture what the adapter reads; `dsn` is a superuser's URL of Tryton's database."""
    await _execute(dsn, "publish")


async def _execute(dsn: str, name: str) -> None:
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(_SQL[name])
    finally:
        await db.close()

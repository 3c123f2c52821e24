"""The graph database's schemas: made when missing, checked when there."""

from importlib.resources import files

import asyncpg

from orders.errors import StartError

GATEWAY_ROLE = "milepost_gateway"
VERSION = 5
"""Of the schemas; a database of another version is not touched."""

_FILES = (
    ("projections", "sql/graph.sql"),
    ("projections", "sql/record.sql"),
    ("commands", "sql/commands.sql"),
)
_MAKE_VERSION = "create table record.schema_version (version integer not null)"
_SET_VERSION = "insert into record.schema_version (version) values ($1)"
_VERSION = "select version from record.schema_version"


async def prepare_schema(dsn: str) -> None:
    """Make the schemas in an empty database, and grant the gateway its rights. Raises StartError."""
    db = await asyncpg.connect(dsn)
    try:
        async with db.transaction():
            # Two starts at once: the second waits and finds the first one's work.
            await db.execute("select pg_advisory_xact_lock(742511, 2)")
            await _make(db)
            await db.execute(_text("gateway", "sql/schema.sql"))
            await db.execute(_text("app", "sql/grants.sql"))
    finally:
        await db.close()


async def _make(db: "asyncpg.Connection[asyncpg.Record]") -> None:
    if await db.fetchval("select to_regclass('record.schema_version')"):
        found = await db.fetchval(_VERSION)
        if found != VERSION:
            raise StartError(
                f"the graph database has schema version {found}, this Milepost needs {VERSION}: "
                "use the Milepost that made it, or an empty database"
            )
        return
    for package, path in _FILES:
        await db.execute(_text(package, path))
    await db.execute(_MAKE_VERSION)
    await db.execute(_SET_VERSION, VERSION)


def _text(package: str, path: str) -> str:
    return files(package).joinpath(path).read_text()

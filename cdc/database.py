"""A captured database: what it must be like, and how its slot and publication are made ready."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final

import asyncpg
import msgspec

from cdc.dsn import Login
from cdc.tls import complaint
from orders.errors import MilepostError, StartError, TransientError
from orders.outages import FAILED, reason
from orders.statements import named_statements

TIMEOUT: Final = 10.0
"""Seconds that a source may take to accept a connection or to answer."""

SQL: Final = named_statements("cdc", "sql/source.sql")

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TABLE: Final = re.compile(r"[^.,]+\.[^.,]+")
_HOPELESS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)


def name_complaint(name: str) -> str | None:
    """What is wrong with a source's name."""
    return None if _NAME.fullmatch(name) else f"source name {name!r}: use lower case letters, digits and _, at most 40"


@dataclass(frozen=True, slots=True)
class CapturedDatabase(Login):
    """A database to capture. `dsn` is a postgresql:// URL, `tables` are `schema.table`.

    `slot` and `publication` are milepost_<name> unless said; both are made when missing, the slot is Milepost's alone.
    Every `heartbeat` seconds the source writes an empty message to its log, so that the slot also moves on while
    other databases of the server write and this one rests. `signals` names Debezium's signal table, if it has one.
    """

    name: str
    dsn: str
    tables: tuple[str, ...]
    slot: str = ""
    publication: str = ""
    heartbeat: float = 10.0
    signals: str | None = None
    machine: ClassVar[str] = "postgres"
    usual_port: ClassVar[int] = 5432

    def __post_init__(self) -> None:
        if complaint := name_complaint(self.name):
            raise StartError(complaint)
        if self.url.scheme not in ("postgresql", "postgres") or not self.url.path.strip("/"):
            raise StartError(f"source {self.name}: its DSN must read postgresql://user:password@host:port/database")
        if wrong := [table for table in self.tables if not _TABLE.fullmatch(table)] or not self.tables:
            raise StartError(f"source {self.name}: name its tables as schema.table, not {wrong or 'none'}")
        object.__setattr__(self, "slot", self.slot or f"milepost_{self.name}")
        object.__setattr__(self, "publication", self.publication or f"milepost_{self.name}")

    @property
    def table_list(self) -> str:
        """The tables as regular expressions, Debezium's setting."""
        return ",".join(re.escape(table) for table in self.tables)

    @property
    def table_parts(self) -> tuple[list[str], list[str]]:
        """Schemas and names of the tables, pairwise."""
        schemas, names = zip(*(table.split(".") for table in self.tables), strict=True)
        return list(schemas), list(names)


class Slot(msgspec.Struct, frozen=True):
    """A replication slot: how far its reader confirmed, and whether the log it needs is gone."""

    database: str
    confirmed: int | None
    lost: bool


class Server(msgspec.Struct, frozen=True):
    """What a source says of itself. `timeline` and `log_end` are None on a standby, `published` None
    without a publication.

    `tables`: those that are there, and their OIDs. Of `blind` ones the log does not say which row is deleted; of
    `screened` ones the role does not see every row. `narrow`: the publication leaves operations, rows or columns out.
    `wish` makes it what it should be.
    """

    system: str
    timeline: int | None
    log_end: int | None
    next_transaction: int
    wal_level: str
    may_replicate: bool
    may_publish: bool
    missing: list[str]
    keyless: list[str]
    published: list[str | None] | None
    slot: Slot | None
    encoding: str = "UTF8"
    tables: dict[str, int] = {}
    blind: list[str] = []
    unlogged: list[str] = []
    screened: list[str] = []
    narrow: bool | None = None
    wish: str = ""


@asynccontextmanager
async def connected(database: CapturedDatabase, **settings: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the source. Raises StartError for what waiting does not mend, else TransientError.

    `settings` are Postgres's, for the session.
    """
    try:
        db = await asyncpg.connect(database.dsn, timeout=TIMEOUT, command_timeout=TIMEOUT, server_settings=settings)
        try:
            yield db
        finally:
            db.terminate()
    except (*FAILED, ValueError) as error:
        raise _translated(database, error) from error


def _translated(database: CapturedDatabase, error: Exception) -> MilepostError:
    if problem := complaint(error):
        return StartError(f"{database.where}: {problem}")
    if isinstance(error, (*_HOPELESS, ValueError)):
        return StartError(f"{database.where}: {reason(error)}; mend its DSN or the rights of its role")
    return TransientError(f"{database.where}: {reason(error)}")


async def look(db: asyncpg.Connection, database: CapturedDatabase) -> Server:
    """What the source is like now."""
    answer = await db.fetchval(SQL["inspect"], database.slot, database.publication, *database.table_parts)
    return msgspec.json.decode(answer, type=Server)


async def inspect(db: asyncpg.Connection, database: CapturedDatabase) -> Server:
    """What the source is like now. Raises StartError when it cannot be captured."""
    server = await look(db, database)
    if complaint := _complaint(database, server):
        raise StartError(f"{database.where}: {complaint}")
    if server.timeline is None:
        raise TransientError(f"{database.where} is a standby: it can be captured once it is promoted")
    return server


def _complaint(database: CapturedDatabase, server: Server) -> str | None:
    if server.wal_level != "logical":
        return f"wal_level is {server.wal_level}: set it to logical and restart that server"
    if not server.may_replicate:
        return "its role may not replicate: run `alter role … replication` there"
    if server.encoding == "SQL_ASCII":
        # Bytes that are no UTF-8 would end each snapshot, and come by the log as other letters than they were.
        return "its encoding is SQL_ASCII, which says of no text what it is: copy it into a database that has one"
    if complaint := _untold(server):
        return complaint
    if server.slot and server.slot.database != database.database:
        return f"slot {database.slot} belongs to database {server.slot.database}: name another slot"
    if not server.may_publish and not publishes(database, server):
        return f"its role may not publish: let the owner run `{server.wish}`"
    return None


def _untold(server: Server) -> str | None:
    """Why the log does not tell all of the tables."""
    if server.missing:
        return f"it has no table {', '.join(server.missing)}: mend the list of tables"
    if server.unlogged:
        return f"the log has nothing of unlogged tables: `alter table … set logged` {', '.join(server.unlogged)}"
    if server.keyless:
        # Publishing such a table would make the source refuse its own updates.
        return f"no primary key or replica identity: {', '.join(server.keyless)}; add one or leave it out"
    if server.blind:
        tables = ", ".join(server.blind)
        return f"a replica identity without the primary key hides which row is deleted: {tables}; make it the default"
    return None


def publishes(database: CapturedDatabase, server: Server) -> bool:
    return set(server.published or ()) == set(database.tables) and not server.narrow


def altered(database: CapturedDatabase, server: Server) -> str | None:
    """Why the log does not tell all any more, though it did; None if it does."""
    if untold := _untold(server):
        return untold
    if server.narrow or not set(database.tables) <= set(server.published or ()):
        return f"its publication {database.publication} had other tables, or left something of them out"
    return None


async def publish(db: asyncpg.Connection, database: CapturedDatabase, server: Server) -> None:
    """Make the publication what it should be. Raises StartError (by `connected`) if the role may not."""
    if not publishes(database, server):
        await db.execute(server.wish)


def check_sight(database: CapturedDatabase, server: Server) -> None:
    """Raises StartError when a snapshot would not see every row."""
    if server.screened:
        raise StartError(
            f"{database.where}: row security hides rows from its role: {', '.join(server.screened)}; "
            "there run `alter role … bypassrls`"
        )


async def release(db: asyncpg.Connection, database: CapturedDatabase) -> None:
    """End a reader of the slot that outlived its process: the source may not have noticed yet."""
    await db.execute(SQL["release"], database.slot)


async def drop_slot(db: asyncpg.Connection, database: CapturedDatabase) -> None:
    await release(db, database)
    await db.execute(SQL["drop"], database.slot)


async def check(database: CapturedDatabase) -> None:
    """Raises StartError or TransientError when the database cannot be captured as it is; changes nothing."""
    async with connected(database) as db:
        await inspect(db, database)

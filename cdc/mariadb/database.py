"""A captured MariaDB: what it must be like, and whether it still has what lies behind a checkpoint."""

import asyncio
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple, TypeVar
from urllib.parse import parse_qs

import msgspec
import pymysql
from pymysql.constants import CR, ER

from cdc.binlog import binlog_file, file_number
from cdc.database import TIMEOUT, name_complaint
from cdc.dsn import Login
from cdc.mariadb.login import MODES, connect
from cdc.resume import Identity
from cdc.tls import complaint
from orders.errors import MilepostError, StartError, TransientError
from orders.statements import named_statements

SQL: Final = named_statements("cdc", "mariadb/source.sql")

_TABLE: Final = re.compile(r"[^.,]+")
_CASCADE: Final = re.compile(
    r"^ *CONSTRAINT `(.+?)` FOREIGN KEY .* ON (?:DELETE|UPDATE) (?:CASCADE|SET )", re.MULTILINE
)
_PASSING: Final = frozenset(
    [
        CR.CR_CONNECTION_ERROR,
        CR.CR_CONN_HOST_ERROR,
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        ER.CON_COUNT_ERROR,
        ER.SERVER_SHUTDOWN,
    ]
)
RIGHTS: Final = ("RELOAD", "REPLICATION SLAVE", "BINLOG MONITOR")
"""Those that whoever captures must have on all that the server has."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class MariaDatabase(Login):
    """A database to capture. `dsn` is a mariadb:// URL, `tables` are names in its database.

    What the engine learns of the tables' columns over time is kept in the Postgres of `history`, a DSN. To the server
    whoever captures is a replica with the number `server_id`, which nobody else may use; it comes of the name, or of
    `replica`, unless the DSN says `?server_id=`.
    """

    name: str
    dsn: str
    tables: tuple[str, ...]
    history: str
    replica: str = ""
    signals: None = None
    machine: ClassVar[str] = "mariadb"
    usual_port: ClassVar[int] = 3306

    def __post_init__(self) -> None:
        if complaint := name_complaint(self.name):
            raise StartError(complaint)
        if self.url.scheme != "mariadb" or not self.database:
            raise StartError(f"source {self.name}: its DSN must read mariadb://user:password@host:port/database")
        if self.tls not in MODES:
            known = ", ".join(filter(None, MODES))
            raise StartError(f"source {self.name}: a MariaDB has no sslmode={self.tls}: say one of {known}")
        if wrong := [table for table in self.tables if not _TABLE.fullmatch(table)] or not self.tables:
            raise StartError(f"source {self.name}: name its tables without the database, not {wrong or 'none'}")

    @property
    def server_id(self) -> int:
        said = parse_qs(self.url.query).get("server_id", [""])[0]
        name = self.replica or self.name
        return int(said) if said.isdecimal() else 1_000_000 + zlib.crc32(name.encode()) % 1_000_000_000

    @property
    def table_list(self) -> str:
        """The tables as regular expressions, Debezium's setting."""
        return ",".join(re.escape(f"{self.database}.{table}") for table in self.tables)

    @property
    def identity_of_tables(self) -> int:
        return zlib.crc32(",".join(sorted(self.tables)).encode())


class Server(NamedTuple):
    """What a source says of itself. `logs` are the files of its binary log and their sizes, the oldest first."""

    server_id: int
    logs: list[tuple[str, int]]


class _Offset(msgspec.Struct):
    file: str
    pos: int
    gtids: str | None = None


@contextmanager
def connected(database: MariaDatabase) -> "Iterator[pymysql.cursors.Cursor]":
    """A cursor of a connection to the source. Raises StartError for what waiting does not mend, else TransientError."""
    try:
        db = connect(database, connect_timeout=int(TIMEOUT), read_timeout=TIMEOUT, autocommit=True)
        with db, db.cursor() as cursor:
            yield cursor
    except (OSError, pymysql.Error, ValueError) as error:
        raise _translated(database, error) from error


def _translated(database: MariaDatabase, error: Exception) -> MilepostError:
    if problem := complaint(error):
        return StartError(f"{database.where}: {problem}")
    code, reason = error.args[0] if error.args else 0, str(error.args[-1]) if error.args else type(error).__name__
    if isinstance(error, OSError) or code in _PASSING:
        return TransientError(f"{database.where}: {reason}")
    tls = ", or set tls if it lets nobody in without" if code == ER.ACCESS_DENIED_ERROR and not database.tls else ""
    return StartError(f"{database.where}: {reason}; mend its DSN or the rights of its user{tls}")


async def asked(database: MariaDatabase, question: "Callable[[pymysql.cursors.Cursor], _T]") -> _T:
    """The answer to a question that blocks."""

    def ask() -> _T:
        with connected(database) as cursor:
            return question(cursor)

    return await asyncio.to_thread(ask)


async def inspect(database: MariaDatabase) -> Server:
    """What the source is like now. Raises StartError when it cannot be captured."""
    return await asked(database, lambda cursor: _inspect(cursor, database))


def _inspect(cursor: "pymysql.cursors.Cursor", database: MariaDatabase) -> Server:
    cursor.execute(SQL["settings"])
    server_id, log_on, form, image, rights, all_known = _row(cursor)
    if complaint := _log_complaint(log_on, form, image):
        raise StartError(f"{database.where}: {complaint}")
    lacking = [right for right in RIGHTS if right not in (rights or "").split(",")]
    if lacking and all_known:
        wish = f"grant {', '.join(lacking).lower()} on *.* to {_user(database)}"
        raise StartError(f"{database.where}: its user may not replicate: let an administrator run `{wish}`")
    if complaint := _table_complaint(cursor, database) or _cascade_complaint(cursor, database):
        raise StartError(f"{database.where}: {complaint}")
    return Server(server_id, logs_of(cursor))


def _log_complaint(log_on: int, form: str, image: str) -> str | None:
    if not log_on:
        return "its binary log is off: set log_bin and restart that server"
    if form != "ROW":
        return f"binlog_format is {form}: set it to ROW there"
    if image != "FULL":
        return f"binlog_row_image is {image}: set it to FULL there"
    return None


def _table_complaint(cursor: "pymysql.cursors.Cursor", database: MariaDatabase) -> str | None:
    cursor.execute(SQL["tables"], (database.database,))
    keyed: dict[str, int] = dict(cursor.fetchall())
    if missing := [table for table in database.tables if table not in keyed]:
        return f"it has no table {', '.join(missing)} that {_user(database)} may read: mend the DSN, or grant select"
    if keyless := [table for table in database.tables if not keyed[table]]:
        return f"no primary key: {', '.join(keyless)}; add one or leave it out"
    return None


def _cascade_complaint(cursor: "pymysql.cursors.Cursor", database: MariaDatabase) -> str | None:
    """What a foreign key does to rows by itself is not in the binary log."""
    found = [f"{table} ({name})" for table in database.tables for name in _cascades(cursor, table)]
    if not found:
        return None
    return (
        f"what a foreign key deletes or changes by `cascade` or `set null` is not in its log: {', '.join(found)}; "
        "make it `restrict`, and delete what hangs there by statements"
    )


def _cascades(cursor: "pymysql.cursors.Cursor", table: str) -> list[str]:
    quoted = table.replace("`", "``")
    cursor.execute(SQL["definition"].format(f"`{quoted}`"))
    return _CASCADE.findall(_row(cursor)[1])


async def check_settled(database: MariaDatabase) -> None:
    """Raises TransientError while a transaction is prepared there: a snapshot does not see it, and no log tells its
    rows once it is committed.
    """
    if count := await asked(database, _prepared):
        raise TransientError(
            f"{database.where}: {count} XA transactions are prepared there: a snapshot waits for their commit or "
            "rollback (`xa recover` names them)"
        )


def _prepared(cursor: "pymysql.cursors.Cursor") -> int:
    cursor.execute(SQL["prepared"])
    return len(cursor.fetchall())


async def altered(database: MariaDatabase) -> str | None:
    """Why the log does not tell all of the tables any more, though it did; None if it does."""
    return await asked(
        database, lambda cursor: _table_complaint(cursor, database) or _cascade_complaint(cursor, database)
    )


def _user(database: MariaDatabase) -> str:
    return f"'{database.user}'"


def _row(cursor: "pymysql.cursors.Cursor") -> Sequence[Any]:
    row = cursor.fetchone()
    assert row
    return row


def logs_of(cursor: "pymysql.cursors.Cursor") -> list[tuple[str, int]]:
    """The files of the binary log and their sizes, the oldest first."""
    cursor.execute(SQL["logs"])
    return [(name, size) for name, size, *_ in cursor.fetchall()]


def identity(database: MariaDatabase, server: Server) -> Identity:
    """The server, and in the place of a timeline the list of tables: the schema history knows no others."""
    return Identity(f"mariadb {server.server_id}", database.identity_of_tables)


async def begin_log(database: MariaDatabase) -> None:
    """Let the log not be empty: the engine cannot read on from the place before its first transaction."""
    await asked(database, _begin_log)


def _begin_log(cursor: "pymysql.cursors.Cursor") -> None:
    cursor.execute(SQL["written"])
    if not _row(cursor)[0]:
        cursor.execute(SQL["write"])


async def gap(database: MariaDatabase, server: Server, known: Identity, offset: bytes) -> str | None:
    """Why the source has not everything behind the engine's offset; None when it has."""
    now = identity(database, server)
    if known.system != now.system:
        return f"it is another server: {now.system} instead of {known.system}"
    if known.timeline != now.timeline:
        return "its list of tables was another"
    place = msgspec.json.decode(offset, type=_Offset)
    if place.file not in (name for name, _ in server.logs):
        return f"its binary log {place.file} is gone"
    said = await asked(database, lambda cursor: gtids_at(cursor, place.file, place.pos))
    if said is None or not set(said.split(",")) <= {*(place.gtids or "").split(","), ""}:
        return f"its binary log is not the one that was read: {place.file} at {place.pos} is {said}"
    return None


def gtids_at(cursor: "pymysql.cursors.Cursor", file: str, pos: int) -> str | None:
    """What had been committed at this place; None if it is none of the log."""
    cursor.execute(SQL["gtids"], (file, pos))
    found: str | None = _row(cursor)[0]
    return found


async def readers(database: MariaDatabase) -> int:
    """How many read the log as the user of the DSN."""
    return await asked(database, _readers)


def _readers(cursor: "pymysql.cursors.Cursor") -> int:
    cursor.execute(SQL["readers"])
    return int(_row(cursor)[0])


async def bytes_behind(database: MariaDatabase, log: int) -> int:
    """Bytes of log behind this place in it."""
    logs = await asked(database, logs_of)
    file, place = binlog_file(log)
    sizes = [(file_number(name), size) for name, size in logs]
    return sum(size - (place if number == file else 0) for number, size in sizes if number >= file)

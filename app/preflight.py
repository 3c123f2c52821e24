"""Checks before anything is started. Each failure is one line: what is wrong, where, what to do; no password in it."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
from msgspec import Struct

from app.folder import MEGABYTE, check_disk
from app.settings import Config, SourceSettings
from cdc import tls
from cdc.jvm import class_path
from cdc.mariadb import database as mariadb
from orders.errors import StartError, TransientError
from orders.outages import FAILED

JVM_OVERHEAD_MB = 150
"""What a projector takes beside the Java heap, 10^6 bytes."""

TIMEOUT = 10.0

_CGROUP = Path("/sys/fs/cgroup")

_WAL_LEVEL = "show wal_level"
_MAY_REPLICATE = """
select rolsuper or rolreplication or exists (
    select from pg_roles managed where managed.rolname = 'rds_replication' and pg_has_role(managed.oid, 'member')
)
from pg_roles where rolname = current_user
"""
_SLOTS = """
select current_setting('max_replication_slots')::int as most,
       (select count(*) from pg_replication_slots) as taken,
       exists (select from pg_replication_slots where slot_name = $1) as ours
"""
_MISSING = """
select name from unnest($1::text[]) name
where to_regclass(format('%I.%I', split_part(name, '.', 1), split_part(name, '.', 2))) is null order by name
"""
_UNREADABLE = """
select name from unnest($1::text[]) name
where not has_table_privilege(format('%I.%I', split_part(name, '.', 1), split_part(name, '.', 2)), 'select')
order by name
"""
_MAY_CREATE = "select has_database_privilege(current_database(), 'create')"


class Needs(Struct, frozen=True):
    """What capture needs of a source: schema-qualified tables that exist and may be read, and a slot, ours or free.

    A MariaDB has no slots. `by_engine`: it is captured on this machine, which needs the engine's parts.
    """

    tables: Sequence[str]
    slot: str
    by_engine: bool = True


async def check_machine(data: Path, config: Config) -> None:
    """Disk, memory and port of this machine. Raises StartError."""
    check_disk(data, config.min_free_mb)
    check_memory(config.java_heap_mb, machines(config.sources))
    check_port(config.host, config.port)


async def check_databases(config: Config, needs: Mapping[str, Needs]) -> None:
    """All sources, by name in `needs`, and the graph's own database if there is one, at once. Raises StartError."""
    checks: list[Awaitable[None]] = [check_source(source, needs[source.name]) for source in config.sources]
    if config.graph:
        checks += [check_graph(config.graph.dsn), check_login("graph.gateway_dsn", config.graph.gateway_dsn)]
    await first_failure(checks)


async def first_failure(checks: Sequence[Awaitable[None]]) -> None:
    """Run all at once; raises that of the first, in the order given, which fails."""
    for result in await asyncio.gather(*checks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def machines(sources: Sequence[SourceSettings]) -> int:
    """How many Java machines capture them: one for each kind of database."""
    return max(1, len({source.dsn.startswith("mariadb:") for source in sources}))


def check_memory(heap_mb: int, machines: int = 1) -> None:
    needed, free = machines * (heap_mb + JVM_OVERHEAD_MB), available_memory() // MEGABYTE
    if free < needed:
        raise StartError(
            f"too little memory: {free} MB are available on this machine, the projector's Java "
            f"needs {needed} MB; close other programs or lower java_heap_mb ({heap_mb})"
        )


def available_memory() -> int:
    """Bytes that can be had without swapping, within the container's limit if there is one."""
    return min(int(psutil.virtual_memory().available), _left_in_container())


def _left_in_container() -> int:
    with contextlib.suppress(OSError, ValueError):
        limit, used = ((_CGROUP / name).read_text() for name in ("memory.max", "memory.current"))
        return int(limit) - int(used)
    return 1 << 62


def check_port(host: str, port: int) -> None:
    """Raises StartError unless a server can listen there. Port 0 stands for any free one."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise StartError(f"host {host} is not known on this machine: correct host") from None
    except OSError as error:
        raise StartError(_port_problem(host, port, error)) from None


def _port_problem(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use{_by_whom(port)}: stop that, or use another --port"
    return f"cannot listen on {host} port {port} ({error.strerror}): use another host or --port"


def _by_whom(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
                return f" by {psutil.Process(each.pid).name()} (pid {each.pid})"
    return ""


async def check_source(source: SourceSettings, needs: Needs) -> None:
    """The database can be captured, and written to if `write_dsn` says so. Raises StartError."""
    where = f"source {source.name}"
    if source.dsn.startswith("mariadb:"):
        await check_mariadb(source, needs)
        return
    async with _connected(where, source.dsn) as db:
        await _check_wal_level(where, source.dsn, db)
        await _check_replication(where, source.dsn, db)
        await _check_tables(where, source.dsn, db, needs.tables)
        await _check_slots(where, source.dsn, db, needs.slot)
    await check_login(f"{where}, write_dsn", source.write_dsn)


async def check_mariadb(source: SourceSettings, needs: Needs) -> None:
    """The database can be captured, and an engine for it is there, or may be fetched now. Raises StartError."""
    try:
        await mariadb.inspect(mariadb.MariaDatabase(source.name, source.dsn, tuple(needs.tables), history=""))
    except TransientError as error:
        raise StartError(f"{error}: start it, or correct the DSN") from None
    if needs.by_engine:
        await asyncio.to_thread(class_path, "mariadb")


async def check_graph(dsn: str) -> None:
    """The owner may make schemas in the graph's database. Raises StartError."""
    async with _connected("graph", dsn) as db:
        if not await db.fetchval(_MAY_CREATE):
            raise StartError(f"graph: {place(dsn)}: {_user(dsn)} may not create schemas; grant create on the database")


async def check_login(where: str, dsn: str | None) -> None:
    """Nothing to check without a DSN. Raises StartError."""
    if dsn:
        async with _connected(where, dsn):
            return


async def _check_wal_level(where: str, dsn: str, db: asyncpg.Connection) -> None:
    level = await db.fetchval(_WAL_LEVEL)
    if level != "logical":
        raise StartError(
            f"{where}: {place(dsn)} has wal_level={level}, capture needs logical: "
            "alter system set wal_level = 'logical', then restart that server"
        )


async def _check_replication(where: str, dsn: str, db: asyncpg.Connection) -> None:
    if not await db.fetchval(_MAY_REPLICATE):
        user = _user(dsn)
        raise StartError(f'{where}: {place(dsn)}: {user} may not replicate; there run: alter role "{user}" replication')


async def _check_tables(where: str, dsn: str, db: asyncpg.Connection, tables: Sequence[str]) -> None:
    if missing := await db.fetch(_MISSING, tables):
        raise StartError(
            f"{where}: {place(dsn)} lacks {_names(missing)}: name the right database in dsn, or the right adapter"
        )
    if unreadable := await db.fetch(_UNREADABLE, tables):
        user = _user(dsn)
        raise StartError(f'{where}: {place(dsn)}: {user} may not read {_names(unreadable)}; grant select to "{user}"')


async def _check_slots(where: str, dsn: str, db: asyncpg.Connection, slot: str) -> None:
    row = await db.fetchrow(_SLOTS, slot)
    assert row
    if row["taken"] >= row["most"] and not row["ours"]:
        raise StartError(
            f"{where}: {place(dsn)} has no free replication slot ({row['taken']} of {row['most']} are taken): "
            "drop one that is not used, or raise max_replication_slots and restart that server"
        )


def _names(rows: Sequence[asyncpg.Record]) -> str:
    names = [row["name"] for row in rows]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{'table' if len(names) == 1 else 'tables'} {', '.join(names[:3])}{more}"


@contextlib.asynccontextmanager
async def _connected(where: str, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        db = await asyncpg.connect(dsn, timeout=TIMEOUT)
    except (*FAILED, ValueError) as error:
        raise StartError(f"{where}: {_login_problem(dsn, error)}") from None
    try:
        yield db
    except asyncpg.PostgresError as error:
        raise StartError(
            f"{where}: {place(dsn)} refuses a check: {_first_line(error)}; grant {_user(dsn)} what it lacks"
        ) from None
    finally:
        await db.close()


def _login_problem(dsn: str, error: Exception) -> str:
    if problem := tls.complaint(error):
        return f"{place(dsn)}: {problem}"
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return (
                f"{place(dsn)} does not let {_user(dsn)} in: correct the DSN's user and password, or pg_hba.conf there"
            )
        case asyncpg.InvalidCatalogNameError():
            return f"{place(dsn)}: there is no such database; correct the DSN, or create it"
        case asyncpg.TooManyConnectionsError():
            return f"{place(dsn)} has no connection left: close some, or raise max_connections there"
        case asyncpg.PostgresError():
            return f"{place(dsn)} refuses the connection ({type(error).__name__}): see that server's log"
        case OSError() | TimeoutError():
            return f"no Postgres answers at {place(dsn)} ({_reason(error)}): start it, or correct the DSN"
    return f"the DSN for {place(dsn)} cannot be used: write postgresql://user:password@host:port/database"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {TIMEOUT:g} s"
    return "connection refused" if "refused" in str(error) or "Connect call failed" in str(error) else str(error)


def place(dsn: str) -> str:
    """host:port/database of a DSN, fit to be shown."""
    try:
        parts = urlsplit(dsn)
        return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        return "(a DSN that cannot be read)"


def _user(dsn: str) -> str:
    with contextlib.suppress(ValueError):
        return urlsplit(dsn).username or "the user"
    return "the user"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

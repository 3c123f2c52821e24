"""The two source databases of the demo: their roles, tables and publications, made by an administrator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from demo.statements import System, named, sql_file

CAPTURE_ROLE = "milepost_capture"
APP_ROLES: Mapping[System, str] = {"erp": "erp_app", "east": "east_app"}
PUBLICATIONS: Mapping[System, str] = {"erp": "milepost_erp", "east": "milepost_east"}

_SQL = named("roles.sql")


@dataclass(frozen=True, slots=True)
class Passwords:
    """Of the owners of the two databases and of the role that captures both."""

    erp: str = field(repr=False)
    east: str = field(repr=False)
    capture: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourceDatabases:
    """DSNs of both databases, for their own users and for capture; they hold passwords."""

    erp: str = field(repr=False)
    east: str = field(repr=False)
    erp_capture: str = field(repr=False)
    east_capture: str = field(repr=False)


async def create_databases(
    admin_dsn: str, passwords: Passwords, *, erp: str = "erp", east: str = "east"
) -> SourceDatabases:
    """Make what is missing of roles, databases, tables and publications; passwords are set anew.

    `erp` and `east` name the databases. `admin_dsn` is a URL of a superuser in any database of the server. Safe to
    repeat, also after a crash in its middle.
    """
    return SourceDatabases(
        erp=await create_database(admin_dsn, "erp", passwords.erp, passwords.capture, erp),
        east=await create_database(admin_dsn, "east", passwords.east, passwords.capture, east),
        erp_capture=login(admin_dsn, CAPTURE_ROLE, passwords.capture, erp),
        east_capture=login(admin_dsn, CAPTURE_ROLE, passwords.capture, east),
    )


async def create_database(admin_dsn: str, system: System, password: str, capture_password: str, database: str) -> str:
    """One of them, as `create_databases`; the DSN of its own users."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        await _role(admin, "role_add", APP_ROLES[system], password)
        await _role(admin, "capture_role_add", CAPTURE_ROLE, capture_password)
        await _database(admin, database, APP_ROLES[system])
    finally:
        await admin.close()
    await _prepare(admin_dsn, database, system)
    return login(admin_dsn, APP_ROLES[system], password, database)


def login(dsn: str, role: str, password: str, database: str) -> str:
    """The same server's URL for another role and database."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    who = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{who}@{place}", path=f"/{quote(database, safe='')}"))


async def _role(admin: asyncpg.Connection, add: str, role: str, password: str) -> None:
    missing = await admin.fetchval(_SQL["role_missing"], role)
    await admin.execute(await admin.fetchval(_SQL[add if missing else "role_password"], role, password))


async def _database(admin: asyncpg.Connection, database: str, owner: str) -> None:
    if await admin.fetchval(_SQL["database_missing"], database):
        await admin.execute(await admin.fetchval(_SQL["database_add"], database, owner))


async def _prepare(admin_dsn: str, database: str, system: System) -> None:
    """The system's tables, owned by its role, and what the demo adds; all in one transaction, or nothing."""
    admin = await asyncpg.connect(admin_dsn, database=database)
    try:
        if not await admin.fetchval(_SQL["prepared"]):
            async with admin.transaction():
                await _tables(admin, system)
    finally:
        await admin.close()


async def _tables(admin: asyncpg.Connection, system: System) -> None:
    async with admin.transaction():
        await admin.fetchval(_SQL["become"], APP_ROLES[system])
        await admin.execute(sql_file(f"{system}.sql"))
        await admin.fetchval(_SQL["become"], "none")
    await admin.execute(sql_file(f"demo_{system}.sql"))

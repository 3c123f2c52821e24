"""The gateway's Postgres role reads the graph, writes commands and requests, takes points, and can do nothing else."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from app.postgres import Postgres
from app.schema import GATEWAY_ROLE, prepare_schema
from gateway.auth import Role
from gateway.statements import PARTS, SQL
from gateway.visibility import seen

_TABLES = """
select table_schema || '.' || table_name as name from information_schema.tables
where table_schema in ('graph', 'record', 'command', 'gateway') order by 1
"""
_RIGHTS = """
select bool_or(has_table_privilege($1, $2::text, kind)) from unnest(string_to_array($3, ' ')) as kind
"""
HIDDEN = {"graph.fact", "graph.claim", "graph.link", "gateway.bucket"}
WRITTEN = ["command.command", "command.dead_letter_request", "command.past_request"]

Db: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def owner(postgres: Postgres) -> AsyncIterator[Db]:
    await postgres.create_database("gateway_role")
    await postgres.create_role(GATEWAY_ROLE)
    await prepare_schema(postgres.dsn("gateway_role"))
    db = await asyncpg.connect(postgres.dsn("gateway_role"))
    yield db
    await db.close()


@pytest.fixture
async def gateway(postgres: Postgres, owner: Db) -> AsyncIterator[Db]:
    db = await asyncpg.connect(postgres.dsn("gateway_role", GATEWAY_ROLE))
    yield db
    await db.close()


async def tables(owner: Db) -> list[str]:
    found = [row["name"] for row in await owner.fetch(_TABLES)]
    assert len(found) > 20
    return found


async def may(owner: Db, table: str, *kinds: str) -> bool:
    return bool(await owner.fetchval(_RIGHTS, GATEWAY_ROLE, table, " ".join(kinds)))


async def test_it_reads_what_readers_read(owner: Db) -> None:
    readable = {table for table in await tables(owner) if await may(owner, table, "SELECT")}
    assert set(await tables(owner)) - readable == HIDDEN


async def test_it_writes_commands_requests_and_nothing_else(owner: Db) -> None:
    assert [table for table in await tables(owner) if await may(owner, table, "INSERT")] == WRITTEN
    assert [table for table in await tables(owner) if await may(owner, table, "UPDATE", "DELETE", "TRUNCATE")] == []


async def test_it_owns_nothing_and_is_nobody_special(owner: Db) -> None:
    role = await owner.fetchrow("select * from pg_roles where rolname = $1", GATEWAY_ROLE)
    assert role is not None
    special = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert [name for name in special if role[name]] == []
    assert await owner.fetchval("select count(*) from pg_auth_members where member = $1", role["oid"]) == 0
    assert await owner.fetchval("select count(*) from pg_class where relowner = $1", role["oid"]) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "create table graph.mine (x int)",
        "create table public.mine (x int)",
        "create schema mine",
        "update graph.orders set note = 'x'",
        "delete from record.feed",
        "truncate record.ledger",
        "update command.command set state = 'SETTLED'",
        "select * from graph.fact",
        "select * from gateway.bucket",
        "update gateway.bucket set points = 1e9",
        "create function gateway.mine() returns void language sql as ''",
        "explain select * from graph.fact",
        "copy graph.orders to program 'true'",
        "select pg_read_file('postgresql.conf')",
        "alter role milepost_gateway superuser",
        "set role milepost",
    ],
)
async def test_postgres_refuses_the_rest(gateway: Db, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.execute(statement)


@pytest.mark.parametrize("name", sorted(SQL.keys() - PARTS - {"listen", "begin_snapshot", "end_snapshot"}))
async def test_it_may_run_every_statement_of_the_gateway(gateway: Db, name: str) -> None:
    """For every role; explained only: Postgres looks at the rights all the same."""
    for statement in {seen(name, role)[0] for role in Role}:
        await gateway.execute(f"explain (generic_plan) {statement}")

"""The schema beside the graph: made, filled with indexes, put in the graph's place, dropped."""

import re
from functools import partial

import asyncpg

from orders.graph import TABLES
from orders.statements import named_statements
from projections.database import Connection, graph_in, in_schema, schema_sql
from projections.rebuild.crew import Crew, Hand

BEFORE = "graph_before"
SQL = named_statements("projections", "sql/rebuild.sql")
_BESIDE = graph_in("graph_next")
NEXT = _BESIDE._replace(sql={name: SQL.get(name, text) for name, text in _BESIDE.sql.items()})
BESIDE = {name: in_schema(text, NEXT.schema) for name, text in SQL.items()}
"""The same over the graph that is being made."""
_INDEX = re.compile(r"^create index on graph\.(\w+)[^;]*;", re.MULTILINE)
KEYS = {"claim": ("ident", "doc"), "link": ("ident", "doc")} | {kind.table: kind.key for kind in TABLES}
"""Of the tables that are filled before they have a key."""


async def make(connection: Connection) -> None:
    """Its tables, empty, with the rights that are given on the graph's; what another rebuild left goes."""
    async with connection.transaction():
        await drop(connection, NEXT.schema)
        await connection.execute(in_schema(_INDEX.sub("", schema_sql("sql/graph.sql")), NEXT.schema))
        for row in await connection.fetch(SQL["rights"]):
            await connection.execute(row[0])


async def bare(connection: Connection) -> None:
    """All but the facts is empty, and comes in without keys and indexes."""
    await connection.execute(f"truncate {', '.join(f'{NEXT.schema}.{table}' for table in KEYS)}")
    for row in await connection.fetch(SQL["bare"]):
        await connection.execute(row[0])


async def hang(crew: Crew) -> None:
    """How the facts' documents hang together; then what only the projector reads can be searched."""
    fills = {"claim": "make_claims", "link": "make_links", "fact": None}
    await crew.share_all([partial(finish, table, fill) for table, fill in fills.items()])


async def index(connection: Connection, crew: Crew) -> None:
    """Of all others, the largest first."""
    tables = [row["table"] for row in await connection.fetch(SQL["by_size"], [kind.table for kind in TABLES])]
    await crew.share_all([partial(finish, table, None) for table in tables])


async def finish(table: str, fill: str | None, hand: Hand) -> None:
    """Key, indexes and statistics of a table that has its rows, or is filled first."""
    name = f"{NEXT.schema}.{table}"
    if fill:
        await hand.connection.execute(BESIDE[fill])
    if table in KEYS:
        await _add_key(hand.connection, name, ", ".join(KEYS[table]))
    for found in _INDEX.finditer(schema_sql("sql/graph.sql")):
        if found[1] == table:
            await hand.connection.execute(in_schema(found[0], NEXT.schema))
    await hand.connection.execute(f"analyze {name}")


async def _add_key(connection: Connection, name: str, key: str) -> None:
    """Where several trees tell a row, one of them does."""
    statement = f"alter table {name} add primary key ({key})"
    try:
        await connection.execute(statement)
    except asyncpg.UniqueViolationError:
        await connection.execute(
            f"delete from {name} where ctid in (select ctid from "  # noqa: S608  # our own names
            f"(select ctid, row_number() over (partition by {key} order by t desc) as place from {name} t) told "
            "where place > 1)"
        )
        await connection.execute(statement)


async def drop(connection: Connection, schema: str) -> None:
    await connection.execute(f"drop schema if exists {schema} cascade")


async def put_past(connection: Connection) -> None:
    """Where facts were, for whoever looks into the ledger for an order's past."""
    for name in ("put_left_places", "put_left_claims", "put_left_links"):
        await connection.execute(SQL[name])
    await connection.execute("truncate left_fact, left_place, left_claim, left_link")


async def replace(connection: Connection, within: float) -> None:
    """Within a transaction: the new graph in the old one's place. Raises LockNotAvailableError.

    Readers wait until it has committed, and no statement of theirs sees half of each; how long the last of them may
    keep it waiting is `within`, seconds.
    """
    tables = ", ".join(["graph.revision", *(f"graph.{kind.table}" for kind in TABLES)])
    await connection.execute(f"set local lock_timeout = {int(within * 1000)}")
    await connection.execute(f"lock table {tables} in access exclusive mode")
    await connection.execute(f"alter schema graph rename to {BEFORE}")
    await connection.execute(f"alter schema {NEXT.schema} rename to graph")
    for row in await connection.fetch(SQL["strangers"]):
        await connection.execute(row[0])

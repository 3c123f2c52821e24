"""The schema beside the graph: made, filled with indexes, put in the graph's place, dropped."""

import re
from collections.abc import Sequence

from orders.graph import TABLES
from orders.statements import named_statements
from projections.database import Connection, graph_in, in_schema, schema_sql

BEFORE = "graph_before"
SQL = named_statements("projections", "sql/rebuild.sql")
_BESIDE = graph_in("graph_next")
NEXT = _BESIDE._replace(sql={name: SQL.get(name, text) for name, text in _BESIDE.sql.items()})
BESIDE = {name: in_schema(text, NEXT.schema) for name, text in SQL.items()}
"""The same over the graph that is being made."""
_INDEX = re.compile(r"^create index on graph\.(\w+)[^;]*;", re.MULTILINE)
_HIDDEN = frozenset({"fact", "claim", "link"})
ROWS = [f"{NEXT.schema}.{kind.table}" for kind in TABLES]


async def make(connection: Connection) -> None:
    """Its tables, empty, with the rights that are given on the graph's; what another rebuild left goes."""
    async with connection.transaction():
        await drop(connection, NEXT.schema)
        await connection.execute(in_schema(_INDEX.sub("", schema_sql("sql/graph.sql")), NEXT.schema))
        for row in await connection.fetch(SQL["rights"]):
            await connection.execute(row[0])


async def index(connection: Connection, *, hidden: bool) -> None:
    """The indexes of what only the projector reads, or those of all others. Rows come in faster before."""
    for found in _INDEX.finditer(schema_sql("sql/graph.sql")):
        if (found[1] in _HIDDEN) is hidden:
            await connection.execute(in_schema(found[0], NEXT.schema))


async def analyze(connection: Connection, tables: Sequence[str]) -> None:
    await connection.execute(f"analyze {', '.join(tables)}")


async def empty(connection: Connection) -> None:
    """All but the facts."""
    hidden = [f"{NEXT.schema}.claim", f"{NEXT.schema}.link"]
    await connection.execute(f"truncate {', '.join([*ROWS, *hidden])}")


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

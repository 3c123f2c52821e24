"""The projector's statements, and the upserts that follow from orders/graph.py."""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from orders.graph import TABLES, OrderRow, Row
from orders.statements import named_statements

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

SQL = {
    name: text
    for file in ("statements", "letters", "past", "partitions", "retention")
    for name, text in named_statements("projections", f"sql/{file}.sql").items()
}
"""Over the graph that is read."""
_SCHEMA = re.compile(r"\bgraph(?=[.;])|(?<=\bschema )graph\b")
SCHEMAS = ("sql/graph.sql", "sql/record.sql")


def schema_sql(path: str) -> str:
    return files("projections").joinpath(path).read_text()


def upsert_sql(row: type[Row]) -> str:
    """Takes the rows as one JSON array. Names come from our own classes only."""
    rest = [column for column in row.__struct_fields__ if column not in row.key]
    columns, excluded = ", ".join(rest), ", ".join(f"excluded.{column}" for column in rest)
    return (
        f"insert into graph.{row.table} select * from json_populate_recordset(null::graph.{row.table}, $1::text::json) "  # noqa: S608
        f"on conflict ({', '.join(row.key)}) do update set ({columns}) = row({excluded})"
    )


def delete_sql(row: type[Row]) -> str:
    """Takes one array for each column of the key."""
    arrays = ", ".join(f"${place}::text[]" for place in range(1, len(row.key) + 1))
    return f"delete from graph.{row.table} where ({', '.join(row.key)}) in (select * from unnest({arrays}))"  # noqa: S608


OF_ORDERS = {
    kind: "id" if kind is OrderRow else "order_id"
    for kind in TABLES
    if kind is OrderRow or "order_id" in kind.__struct_fields__
}
"""Tables whose rows are orders', and the column that says whose."""


def shown_sql() -> str:
    """What is shown of each order, as one number: equal rows have equal ones."""
    rows = (
        f"select {order} as order_id, hash_record_extended(t, {place}) as hash from graph.{kind.table} t"  # noqa: S608
        for place, (kind, order) in enumerate(OF_ORDERS.items())
    )
    told = " union all ".join(rows)
    return f"select order_id, sum(hash) as hash from ({told}) told where order_id is not null group by order_id"  # noqa: S608


class _UndoneError(Exception):
    """Ends a transaction that is to leave nothing behind."""


@asynccontextmanager
async def committed(connection: Connection, *, undone: bool = False) -> AsyncIterator[None]:
    """A transaction around the block; one that is to be `undone` is rolled back at its end."""
    with suppress(_UndoneError):
        async with connection.transaction():
            yield
            if undone:
                raise _UndoneError


class Graph(NamedTuple):
    """The statements over the graph in one schema; `upserts` and `deletes` by table."""

    schema: str
    sql: Mapping[str, str]
    upserts: Mapping[str, str]
    deletes: Mapping[str, str]


def graph_in(schema: str) -> Graph:
    """Over another one than the one that is read."""
    return Graph(
        schema,
        {name: in_schema(text, schema) for name, text in SQL.items()},
        {row.table: in_schema(upsert_sql(row), schema) for row in TABLES},
        {row.table: in_schema(delete_sql(row), schema) for row in TABLES},
    )


def in_schema(sql: str, schema: str) -> str:
    """The statement over the graph in that schema."""
    return _SCHEMA.sub(schema, sql)


LIVE = graph_in("graph")
"""What readers read."""


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows to columns, for `unnest`; `width` empty columns when there are no rows."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]

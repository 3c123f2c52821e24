"""The projector's statements, and the upserts that follow from orders/graph.py."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from orders.graph import TABLES, Row
from orders.statements import named_statements

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

SQL = named_statements("projections", "sql/statements.sql") | named_statements("projections", "sql/letters.sql")
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


UPSERTS = {row.table: upsert_sql(row) for row in TABLES}
DELETES = {row.table: delete_sql(row) for row in TABLES}


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows to columns, for `unnest`; `width` empty columns when there are no rows."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]

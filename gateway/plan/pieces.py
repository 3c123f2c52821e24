"""Pieces of SQL: names, columns, objects, and the rows of a batch's statement."""

import re
from collections.abc import Mapping

from gateway.plan.binding import UncompilableError
from gateway.statements import SQL

MAX_NAME = 63
"""Characters of an identifier in Postgres."""
_ALL_COLUMNS = re.compile(r"^select \w+ as parent, (\w+\.)?\*(?:, (.*? as \w+))?(?=\s+from )", re.DOTALL)
OF_KEY = re.compile(
    r"select (id|sku) as parent, \* from (graph\.\w+)(?:/\* of \w+ \*/)?\s+where \1 = (?!.*\border by\b)", re.DOTALL
)
"""What has one row for each parent, since that is the table's primary key."""
_PARENT = re.compile(r"= any\(\$1::text\[\](::bigint)?(?:\[\])?\)|unnest\(\$1::text\[\]\)")


def named(values: Mapping[str, str]) -> str:
    """Response key → SQL, as columns."""
    return ", ".join(f"{sql} as {quoted(key)}" for key, sql in values.items())


def as_object(values: Mapping[str, str]) -> str:
    return f"(select row_to_json(x) from (select {named(values)}) x)"


def quoted(key: str) -> str:
    """A response key as an identifier; the grammar of GraphQL leaves it letters, digits and underscores."""
    if len(key) > MAX_NAME:
        raise UncompilableError("an alias is too long for a column")
    return f'"{key}"'


def column(name: str, kind: str, row: str) -> str:
    return f"{row}.{name}::text" if kind == "Decimal" else f"{row}.{name}"


def rows_of(statement: str, key: str) -> str:
    """The batch's statement for the one parent whose key is this SQL."""
    sql, found = _PARENT.subn(
        lambda at: f"(values ({key}))" if at[0][0] == "u" else f"= {key}{at[1] or ''}", SQL[statement]
    )
    if found != 1 or re.search(r"\$\d", sql.replace(key, "")):
        raise UncompilableError(f"{statement} is more than a look-up")
    return sql


def narrowed(rows: str, row: str, used: str) -> str:
    """The batch's rows without the columns that `used` does not take of `row`: Postgres would carry them as nulls."""
    names = columns_of(row, used)

    def columns(found: re.Match[str]) -> str:
        table, made = found[1] or "", found[2] or ""
        others = re.findall(r" as (\w+)", made)
        shown = [f"{table}{name}" for name in names if name not in others]
        if not set(others).isdisjoint(names):
            shown.append(made)
        return f"select {', '.join(shown)}"

    return _ALL_COLUMNS.sub(columns, rows)


def columns_of(row: str, used: str) -> list[str]:
    """Those that SQL takes of the row, by itself or for who sees what: see `belonging`."""
    return sorted({*re.findall(rf"\b{row}\.(\w+)", used), *(["id"] if f"/* of {row} */" in used else [])})

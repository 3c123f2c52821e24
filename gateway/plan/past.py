"""A statement over the graph as one over what an order was."""

import re
from functools import cache

from orders.graph import TABLES

_TABLE = re.compile(r"\b(graph|record)\.(\w+)\b(?!\()")
_HELD = frozenset(row.table for row in TABLES) - {"inventory"}
"""Tables of the graph that an answer has rows of."""
_EVENTS = {
    False: "recorded_at <= ${0}::timestamptz",
    True: "coalesce(occurred_at, cause_committed_at, recorded_at) <= ${0}::timestamptz",
}


@cache
def shown(statement: str, first: int, occurred: bool) -> tuple[str, tuple[str, ...]]:
    """The statement over an answer's rows and the events until then; its parameters from $`first` on, by name."""
    tables = {found[0]: found[2] for found in _TABLE.finditer(statement)}
    rows = [(name, table) for name, table in tables.items() if name.startswith("graph.") and table in _HELD]
    parts, used = list[str](), list[str]()
    if rows:
        used.append("answer")
        parts += [
            f"\"{name}\" as (select * from json_populate_recordset(null::{name}, ${first}::text::json -> '{table}'))"
            for name, table in rows
        ]
    if "record.feed" in tables:
        place = first + len(used)
        used += ["order", "at"]
        until = _EVENTS[occurred].format(place + 1)
        parts.append(f'"record.feed" as (select * from record.feed where order_id = ${place}::text and {until})')
    if not parts:
        return statement, ()
    named = {name for name, _ in rows} | {"record.feed"}
    sql = _TABLE.sub(lambda found: f'"{found[0]}"' if found[0] in named else found[0], statement)
    return f"with {', '.join(parts)} {sql}", tuple(used)

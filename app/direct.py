"""`milepost verify`, the independent half: does the graph equal a direct computation over the sources at rest?

The computation is SQL by docs/lifecycle.md and shares no code with mapping and projector: adapters/direct.sql and each
adapter's direct.sql for what the systems say, then direct.sql, direct_order.sql and direct_compare.sql here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby

import asyncpg

from adapters.direct import gather, prepare
from adapters.origins import DirectSource

# With pg_temp alone as the path no name can fall through to a table of the database.
_SESSION = {
    "search_path": "pg_temp",
    "application_name": "milepost verify",
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "jit": "off",
    "work_mem": "32MB",
    "temp_buffers": "32MB",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A value on which the two computations differ, or a row that only one of them has (`column` is None).

    `order` is None for what belongs to no order. `table` is the graph's, `key` the row's primary key with `/` between
    its parts. `direct` and `graph` are the values as text; of a whole row, JSON on the side that has it, else None.
    """

    order: str | None
    table: str
    key: str
    column: str | None
    direct: str | None
    graph: str | None


async def compare_direct(graph_dsn: str, sources: Sequence[DirectSource]) -> list[Difference]:
    """Compute the graph from the sources and compare; empty means equal. Differences are in the order of orders.

    The sources and the graph should be at rest: what happens in between is a difference. Nothing is written but
    temporary tables of a session of its own. Raises TransientError and RejectedError as `adapters.direct.gather`.
    """
    db = await asyncpg.connect(graph_dsn, timeout=30, server_settings=_SESSION)
    try:
        await compute(db, sources)
        return [Difference(*row) for row in await db.fetch(_sql("direct_compare.sql"))]
    finally:
        await db.close()


async def compute(db: asyncpg.Connection, sources: Sequence[DirectSource]) -> None:
    """Leave the rows in temporary tables `direct_order`, `direct_line`, `direct_shipment`, … of this session."""
    await prepare(db)
    for source in sources:
        await gather(db, source)
    await derive(db)


async def derive(db: asyncpg.Connection) -> None:
    """From the tables `said_*` of this session to its tables `direct_*`."""
    await db.execute(_sql("direct.sql"))
    await db.execute(_sql("direct_order.sql"))


def _sql(name: str) -> str:
    return (files("app") / name).read_text(encoding="utf-8")


def render(differences: Sequence[Difference]) -> str:
    """The differences order by order, a line each; what belongs to no order comes last."""
    grouped = groupby(differences, lambda difference: difference.order)
    return "\n".join(line for order, group in grouped for line in (_heading(order), *map(_line, group)))


def _heading(order: str | None) -> str:
    return f"order {order}" if order else "without an order"


def _line(difference: Difference) -> str:
    row = f"  {difference.table} {difference.key}"
    if difference.column:
        return f"{row} {difference.column}: sources {_value(difference.direct)}, graph {_value(difference.graph)}"
    return f"{row}: only in the {'graph' if difference.direct is None else 'sources'}"


def _value(text: str | None) -> str:
    return "nothing" if text is None else text

"""Which orders differ, for people: row by row, column by column, the first of them."""

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from orders.graph import Identity, Row, by_identity
from orders.letters import Difference
from projections.database import LIVE, OF_ORDERS, Connection, Graph
from projections.rebuild.beside import NEXT, SQL
from projections.requests import differences

MOST = 100
"""Orders that a report shows."""


class Shown(Struct, frozen=True):
    """An order that differs, and in what."""

    order: str
    differences: list[Difference]


async def shown(connection: Connection) -> list[Shown]:
    """Of the orders that were found to differ."""
    orders = [row["order_id"] for row in await connection.fetch(SQL["differing_after"], "", MOST)]
    old, new = await rows_of(connection, orders, LIVE), await rows_of(connection, orders, NEXT)
    return [
        Shown(order, list(differences(was, changed(was, new.get(order, {})))))
        for order, was in ((order, old.get(order, {})) for order in orders)
    ]


def changed(old: Mapping[Identity, Row], new: Mapping[Identity, Row]) -> dict[Identity, Row | None]:
    """Rows that are new or other, and None for those that are gone."""
    found: dict[Identity, Row | None] = {key: row for key, row in new.items() if old.get(key) != row}
    return found | dict.fromkeys(old.keys() - new.keys())


async def rows_of(connection: Connection, orders: Collection[str], graph: Graph) -> dict[str, dict[Identity, Row]]:
    """Order → its rows, as they are stored."""
    found: dict[str, dict[Identity, Row]] = {}
    for kind, column in OF_ORDERS.items():
        rows = await connection.fetch(
            f"select {column}, row_to_json(t)::text from {graph.schema}.{kind.table} t where {column} = any($1)",  # noqa: S608  # our own names
            list(orders),
        )
        decoder = msgspec.json.Decoder(kind)
        for row in rows:
            found.setdefault(row[0], {}).update(by_identity([decoder.decode(row[1])]))
    return found

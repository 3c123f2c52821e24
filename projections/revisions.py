"""Revisions: which of the graph's subjects a change moves on, so that a reader knows whether its answer still holds."""

from collections.abc import Collection, Iterable

from orders.facts import OrderHeader
from orders.graph import Identity, ReferenceRow
from orders.view import View
from projections.database import LIVE, Connection, Graph

GRAPH = "graph"
"""All of it: it was made anew."""
ALL_ORDERS = "orders"


def subjects(views: Iterable[View], changed: Iterable[Identity]) -> set[str]:
    """Of the views of a tree of which something has changed, before and after, and of its changed rows."""
    of_orders = [view.header for view in views if view.header is not None]
    found = {subject for header in of_orders for subject in of_order(header)}
    for table, *key in changed:
        if not of_orders:
            found.add(f"table/{table}")
        if table == ReferenceRow.table:
            found.add(f"reference/{key[1]}")
    return found


def of_order(header: OrderHeader) -> tuple[str, ...]:
    return (
        ALL_ORDERS,
        f"order/{header.number}",
        f"customer/{header.customer}",
        f"channel/{header.channel}",
    )


async def move_on(connection: Connection, moved: Collection[str], graph: Graph = LIVE) -> None:
    """Their revision is the present transaction of Postgres, which never comes again."""
    if moved:
        await connection.execute(graph.sql["move_revisions"], sorted(moved))

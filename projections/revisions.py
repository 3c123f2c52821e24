"""Revisions: which of the graph's subjects a change moves on, so that a reader knows whether its answer still holds."""

from collections.abc import Collection, Iterable, Iterator

from orders.graph import Identity, OrderRow, ReferenceRow
from orders.lifecycle import View
from projections.database import LIVE, Connection, Graph

GRAPH = "graph"
"""All of it: it was made anew."""
ALL_ORDERS = "orders"


def subjects(views: Iterable[View], changed: Iterable[Identity]) -> set[str]:
    """Of views of which something has changed, before and after, and of the changed rows."""
    found = {subject for view in views for subject in of_view(view)}
    found.update(f"reference/{identity[2]}" for identity in changed if identity[0] == ReferenceRow.table)
    return found


def of_view(view: View) -> Iterator[str]:
    if view.order_id is None:
        yield from {f"table/{table}" for table, *_ in view.rows}
        return
    yield ALL_ORDERS
    yield f"order/{view.order_id}"
    order = view.rows.get((OrderRow.table, view.order_id))
    if isinstance(order, OrderRow):
        yield f"order/{order.number}"
        yield f"customer/{order.customer_id}"
        yield f"channel/{order.channel}"


async def move_on(connection: Connection, moved: Collection[str], graph: Graph = LIVE) -> None:
    """Their revision is the present transaction of Postgres, which never comes again."""
    if moved:
        await connection.execute(graph.sql["move_revisions"], sorted(moved))

"""What an answer depends on: subjects of graph.revision, which the projector moves on with what it changes.

`order/<id or number>` moves with anything of that order's; `customer/<id>` and `channel/<name>` with any order of
theirs, one that leaves them too; `orders` with any; `table/<name>` with any row of a table whose rows are no order's;
`graph` when it was made anew.
"""

import re
from collections.abc import Iterable
from typing import Protocol

from gateway.auth import Principal, Role

GRAPH = "graph"
ALL_ORDERS = "orders"
OF_ORDERS = frozenset(
    {
        "graph.charge",
        "graph.fulfillment_order",
        "graph.hold",
        "graph.invoice",
        "graph.invoice_line",
        "graph.line",
        "graph.milestone",
        "graph.orders",
        "graph.package",
        "graph.reference",
        "graph.return_line",
        "graph.returns",
        "graph.shipment",
        "graph.shipment_line",
        "graph.transport_event",
        "record.feed",
        "record.told",
    }
)
"""Tables whose rows move their order's subjects."""
OF_NOBODY = frozenset({"graph.customer", "graph.inventory", "graph.product", "graph.ship_to"})
_TABLE = re.compile(r"\b(?:graph|record|command)\.\w+\b(?!\()")
_CLOCK = re.compile(r"\bnow\(\)")
_LISTS = {Role.CUSTOMER: "customer", Role.CHANNEL: "channel"}
"""Whose orders have a subject of their own."""


class Depends(Protocol):
    @property
    def subjects(self) -> tuple[str, ...] | None: ...


def tables_read(sql: str) -> frozenset[str] | None:
    """Subjects of the tables that a statement reads beside those of orders; None if one has none, or if time counts."""
    read = set(_TABLE.findall(sql)) - OF_ORDERS
    if not read <= OF_NOBODY or _CLOCK.search(sql):
        return None
    return frozenset(f"table/{name.partition('.')[2]}" for name in read)


def subjects_of(roots: Iterable[Depends], reads: frozenset[str] | None, caller: Principal) -> frozenset[str] | None:
    """Of all roots of an operation together."""
    found = {GRAPH, *(reads or ())}
    for root in roots:
        if root.subjects is None or reads is None:
            return None
        found.update(root.subjects)
    if ALL_ORDERS in found and caller.role in _LISTS:
        found.remove(ALL_ORDERS)
        found.update(f"{_LISTS[caller.role]}/{name}" for name in caller.scope)
    return frozenset(found)

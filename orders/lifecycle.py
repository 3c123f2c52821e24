"""From facts to the graph: everything that is shown of a document tree, as a pure function of its facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from orders.aggregate import Aggregate, Entry, Facts
from orders.facets import Facets, facets, total_of
from orders.facts import Doc, DocKind, OrderHeader
from orders.happenings import Told, happenings
from orders.lines import Line, lines
from orders.recall import Recall
from orders.rows.master import MASTER_FACTS, master_rows
from orders.rows.order import line_rows, order_rows
from orders.rows.papers import BESIDE
from orders.rows.shipment import shipments_rows
from orders.shipments import Shipment, shipments
from orders.view import Pieces, Recipe, View

Beside = Sequence[Sequence[Sequence[Entry[Any]]]]
"""The facts of each kind in `BESIDE`."""
MASTER_DATA = frozenset({DocKind.CUSTOMER, DocKind.PRODUCT, DocKind.INVENTORY})


def derive(root: Doc, facts: Facts, recall: Recall | None = None) -> View:
    """The view of the tree under `root`. Equal facts give an equal view, in whatever order they came."""
    return shown(Aggregate(root, facts), recall or Recall(), {})


def shown(order: Aggregate, recall: Recall, shelf: Pieces) -> View:
    """The view of all these facts. What an earlier one of the tree worked out is on `recall` and `shelf`."""
    if order.root.kind in MASTER_DATA:
        return View(partial(master, order.each(MASTER_FACTS)), shelf, {})
    header = order.first(OrderHeader)
    parcels = shipments(order, recall)
    beside = [order.each(group) for _, group in BESIDE]
    if header is None:
        return View(partial(common, parcels, beside, None), shelf, {})
    items = lines(order, recall, parcels)
    total = recall("total", "", total_of, items)
    state = facets(order, recall, header.body, parcels, items)
    told = happenings(order, recall, header, parcels)
    recipes = partial(of_order, header, state, parcels, items, total, told, beside)
    return View(recipes, shelf, told, header.body, state)


def master(found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Recipe]:
    yield "master", master_rows, (found,)


def of_order(
    header: Entry[OrderHeader],
    state: Facets,
    parcels: Sequence[Shipment],
    items: Sequence[Line],
    total: Decimal,
    told: Mapping[str, Told],
    beside: Beside,
) -> Iterator[Recipe]:
    yield "order", order_rows, (header, state, parcels, total, told)
    yield "lines", line_rows, (header.body.number, items)
    yield from common(parcels, beside, header.body.number)


def common(parcels: Sequence[Shipment], beside: Beside, order_id: str | None) -> Iterator[Recipe]:
    """What is shown with or without an order above it."""
    for (rows, _), entries in zip(BESIDE, beside, strict=True):
        if any(entries):
            yield rows.__name__, rows, (order_id, entries)
    for name, alike in by_id(parcels).items():
        yield f"shipment/{name}", shipments_rows, (alike, order_id)


def by_id(parcels: Iterable[Shipment]) -> dict[str, list[Shipment]]:
    """Several of one id share their rows."""
    found: dict[str, list[Shipment]] = {}
    for shipment in parcels:
        found.setdefault(shipment.id, []).append(shipment)
    return found

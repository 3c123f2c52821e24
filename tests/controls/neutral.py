"""Facts of order 1042 in the neutral words of adapters/direct.sql, as if a source at rest had said them."""

from collections.abc import Iterator
from typing import Any

from orders.aggregate import Entry, Facts
from orders.facts import (
    Allocation,
    Body,
    Doc,
    DocKind,
    Invoice,
    InvoiceLine,
    OrderHeader,
    OrderLine,
    PartnerOrder,
    PartnerPick,
    PickRelease,
    Posting,
    ReturnHeader,
    ReturnLine,
    ShipmentHeader,
    ShipmentLine,
    TransportEvent,
)
from orders.rows.papers import invoice_status

TABLES: dict[type[Body], str] = {
    OrderHeader: "said_order",
    OrderLine: "said_line",
    Allocation: "said_allocation",
    PickRelease: "said_release",
    PartnerOrder: "said_fulfillment_order",
    PartnerPick: "said_fulfillment_line",
    ShipmentHeader: "said_shipment",
    Posting: "said_posting",
    ShipmentLine: "said_shipment_line",
    TransportEvent: "said_scan",
    Invoice: "said_invoice",
    InvoiceLine: "said_invoice_line",
    ReturnHeader: "said_return",
    ReturnLine: "said_return_line",
}
PLAIN = (DocKind.ORDER, DocKind.INVOICE, DocKind.RETURN)
"""Documents whose ids are their numbers; of others these are `source:number`."""


def said(facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and row; a row has values that its table does not know. The first fact of a document heads it."""
    for doc, its in facts.items():
        number = next(getattr(entry.body, "number", "") for entry in its.values())
        ident = number if doc.kind in PLAIN else f"{doc.source}:{number}"
        for place, entry in enumerate(its.values()):
            yield TABLES[type(entry.body)], row(doc, ident, place, entry)


def row(doc: Doc, ident: str, place: int, entry: Entry[Any]) -> dict[str, Any]:
    body = entry.body
    whose = {"shipment_id": ident, "fulfillment_order_id": ident, "invoice_id": ident, "return_id": ident}
    found = {name: getattr(body, name) for name in body.__struct_fields__}
    found |= {"source": doc.source, "id": ident, "order_id": "1042", "seq": str(place), **whose}
    match body:
        case OrderHeader():
            found |= {"customer_id": body.customer, "state": body.commercial, "held": body.held_at is not None}
        case Posting():
            found["names"] = body.partner_shipment
        case TransportEvent():
            milestone, clock = body.milestone.name if body.milestone else None, body.occurred_at.replace(tzinfo=None)
            found |= {"id": entry.id, "serial": place, "milestone": milestone, "clock": clock}
        case Invoice():
            found["status"] = invoice_status(body)
    return found

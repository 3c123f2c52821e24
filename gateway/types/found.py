"""What an identifier names."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from gateway.loading import Batch
from gateway.tables import Choice
from gateway.types.billing import INVOICE_BY_ID, Invoice
from gateway.types.common import Info, column, one
from gateway.types.fulfillment_order import FULFILLMENT_ORDER_BY_ID, FulfillmentOrder
from gateway.types.order import ORDER_BY_ID, Order
from gateway.types.returning import RETURN_BY_ID, Return
from gateway.types.shipment import SHIPMENT_BY_ID, Shipment

FoundTarget = Annotated[
    Order | FulfillmentOrder | Shipment | Invoice | Return,
    strawberry.union("FoundTarget", description="What an identifier may name."),
]

_TARGETS: Mapping[str, tuple[str, Batch[Any]]] = {
    "order": ("Order", ORDER_BY_ID),
    "fulfillment_order": ("FulfillmentOrder", FULFILLMENT_ORDER_BY_ID),
    "shipment": ("Shipment", SHIPMENT_BY_ID),
    "invoice": ("Invoice", INVOICE_BY_ID),
    "return": ("Return", RETURN_BY_ID),
}


@strawberry.federation.type(description="Something that an identifier names.")
class Found:
    scheme: str = column("What kind of identifier it is there, such as tracking or customer_po.")
    value: str = column("The identifier.")
    target: FoundTarget = column("What it names.", plan=Choice("target", "target_id", lambda: _TARGETS))
    order_id: strawberry.Private[str | None]

    order: Order | None = one(
        "The order that it belongs to; null while that is not known.", lambda: ORDER_BY_ID, "order_id"
    )


REFERENCES_BY_VALUE: Batch[Any] = Batch("references_by_value", dict)


async def found_of(info: Info, reference: Mapping[str, Any]) -> Found | None:
    """None when the target is not in the graph."""
    _, batch = _TARGETS[reference["target"]]
    target = await info.context.one(batch, reference["target_id"])
    if target is None:
        return None
    return Found(scheme=reference["scheme"], value=reference["value"], target=target, order_id=reference["order_id"])

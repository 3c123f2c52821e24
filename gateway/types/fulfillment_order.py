"""A 3PL's own order for ours."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.types.common import column, one, orders_by_id
from gateway.types.node import Node, identified
from gateway.visibility import OF_PARTNER, through_orders, visible

if TYPE_CHECKING:
    from gateway.types.order import Order

LaterOrder = Annotated["Order", strawberry.lazy("gateway.types.order")]


@visible("graph.fulfillment_order", rows=through_orders("o.id = t.order_id", OF_PARTNER))
@strawberry.federation.type(description="What a 3PL was told to fulfill, under the number that it gave it.")
class FulfillmentOrder(Node):
    order_id: strawberry.Private[str | None]
    global_id: strawberry.ID = identified("FulfillmentOrder", lambda: FULFILLMENT_ORDER_BY_ID)
    id: strawberry.ID = column("The source and its number.")
    source: str = column("The 3PL's system.")
    number: str = column("The 3PL's number.")
    state: str = column("RECEIVED, ACKNOWLEDGED, PICKING, PICKED, PACKED, SHIPPED, SHORT or CANCELLED.")
    quoted_reference: str = column("Our order's number as the 3PL has it.")
    received_at: datetime | None = column("When the 3PL got it.")
    acknowledged_at: datetime | None = column("When the 3PL said that it will do it.")

    order: LaterOrder | None = one(
        "Our order; null while the reference that the 3PL quotes is not known.", orders_by_id, "order_id"
    )


FULFILLMENT_ORDER_BY_ID: Batch[FulfillmentOrder] = Batch("fulfillment_orders_by_id", reader(FulfillmentOrder))
FULFILLMENT_ORDERS_BY_ORDER = Batch("fulfillment_orders_by_order", reader(FulfillmentOrder))

"""What comes back."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.types.common import column, entity, many, one, orders_by_id
from gateway.types.node import Node, identified
from gateway.visibility import OF_ORDER, visible
from orders.states import Return as ReturnState

if TYPE_CHECKING:
    from gateway.types.order import Order

LaterOrder = Annotated["Order", strawberry.lazy("gateway.types.order")]


@visible("graph.return_line", rows=OF_ORDER)
@strawberry.federation.type(description="What of an order's line comes back.")
class ReturnLine:
    line: str = column("The order's line.")
    quantity: Decimal = column("In the line's unit.")


RETURN_LINES = Batch("lines_by_return", reader(ReturnLine))


@visible("graph.returns", rows=OF_ORDER)
@strawberry.federation.type(keys=["id", "number"], authenticated=True, description="Goods that a customer sends back.")
class Return(Node):
    order_id: strawberry.Private[str | None]
    global_id: strawberry.ID = identified("Return", lambda: RETURN_BY_ID)
    id: strawberry.ID = column("The number of its authorization (RMA).")
    source: str = column("The system that authorized it.")
    number: str = column("The number of its authorization (RMA).")
    state: ReturnState = column("How far it is.")
    reason: str | None = column("Why it comes back.")
    authorized_at: datetime | None = column("When it was authorized.")
    received_at: datetime | None = column("When it came back.")
    restocked_at: datetime | None = column("When it was in stock again.")
    refunded_at: datetime | None = column("When the customer had the money back.")

    order: LaterOrder | None = one("The order; null while it is not known.", orders_by_id, "order_id")

    lines: list[ReturnLine] = many("What comes back.", lambda: RETURN_LINES, "id", sized(3))

    resolve_reference = entity(lambda: {"id": RETURN_BY_ID, "number": RETURN_BY_NUMBER})


RETURN_BY_ID: Batch[Return] = Batch("returns_by_id", reader(Return))
RETURN_BY_NUMBER: Batch[Return] = Batch("returns_by_number", reader(Return))
RETURNS_BY_ORDER = Batch("returns_by_order", reader(Return))

"""What comes back."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.types.common import Info, column, entity, resolved
from gateway.visibility import OF_ORDER, visible
from orders.states import Return as ReturnState

if TYPE_CHECKING:
    from gateway.types.order import Order


@visible("graph.return_line", rows=OF_ORDER)
@strawberry.federation.type(description="What of an order's line comes back.")
class ReturnLine:
    line: str = column("The order's line.")
    quantity: Decimal = column("In the line's unit.")


RETURN_LINES = Batch("lines_by_return", reader(ReturnLine))


@visible("graph.returns", rows=OF_ORDER)
@strawberry.federation.type(keys=["id", "number"], description="Goods that a customer sends back.")
class Return:
    order_id: strawberry.Private[str | None]
    id: strawberry.ID = column("The number of its authorization (RMA).")
    source: str = column("The system that authorized it.")
    number: str = column("The number of its authorization (RMA).")
    state: ReturnState = column("How far it is.")
    reason: str | None = column("Why it comes back.")
    authorized_at: datetime | None = column("When it was authorized.")
    received_at: datetime | None = column("When it came back.")
    restocked_at: datetime | None = column("When it was in stock again.")
    refunded_at: datetime | None = column("When the customer had the money back.")

    @resolved("The order; null while it is not known.")
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("gateway.types.order")] | None:
        from gateway.types.order import ORDER_BY_ID

        return await info.context.one(ORDER_BY_ID, self.order_id)

    @resolved("What comes back.", sized(3))
    async def lines(self, info: Info) -> list[ReturnLine]:
        return await info.context.many(RETURN_LINES, self.id)

    resolve_reference = entity(lambda: {"id": RETURN_BY_ID, "number": RETURN_BY_NUMBER})


RETURN_BY_ID: Batch[Return] = Batch("returns_by_id", reader(Return))
RETURN_BY_NUMBER: Batch[Return] = Batch("returns_by_number", reader(Return))
RETURNS_BY_ORDER = Batch("returns_by_order", reader(Return))

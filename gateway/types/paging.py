"""The arguments of a list of orders, wherever it stands."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.types.choices import OrderSort

if TYPE_CHECKING:
    from gateway.types.order_list import OrderConnection, OrderFilter

LaterOrders = Annotated["OrderConnection", strawberry.lazy("gateway.types.order_list")]
LaterFilter = Annotated["OrderFilter", strawberry.lazy("gateway.types.order_list")]

Filter = Annotated[LaterFilter | None, strawberry.argument(description="Which orders.")]
Sort = Annotated[OrderSort, strawberry.argument(description="In which order.")]
First = Annotated[int | None, strawberry.argument(description="How many, 1 to 200; else 50.")]
After = Annotated[str | None, strawberry.argument(description="Only what follows this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end, 1 to 200.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]

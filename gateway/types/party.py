"""Customers and where goods go."""

import strawberry

from gateway.loading import PAST, Batch, reader
from gateway.sizes import sized, sliced
from gateway.tables import Pages
from gateway.types import paging
from gateway.types.choices import OrderSort
from gateway.types.common import Info, column, entity, many, resolved
from gateway.types.node import Node, identified
from gateway.visibility import HANDLED, Rows, Secret, through_orders, visible
from orders.errors import RejectedError

_HANDLED_OF = "exists (select from graph.orders o where {0} and " + HANDLED.format("o.id") + ")"


def of_customer(own: str, ordered: str) -> Rows:
    """`own`: it is the customer's; `ordered`: an order `o` has it, and who sees that order sees it."""
    channel = through_orders(ordered).channel
    return Rows(f"{own} = any($scope)", channel, _HANDLED_OF.format(ordered))


SHIP_TOS = of_customer("t.customer_id", "o.customer_id = t.customer_id and o.ship_to_id = t.id")
CUSTOMERS = of_customer("t.id", "o.customer_id = t.id")


@visible("graph.ship_to", rows=SHIP_TOS)
@strawberry.federation.type(authenticated=True, description="An address that goods are sent to.")
class ShipTo(Node):
    global_id: strawberry.ID = identified("ShipTo", lambda: SHIP_TO_BY_ID)
    id: strawberry.ID = column("The source's own identifier.")
    customer_id: strawberry.ID = column("Whose address it is.")
    name: str | None = column("Who receives the goods.", Secret.PERSONAL)
    street: str | None = column("Street and house number.", Secret.PERSONAL)
    city: str = column("City.")
    region: str = column("State or province.")
    postal_code: str | None = column("Postal code.", Secret.PERSONAL)
    country: str = column("Country.")


SHIP_TO_BY_ID: Batch[ShipTo] = Batch("ship_tos_by_id", reader(ShipTo))
SHIP_TOS_BY_CUSTOMER = Batch("ship_tos_by_customer", reader(ShipTo))


@visible("graph.customer", rows=CUSTOMERS)
@strawberry.federation.type(keys=["id"], description="Who orders.")
class Customer(Node):
    global_id: strawberry.ID = identified("Customer", lambda: CUSTOMER_BY_ID)
    id: strawberry.ID = column("The customer's number.")
    name: str | None = column("The customer's name.", Secret.PERSONAL, shareable=True)
    active: bool = column("Whether the customer may order.", shareable=True)
    currency: str | None = column("ISO 4217 code of the currency that the customer is billed in.", shareable=True)
    source: str = column("The system that owns the customer.")

    ship_tos: list[ShipTo] = many(
        "The addresses that the customer's goods are sent to.", lambda: SHIP_TOS_BY_CUSTOMER, "id", sized(3)
    )

    @resolved(
        "The customer's orders, a page at a time.",
        sliced("first", "last", fields=("edges", "nodes")),
        plan=Pages("customer_id", "id"),
    )
    async def orders(
        self,
        info: Info,
        filter: paging.Filter = None,  # noqa: A002
        order_by: paging.Sort = OrderSort.NEWEST_FIRST,
        first: paging.First = None,
        after: paging.After = None,
        last: paging.Last = None,
        before: paging.Before = None,
    ) -> paging.LaterOrders:
        from gateway.types.order_list import Paging, customers_page

        if hasattr(self, PAST):
            raise RejectedError("a customer's orders are known as of now only: ask for them without an instant")
        return await customers_page(info, self.id, filter, Paging(order_by, first, after, last, before))

    resolve_reference = entity(lambda: {"id": CUSTOMER_BY_ID})


CUSTOMER_BY_ID: Batch[Customer] = Batch("customers_by_id", reader(Customer))

"""The order, the root of the graph."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from gateway.loading import Batch, reader, reading
from gateway.past import Moment, order_at
from gateway.sizes import sized, sliced
from gateway.statements import SQL
from gateway.tables import Expression, Latest
from gateway.types.billing import CHARGES_BY_ORDER, INVOICES_BY_ORDER, Charge, Invoice
from gateway.types.common import (
    Info,
    Money,
    column,
    entity,
    many,
    money,
    one,
    page_size,
    priced,
    resolved,
)
from gateway.types.event import EVENTS_BY_ORDER, OrderEvent
from gateway.types.freshness import FRESHNESS_BY_ORDER, Freshness
from gateway.types.fulfillment_order import FULFILLMENT_ORDERS_BY_ORDER, FulfillmentOrder
from gateway.types.line import LINES_BY_ORDER, OrderLine
from gateway.types.node import Node, identified
from gateway.types.party import CUSTOMER_BY_ID, SHIP_TO_BY_ID, Customer, ShipTo
from gateway.types.returning import RETURNS_BY_ORDER, Return
from gateway.types.shipment import SHIPMENTS_BY_ORDER, Shipment
from gateway.types.why import EXPLANATIONS_BY_ORDER, Explanation
from gateway.visibility import OF_ORDER, ORDERS, REFERENCES, Secret, visible
from orders.errors import RejectedError
from orders.states import (
    Commercial,
    Delivery,
    DisplayStatus,
    Financial,
    Fulfillment,
    Health,
)
from orders.states import Return as ReturnState


@visible("graph.reference", rows=REFERENCES)
@strawberry.federation.type(description="An identifier that a person may hold in the hand.")
class Reference:
    scheme: str = column("order_number, customer_po, fulfillment_order, shipment, tracking, sscc, invoice or rma.")
    value: str = column("The identifier itself.")
    target: str = column("What it names: order, fulfillment_order, shipment, invoice or return.")
    target_id: strawberry.ID = column("The identifier of that here.")


@visible("graph.hold", rows=OF_ORDER)
@strawberry.federation.type(description="A hold that was put on an order, or its release.")
class Hold:
    id: strawberry.ID = column("The source and its identifier.")
    held: bool = column("True: it was put on hold. False: the hold was released.")
    reason: str | None = column("Why, in the words of the system that owns the order.")
    note: str | None = column("What the person wrote.", Secret.PERSONAL, Secret.INTERNAL)
    username: str | None = column("Who did it.", Secret.PERSONAL, Secret.INTERNAL)
    at: datetime = column("When.")
    command_id: strawberry.ID | None = column("The command that asked for it.")


REFERENCES_BY_ORDER = Batch("references_by_order", reader(Reference))
HOLDS_BY_ORDER = Batch("holds_by_order", reader(Hold))
VERSION = Expression(SQL["version"].replace("o.id", "{t}.id"))
VERSION_BY_ORDER: Batch[int] = Batch("order_versions", lambda row: row["version"])


@visible("record.told", rows=OF_ORDER)
@visible("graph.orders", rows=ORDERS)
@strawberry.federation.type(
    keys=["id", "number"], authenticated=True, description="What a customer wants, and how far it is."
)
class Order(Node):
    customer_id: strawberry.Private[str | None]
    ship_to_id: strawberry.Private[str | None]
    amount: strawberry.Private[Decimal]
    global_id: strawberry.ID = identified("Order", lambda: ORDER_BY_ID)
    id: strawberry.ID = column("The order's number.")
    source: str = column("The system that owns the order.")
    number: str = column("What the business calls it.")
    customer_po: str | None = column("The customer's purchase order.")
    channel: str | None = column("Where it was placed.")
    warehouse: str | None = column("The warehouse that it is planned for.")
    currency: str = column("ISO 4217 code.")
    ordered_at: datetime | None = column("When it was placed.")
    accepted_at: datetime | None = column("When it was accepted.")
    requested_on: date | None = column("The day that the customer asked for.")
    promised_on: date | None = column("The day that was promised.")
    eta: datetime | None = column("When the last of what is on its way is expected.")
    delivered_at: datetime | None = column("When the last of it arrived; null until all of it has.")
    last_event_at: datetime | None = column("When the latest of what is known of it happened; placing it counts too.")
    cancelled_at: datetime | None = column("When it was cancelled.")
    held_at: datetime | None = column("Since when it is on hold.")
    hold_reason: str | None = column("Why it is on hold, in the words of the system that owns it.")
    note: str | None = column("What people wrote on it.", Secret.PERSONAL, Secret.INTERNAL)
    commercial: Commercial = column("What has been agreed.")
    fulfillment: Fulfillment = column("How far the warehouses are.")
    delivery: Delivery = column("How far the carriers are.")
    financial: Financial = column("How far the billing is.")
    return_state: ReturnState = column("How far its furthest return is.")
    health: Health = column("Whether it needs attention.")
    display_status: DisplayStatus = column("What a customer is told, one word for all of these states.")

    @resolved(
        "Ordered quantities less cancelled ones, times their prices.", secrets=[Secret.PRICES], plan=priced("total")
    )
    def total(self) -> Money | None:
        return money(self.amount, self.currency)

    @resolved("How many events it has; it rises with each of them.", plan=VERSION)
    async def version(self, info: Info) -> int:
        return await reading(self, info.context).one(VERSION_BY_ORDER, self.id) or 0

    customer: Customer | None = one(
        "Who ordered; null while the customer is not known.", lambda: CUSTOMER_BY_ID, "customer_id"
    )

    ship_to: ShipTo | None = one("Where it goes.", lambda: SHIP_TO_BY_ID, "ship_to_id")

    lines: list[OrderLine] = many("What is ordered.", lambda: LINES_BY_ORDER, "id", sized(5))

    shipments: list[Shipment] = many("What moves of it, or has moved.", lambda: SHIPMENTS_BY_ORDER, "id", sized(3))

    fulfillment_orders: list[FulfillmentOrder] = many(
        "What 3PLs were told to fulfill of it.", lambda: FULFILLMENT_ORDERS_BY_ORDER, "id", sized(2)
    )

    invoices: list[Invoice] = many("Its invoices and credit memos.", lambda: INVOICES_BY_ORDER, "id", sized(2))

    returns: list[Return] = many("What comes back of it.", lambda: RETURNS_BY_ORDER, "id", sized(2))

    charges: list[Charge] = many("What it costs beside its goods.", lambda: CHARGES_BY_ORDER, "id", sized(3))

    holds: list[Hold] = many("The log of its holds and releases.", lambda: HOLDS_BY_ORDER, "id", sized(2))

    references: list[Reference] = many(
        "Every identifier that leads to it.", lambda: REFERENCES_BY_ORDER, "id", sized(8)
    )

    why: list[Explanation] = many(
        "Why it is as it is: an explanation for each facet.", lambda: EXPLANATIONS_BY_ORDER, "id", sized(7)
    )

    freshness: list[Freshness] = many(
        "As of when it is known, by each source that has told something of it.",
        lambda: FRESHNESS_BY_ORDER,
        "id",
        sized(2),
    )

    @resolved(
        "What has happened to it, in the order of its versions.",
        sliced("last"),
        plan=Latest(lambda: EVENTS_BY_ORDER, "id", "last", 100, 500),
    )
    async def events(
        self,
        info: Info,
        last: Annotated[int, strawberry.argument(description="The latest ones, at most 500.")] = 100,
    ) -> list[OrderEvent]:
        return await reading(self, info.context).many(EVENTS_BY_ORDER, self.id, page_size(last, 100, 500))

    resolve_reference = entity(lambda: {"id": ORDER_BY_ID, "number": ORDER_BY_NUMBER})


read_order = reader(Order, amount=lambda row: row["total"])
ORDER_BY_ID: Batch[Order] = Batch("orders_by_id", read_order)
ORDER_BY_NUMBER: Batch[Order] = Batch("orders_by_number", read_order)


async def order_of(info: Info, order_id: str | None, number: str | None, moment: Moment | None = None) -> Order | None:
    """By exactly one of the two; else RejectedError."""
    if (order_id is None) == (number is None):
        raise RejectedError("an order is named by its id or by its number, one of the two")
    by, key = (ORDER_BY_NUMBER, number) if order_id is None else (ORDER_BY_ID, order_id)
    if moment is None or key is None:
        return await info.context.one(by, key)
    found: Order | None = await order_at(info.context, ORDER_BY_ID, by, key, moment)
    return found

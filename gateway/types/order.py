"""The order, the root of the graph."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized, sliced
from gateway.types.billing import CHARGES_BY_ORDER, INVOICES_BY_ORDER, Charge, Invoice
from gateway.types.common import Info, Money, column, entity, money, page_size, resolved
from gateway.types.event import EVENTS_BY_ORDER, OrderEvent
from gateway.types.fulfillment_order import FULFILLMENT_ORDERS_BY_ORDER, FulfillmentOrder
from gateway.types.line import LINES_BY_ORDER, OrderLine
from gateway.types.party import CUSTOMER_BY_ID, SHIP_TO_BY_ID, Customer, ShipTo
from gateway.types.returning import RETURNS_BY_ORDER, Return
from gateway.types.shipment import SHIPMENTS_BY_ORDER, Shipment
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
VERSION_BY_ORDER: Batch[int] = Batch("order_versions", lambda row: row["version"])


@visible("graph.orders", rows=ORDERS)
@strawberry.federation.type(keys=["id", "number"], description="What a customer wants, and how far it is.")
class Order:
    customer_id: strawberry.Private[str | None]
    ship_to_id: strawberry.Private[str | None]
    amount: strawberry.Private[Decimal]
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

    @resolved("Ordered quantities less cancelled ones, times their prices.", secrets=[Secret.PRICES])
    def total(self) -> Money | None:
        return money(self.amount, self.currency)

    @resolved("How many events it has; it rises with each of them.")
    async def version(self, info: Info) -> int:
        return await info.context.one(VERSION_BY_ORDER, self.id) or 0

    @resolved("Who ordered; null while the customer is not known.")
    async def customer(self, info: Info) -> Customer | None:
        return await info.context.one(CUSTOMER_BY_ID, self.customer_id)

    @resolved("Where it goes.")
    async def ship_to(self, info: Info) -> ShipTo | None:
        return await info.context.one(SHIP_TO_BY_ID, self.ship_to_id)

    @resolved("What is ordered.", sized(5))
    async def lines(self, info: Info) -> list[OrderLine]:
        return await info.context.many(LINES_BY_ORDER, self.id)

    @resolved("What moves of it, or has moved.", sized(3))
    async def shipments(self, info: Info) -> list[Shipment]:
        return await info.context.many(SHIPMENTS_BY_ORDER, self.id)

    @resolved("What 3PLs were told to fulfill of it.", sized(2))
    async def fulfillment_orders(self, info: Info) -> list[FulfillmentOrder]:
        return await info.context.many(FULFILLMENT_ORDERS_BY_ORDER, self.id)

    @resolved("Its invoices and credit memos.", sized(2))
    async def invoices(self, info: Info) -> list[Invoice]:
        return await info.context.many(INVOICES_BY_ORDER, self.id)

    @resolved("What comes back of it.", sized(2))
    async def returns(self, info: Info) -> list[Return]:
        return await info.context.many(RETURNS_BY_ORDER, self.id)

    @resolved("What it costs beside its goods.", sized(3))
    async def charges(self, info: Info) -> list[Charge]:
        return await info.context.many(CHARGES_BY_ORDER, self.id)

    @resolved("The log of its holds and releases.", sized(2))
    async def holds(self, info: Info) -> list[Hold]:
        return await info.context.many(HOLDS_BY_ORDER, self.id)

    @resolved("Every identifier that leads to it.", sized(8))
    async def references(self, info: Info) -> list[Reference]:
        return await info.context.many(REFERENCES_BY_ORDER, self.id)

    @resolved("What has happened to it, in the order of its versions.", sliced("last"))
    async def events(
        self,
        info: Info,
        last: Annotated[int, strawberry.argument(description="The latest ones, at most 500.")] = 100,
    ) -> list[OrderEvent]:
        return await info.context.many(EVENTS_BY_ORDER, self.id, page_size(last, 100, 500))

    resolve_reference = entity(lambda: {"id": ORDER_BY_ID, "number": ORDER_BY_NUMBER})


read_order = reader(Order, amount=lambda row: row["total"])
ORDER_BY_ID: Batch[Order] = Batch("orders_by_id", read_order)
ORDER_BY_NUMBER: Batch[Order] = Batch("orders_by_number", read_order)


async def order_of(info: Info, order_id: str | None, number: str | None) -> Order | None:
    """By exactly one of the two; else RejectedError."""
    if (order_id is None) == (number is None):
        raise RejectedError("an order is named by its id or by its number, one of the two")
    if order_id is not None:
        return await info.context.one(ORDER_BY_ID, order_id)
    return await info.context.one(ORDER_BY_NUMBER, number)

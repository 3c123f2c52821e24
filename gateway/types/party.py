"""Customers and where goods go."""

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.types.common import Info, column, entity, resolved


@strawberry.federation.type(description="An address that goods are sent to.")
class ShipTo:
    id: strawberry.ID = column("The source's own identifier.")
    customer_id: strawberry.ID = column("Whose address it is.")
    name: str = column("Who receives the goods.")
    street: str = column("Street and house number.")
    city: str = column("City.")
    region: str = column("State or province.")
    postal_code: str = column("Postal code.")
    country: str = column("Country.")


SHIP_TO_BY_ID = Batch("ship_tos_by_id", reader(ShipTo))
SHIP_TOS_BY_CUSTOMER = Batch("ship_tos_by_customer", reader(ShipTo))


@strawberry.federation.type(keys=["id"], description="Who orders.")
class Customer:
    id: strawberry.ID = column("The customer's number.")
    name: str = column("The customer's name.")
    active: bool = column("Whether the customer may order.")
    currency: str | None = column("ISO 4217 code of the currency that the customer is billed in.")
    source: str = column("The system that owns the customer.")

    @resolved("The addresses that the customer's goods are sent to.", sized(3))
    async def ship_tos(self, info: Info) -> list[ShipTo]:
        return await info.context.many(SHIP_TOS_BY_CUSTOMER, self.id)

    resolve_reference = entity(lambda: {"id": CUSTOMER_BY_ID})


CUSTOMER_BY_ID: Batch[Customer] = Batch("customers_by_id", reader(Customer))

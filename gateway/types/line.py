"""An order's lines."""

from datetime import date
from decimal import Decimal

import strawberry

from gateway.loading import Batch, reader
from gateway.tables import Part
from gateway.types.common import Money, column, money, one, priced, resolved
from gateway.types.product import PRODUCT_BY_SKU, Product
from gateway.visibility import OF_ORDER, Secret, visible


@strawberry.federation.type(
    description="How far the quantity of a line is, in its unit: what is delivered has been shipped, and so on."
)
class Quantities:
    ordered: Decimal = column("What the customer wants.")
    cancelled: Decimal = column("What will not come any more.")
    backordered: Decimal = column("What waits for stock.")
    allocated: Decimal = column("What stock is set aside for.")
    released: Decimal = column("What a warehouse was told to pick.")
    picked: Decimal = column("What was picked.")
    packed: Decimal = column("What was packed.")
    shipped: Decimal = column("What has left a warehouse.")
    in_transit: Decimal = column("What is on its way.")
    delivered: Decimal = column("What has arrived.")
    lost: Decimal = column("What a carrier has lost.")
    returned: Decimal = column("What has come back.")
    invoiced: Decimal = column("What was invoiced.")
    open: Decimal = column("Ordered less cancelled less shipped; negative when more was shipped than ordered.")


@visible("graph.line", rows=OF_ORDER)
@strawberry.federation.type(description="A line of an order.")
class OrderLine:
    order_id: strawberry.Private[str]
    currency: strawberry.Private[str]
    price: strawberry.Private[Decimal | None]
    line: str = column("Its number within the order.")
    sku: str = column("The article's number.")
    description: str | None = column("What the order calls the article.")
    uom: str = column("The unit that its quantities are counted in.")
    promised_on: date | None = column("The day it was promised for.")
    status: str = column("The furthest quantity that is not zero, such as SHIPPED; PARTIALLY_… when it is not all.")
    quantities: Quantities = column("How far it is.", plan=Part({}))

    @resolved("What one unit costs.", secrets=[Secret.PRICES], plan=priced("unit_price"))
    def unit_price(self) -> Money | None:
        return money(self.price, self.currency)

    product: Product | None = one("The article.", lambda: PRODUCT_BY_SKU, "sku")


_read = reader(OrderLine, price=lambda row: row["unit_price"], quantities=reader(Quantities))
LINES_BY_ORDER = Batch("lines_by_order", _read)

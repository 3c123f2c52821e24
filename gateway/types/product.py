"""Articles and their stock."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.tables import Expression
from gateway.types.common import column, entity, many, one, resolved
from gateway.types.node import Node, identified
from gateway.visibility import ANYONE, OF_PARTNER, Rows, visible

MOST_BALANCES = 1000

LaterProduct = Annotated["Product", strawberry.lazy("gateway.types.product")]


@visible("graph.inventory", rows=Rows(channel="true", partner=OF_PARTNER))
@strawberry.federation.type(
    authenticated=True, description="How much of an article a warehouse has, as one system says."
)
class Inventory:
    sku: str = column("The article's number.")
    warehouse: str = column("The warehouse's code.")
    source: str = column("The system that says so: an ERP's belief and a warehouse's count are two balances.")
    on_hand: Decimal = column("Quantity that is there.")
    allocated: Decimal = column("Quantity that is set aside for orders.")
    as_of: datetime | None = column("When it was so.")

    @resolved("Quantity that is there and not set aside.", plan=Expression("({t}.on_hand - {t}.allocated)::text"))
    def available(self) -> Decimal:
        return self.on_hand - self.allocated

    product: LaterProduct | None = one("The article.", lambda: PRODUCT_BY_SKU, "sku")


read_inventory = reader(Inventory)
INVENTORY_BY_SKU = Batch("inventory_by_sku", read_inventory)


@visible("graph.product", rows=ANYONE)
@strawberry.federation.type(keys=["sku"], description="An article.")
class Product(Node):
    global_id: strawberry.ID = identified("Product", lambda: PRODUCT_BY_SKU, "sku")
    sku: str = column("The article's number.")
    description: str = column("What it is.", shareable=True)
    uom: str = column("The unit that its quantities are counted in.", shareable=True)
    active: bool = column("Whether it can be ordered.", shareable=True)
    source: str = column("The system that owns it.")

    inventory: list[Inventory] = many(
        "Its stock, by warehouse and by who says so.", lambda: INVENTORY_BY_SKU, "sku", sized(4)
    )

    resolve_reference = entity(lambda: {"sku": PRODUCT_BY_SKU})


PRODUCT_BY_SKU: Batch[Product] = Batch("products_by_sku", reader(Product))

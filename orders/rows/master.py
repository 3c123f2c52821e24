"""Rows that belong to no order: customers, addresses, articles, stock."""

from collections.abc import Iterator, Sequence
from typing import Any

from orders.aggregate import Entry, Group
from orders.facts import Customer, Inventory, Product, ShipTo
from orders.graph import CustomerRow, InventoryRow, ProductRow, Row, ShipToRow

MASTER_FACTS = Group(Customer, ShipTo, Product, Inventory)


def master_rows(found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Row]:
    customers, places, products, balances = found
    for customer in customers:
        c = customer.body
        yield CustomerRow(id=c.number, name=c.name, active=c.active, currency=c.currency, source=customer.doc.source)
    for place in places:
        a = place.body.address
        yield ShipToRow(
            id=place.body.id,
            customer_id=place.doc.id,
            name=a.name,
            street=a.street,
            city=a.city,
            region=a.region,
            postal_code=a.postal_code,
            country=a.country,
        )
    for product in products:
        p = product.body
        yield ProductRow(sku=p.sku, description=p.description, uom=p.uom, active=p.active, source=product.doc.source)
    for balance in balances:
        i = balance.body
        yield InventoryRow(
            sku=i.sku,
            warehouse=i.warehouse,
            source=balance.doc.source,
            on_hand=i.on_hand,
            allocated=i.allocated,
            as_of=i.as_of,
        )

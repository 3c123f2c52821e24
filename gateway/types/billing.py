"""Invoices, credit memos and charges."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.types.choices import InvoiceStatus
from gateway.types.common import Money, column, entity, many, money, one, orders_by_id, priced, resolved
from gateway.types.node import Node, identified
from gateway.visibility import Rows, through_orders, visible

if TYPE_CHECKING:
    from gateway.types.order import Order

LaterOrder = Annotated["Order", strawberry.lazy("gateway.types.order")]


BILLING = through_orders("o.id = t.order_id", partner="false")
"""Prices are not for partners."""


@visible("graph.invoice_line", rows=BILLING)
@strawberry.federation.type(description="A line of an invoice.")
class InvoiceLine:
    net: strawberry.Private[Decimal]
    currency: strawberry.Private[str]
    seq: str = column("Its number within the invoice.")
    line: str | None = column("The order's line that it bills; null when it bills something else.")
    quantity: Decimal = column("In the line's unit.")

    @resolved("What it comes to.", plan=priced("amount"))
    def amount(self) -> Money:
        return money(self.net, self.currency)


INVOICE_LINES = Batch("lines_by_invoice", reader(InvoiceLine, net=lambda row: row["amount"]))


@visible("graph.invoice", rows=BILLING)
@strawberry.federation.type(keys=["id", "number"], authenticated=True, description="An invoice or a credit memo.")
class Invoice(Node):
    order_id: strawberry.Private[str | None]
    total: strawberry.Private[Decimal]
    currency: strawberry.Private[str]
    global_id: strawberry.ID = identified("Invoice", lambda: INVOICE_BY_ID)
    id: strawberry.ID = column("Its number.")
    source: str = column("The system that wrote it.")
    number: str = column("Its number.")
    credit: bool = column("It is a credit memo.")
    status: InvoiceStatus = column("What became of it.")
    issued_at: datetime | None = column("When it was written.")
    due_on: date | None = column("The day by which it is to be paid.")
    paid_at: datetime | None = column("When it was paid.")

    @resolved("What it comes to.", plan=priced("amount"))
    def amount(self) -> Money:
        return money(self.total, self.currency)

    order: LaterOrder | None = one("The order; null while it is not known.", orders_by_id, "order_id")

    lines: list[InvoiceLine] = many("What it bills.", lambda: INVOICE_LINES, "id", sized(5))

    resolve_reference = entity(lambda: {"id": INVOICE_BY_ID, "number": INVOICE_BY_NUMBER})


_read_invoice = reader(Invoice, total=lambda row: row["amount"])
INVOICE_BY_ID: Batch[Invoice] = Batch("invoices_by_id", _read_invoice)
INVOICE_BY_NUMBER: Batch[Invoice] = Batch("invoices_by_number", _read_invoice)
INVOICES_BY_ORDER = Batch("invoices_by_order", _read_invoice)


@visible("graph.charge", rows=Rows())
@strawberry.federation.type(description="What an order costs us or the customer beside its goods.")
class Charge:
    net: strawberry.Private[Decimal]
    currency: strawberry.Private[str]
    id: strawberry.ID = column("The source and its identifier.")
    kind: str = column("FREIGHT, FUEL, HANDLING or ACCESSORIAL.")
    posting: str | None = column("The ERP's number of the shipment that it belongs to.")
    charged_at: datetime | None = column("When it was charged.")

    @resolved("What it comes to.", plan=priced("amount"))
    def amount(self) -> Money:
        return money(self.net, self.currency)


CHARGES_BY_ORDER = Batch("charges_by_order", reader(Charge, net=lambda row: row["amount"]))

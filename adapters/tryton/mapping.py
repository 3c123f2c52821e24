"""Tryton 8.2 in canonical words. It needs the modules sale, stock_package_shipping and account_invoice_stock.

A row of Tryton names other rows by id alone, so products, parties, units, currencies and locations are known by
their id here: an order line's `sku` is the product's id, and the product's description holds its code.
Its times are UTC without a zone; of many steps it keeps the day only.

An outgoing move takes goods to the customer, for a line of a sale. An inventory move takes them from the shelf, for
an outgoing move: the allocation's `line` is the key of that move's fact, since the row does not name the sale's line.
"""

from decimal import Decimal

from adapters.reading import Columns, TableMapping, TableRule
from adapters.tryton.codes import ACCEPTED, COMMERCIAL, HELD, ISSUED, LEFT
from adapters.tryton.rows import Several, exact, from_day, moved_on, reference, stamped, written
from orders.facts import (
    Address,
    Allocation,
    Customer,
    Doc,
    DocKind,
    Fact,
    Ident,
    Invoice,
    InvoiceLine,
    OrderHeader,
    OrderLine,
    Package,
    PartnerPick,
    Product,
    ShipmentHeader,
    ShipmentLine,
    ShipTo,
)

ZERO = Decimal(0)
ID = ("id",)


def doc(row: Columns, kind: DocKind, number: str) -> Doc:
    return Doc(row.source, kind, number)


def sale_line(row: Columns, number: str) -> Ident:
    return Ident(f"{row.source}:sale.line", number)


def sale(key: str, row: Columns) -> Fact:
    """A sale has a number from its first quotation on."""
    number, state = row.text("number"), row.id("state")
    if not number:
        return Fact(key=key)
    return Fact(
        key=key,
        doc=doc(row, DocKind.ORDER, row.id("id")),
        claims=(Ident("order_number", number),),
        body=OrderHeader(
            number=number,
            commercial=row.code("state", COMMERCIAL),
            customer=row.text("party"),
            customer_po=row.reference("reference"),
            channel=None,
            currency=row.id("currency"),
            ordered_at=stamped(row, "create_date"),
            accepted_at=from_day(row, "sale_date") if state in ACCEPTED else None,
            cancelled_at=written(row) if state == "cancelled" else None,
            ship_to=row.text("shipment_address"),
            warehouse=row.text("warehouse"),
            note=row.text("comment"),
        ),
    )


def line(key: str, row: Columns) -> Fact:
    """Titles and comments are no order lines, nor is what comes back: its quantity is negative."""
    number = row.id("id")
    ordered = exact(row, "quantity") if row.id("type") == "line" else ZERO
    if ordered <= 0:
        return Fact(key=key)
    return Fact(
        key=key,
        doc=doc(row, DocKind.ORDER, row.id("sale")),
        claims=(sale_line(row, number),),
        body=OrderLine(
            line=number,
            sku=row.text("product") or "",
            uom=row.text("unit") or "",
            ordered=ordered,
            unit_price=row.number("unit_price"),
            description=row.text("description"),
        ),
    )


def shipment(key: str, row: Columns) -> Fact:
    number, state = row.text("number"), row.id("state")
    if not number:
        return Fact(key=key)
    return Fact(
        key=key,
        doc=doc(row, DocKind.SHIPMENT, row.id("id")),
        body=ShipmentHeader(
            number=number,
            warehouse=row.text("warehouse"),
            carrier=row.text("carrier"),
            service=None,
            tracking=row.text("shipping_reference"),
            created_at=stamped(row, "create_date"),
            shipped_at=moved_on(row) if state in LEFT else None,
            delivered_at=moved_on(row) if state == "done" else None,
            void=state == "cancelled",
        ),
    )


def of_shipment(row: Columns) -> Doc | None:
    shipment_id = reference(row, "shipment", "stock.shipment.out")
    return doc(row, DocKind.SHIPMENT, shipment_id) if shipment_id and row.id("state") != "cancelled" else None


def outgoing(key: str, row: Columns) -> Fact:
    """What is, or is to be, in the shipment."""
    ordered, place = reference(row, "origin", "sale.line"), of_shipment(row)
    if not ordered or not place:
        return Fact(key=key)
    return Fact(
        key=key,
        doc=place,
        belongs_to=sale_line(row, ordered),
        body=ShipmentLine(line=ordered, sku=row.id("product"), quantity=exact(row, "quantity")),
    )


def packing(key: str, row: Columns) -> Fact:
    """An outgoing move that is assigned may still lie on the shelf, but not when it is in a package.

    That something is picked but not packed is told by inventory moves alone, which do not name the order's line.
    """
    ordered, place, state = reference(row, "origin", "sale.line"), of_shipment(row), row.id("state")
    packed = state == "done" or (state == "assigned" and row.text("package") is not None)
    if not ordered or not place or not packed:
        return Fact(key=key)
    quantity = exact(row, "quantity")
    return Fact(
        key=key,
        doc=place,
        body=PartnerPick(
            line=ordered, sku=row.id("product"), quantity=quantity, picked=quantity, packed=quantity, short=ZERO
        ),
    )


def allocation(key: str, row: Columns) -> Fact:
    """Tryton does not keep when a move was assigned; it is new whenever a shipment begins to wait for goods."""
    taken_for, place = reference(row, "origin", "stock.move"), of_shipment(row)
    if not taken_for or not place or row.id("state") not in HELD:
        return Fact(key=key)
    return Fact(
        key=key,
        doc=place,
        body=Allocation(
            line=f"move/{taken_for}",
            warehouse=row.id("from_location"),
            quantity=exact(row, "quantity"),
            at=stamped(row, "create_date"),
        ),
    )


def package(key: str, row: Columns) -> Fact:
    shipment_id = reference(row, "shipment", "stock.shipment.out")
    if not shipment_id:
        return Fact(key=key)
    return Fact(
        key=key,
        doc=doc(row, DocKind.SHIPMENT, shipment_id),
        body=Package(id=row.id("number"), sscc=None, tracking=row.text("shipping_reference"), weight_kg=None),
    )


def invoice(key: str, row: Columns) -> Fact:
    """A customer's invoice; it is a credit memo when its total is negative."""
    number, state = row.text("number"), row.id("state")
    if not number or row.id("type") != "out" or state not in ISSUED:
        return Fact(key=key)
    total = row.number("total_amount_cache") or ZERO
    return Fact(
        key=key,
        doc=doc(row, DocKind.INVOICE, row.id("id")),
        body=Invoice(
            number=number,
            credit=total < 0,
            issued_at=from_day(row, "invoice_date"),
            due_on=row.day("payment_term_date"),
            paid_at=written(row) if state == "paid" else None,
            amount=total,
            currency=row.id("currency"),
            void=state == "cancelled",
        ),
    )


def invoice_line(key: str, row: Columns) -> Fact:
    ordered, invoice_id = reference(row, "origin", "sale.line"), row.text("invoice")
    if not ordered or not invoice_id:
        return Fact(key=key)
    quantity = exact(row, "quantity")
    return Fact(
        key=key,
        doc=doc(row, DocKind.INVOICE, invoice_id),
        belongs_to=sale_line(row, ordered),
        body=InvoiceLine(line=ordered, quantity=quantity, amount=quantity * (row.number("unit_price") or ZERO)),
    )


def party(key: str, row: Columns) -> Fact:
    number = row.id("id")
    return Fact(
        key=key,
        doc=doc(row, DocKind.CUSTOMER, number),
        body=Customer(number=number, name=row.text("name") or row.text("code") or number, active=row.flag("active")),
    )


def address(key: str, row: Columns) -> Fact:
    street = row.text("street_unstructured") or " ".join(
        part for part in (row.text("building_number"), row.text("street_name")) if part
    )
    return Fact(
        key=key,
        doc=doc(row, DocKind.CUSTOMER, row.id("party")),
        body=ShipTo(
            id=row.id("id"),
            address=Address(
                name=row.text("party_name") or "",
                street=street,
                city=row.text("city") or "",
                postal_code=row.text("postal_code") or "",
            ),
        ),
    )


def product(key: str, row: Columns) -> Fact:
    number = row.id("id")
    return Fact(
        key=key,
        doc=doc(row, DocKind.PRODUCT, number),
        body=Product(sku=number, description=row.text("code") or number, uom="", active=row.flag("active")),
    )


MAPPING = TableMapping(
    {
        "public.party_party": TableRule("party", ID, party),
        "public.party_address": TableRule("address", ID, address),
        "public.product_product": TableRule("product", ID, product),
        "public.sale_sale": TableRule("sale", ID, sale),
        "public.sale_line": TableRule("line", ID, line),
        "public.stock_shipment_out": TableRule("shipment", ID, shipment),
        "public.stock_move": Several(
            TableRule("move", ID, outgoing),
            TableRule("packing", ID, packing),
            TableRule("allocation", ID, allocation),
        ),
        "public.stock_package": TableRule("package", ID, package),
        "public.account_invoice": TableRule("invoice", ID, invoice),
        "public.account_invoice_line": TableRule("invoice_line", ID, invoice_line),
    }
)

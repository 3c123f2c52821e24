"""From facts to the graph: everything that is shown of a document tree, as a pure function of its facts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from orders.aggregate import Aggregate, Entry, Facts, Group
from orders.facets import Facets, facets, latest_delivery, latest_eta, total_of
from orders.facts import (
    Charge,
    Customer,
    Doc,
    DocKind,
    HoldEntry,
    Inventory,
    Invoice,
    InvoiceLine,
    OrderHeader,
    PartnerOrder,
    Product,
    ReturnHeader,
    ReturnLine,
    ShipTo,
)
from orders.graph import (
    ChargeRow,
    CustomerRow,
    FulfillmentOrderRow,
    HoldRow,
    InventoryRow,
    InvoiceLineRow,
    InvoiceRow,
    LineRow,
    MilestoneRow,
    OrderRow,
    PackageRow,
    ProductRow,
    ReferenceRow,
    ReturnLineRow,
    ReturnRow,
    Row,
    ShipmentLineRow,
    ShipmentRow,
    ShipToRow,
    TransportEventRow,
)
from orders.happenings import Told, happenings
from orders.lines import Line, lines
from orders.recall import Recall
from orders.shipments import Shipment, Standing, shipments, standings
from orders.states import Delivery
from orders.view import Pieces, Recipe, View

Beside = Sequence[Sequence[Sequence[Entry[Any]]]]
"""The facts of each kind in `BESIDE`."""
MASTER_DATA = frozenset({DocKind.CUSTOMER, DocKind.PRODUCT, DocKind.INVENTORY})


def derive(root: Doc, facts: Facts, recall: Recall | None = None) -> View:
    """The view of the tree under `root`. Equal facts give an equal view, in whatever order they came."""
    return shown(Aggregate(root, facts), recall or Recall(), {})


def shown(order: Aggregate, recall: Recall, shelf: Pieces) -> View:
    """The view of all these facts. What an earlier one of the tree worked out is on `recall` and `shelf`."""
    if order.root.kind in MASTER_DATA:
        return View(partial(master, order.each(MASTER_FACTS)), shelf, {})
    header = order.first(OrderHeader)
    parcels = shipments(order, recall)
    beside = [order.each(group) for _, group in BESIDE]
    if header is None:
        return View(partial(common, parcels, beside, None), shelf, {})
    items = lines(order, recall, parcels)
    total = recall("total", "", total_of, items)
    state = facets(order, recall, header.body, parcels, items)
    told = happenings(order, recall, header, parcels)
    recipes = partial(of_order, header, state, parcels, items, total, told, beside)
    return View(recipes, shelf, told, header.body, state)


def master(found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Recipe]:
    yield "master", master_rows, (found,)


def of_order(
    header: Entry[OrderHeader],
    state: Facets,
    parcels: Sequence[Shipment],
    items: Sequence[Line],
    total: Decimal,
    told: Mapping[str, Told],
    beside: Beside,
) -> Iterator[Recipe]:
    yield "order", order_rows, (header, state, parcels, total, told)
    yield "lines", line_rows, (header.body.number, items)
    yield from common(parcels, beside, header.body.number)


def common(parcels: Sequence[Shipment], beside: Beside, order_id: str | None) -> Iterator[Recipe]:
    """What is shown with or without an order above it."""
    for (rows, _), entries in zip(BESIDE, beside, strict=True):
        if any(entries):
            yield rows.__name__, rows, (order_id, entries)
    for name, alike in by_id(parcels).items():
        yield f"shipment/{name}", shipments_rows, (alike, order_id)


def by_id(parcels: Iterable[Shipment]) -> dict[str, list[Shipment]]:
    """Several of one id share their rows."""
    found: dict[str, list[Shipment]] = {}
    for shipment in parcels:
        found.setdefault(shipment.id, []).append(shipment)
    return found


def order_rows(
    header: Entry[OrderHeader], state: Facets, parcels: Sequence[Shipment], total: Decimal, told: Mapping[str, Told]
) -> Iterator[Row]:
    yield order_row(header, state, standings(parcels), total, last_event(header.body, told.values()))
    yield from order_references(header.body)


def line_rows(order_id: str, items: Sequence[Line]) -> Iterator[Row]:
    return (line_row(order_id, line) for line in items)


def order_row(
    header: Entry[OrderHeader],
    state: Facets,
    parcels: Sequence[Standing],
    total: Decimal,
    moved_at: datetime | None,
) -> OrderRow:
    body = header.body
    return OrderRow(
        id=body.number,
        source=header.doc.source,
        number=body.number,
        customer_id=body.customer,
        customer_po=body.customer_po,
        channel=body.channel,
        warehouse=body.warehouse,
        ship_to_id=body.ship_to,
        currency=body.currency,
        total=total,
        ordered_at=body.ordered_at,
        accepted_at=body.accepted_at,
        requested_on=body.requested_on,
        promised_on=body.promised_on,
        eta=latest_eta(parcels),
        cancelled_at=body.cancelled_at,
        held_at=body.held_at,
        hold_reason=body.hold_reason,
        note=body.note,
        commercial=state.commercial,
        fulfillment=state.fulfillment,
        delivery=state.delivery,
        financial=state.financial,
        return_state=state.return_state,
        health=state.health,
        display_status=state.display,
        delivered_at=latest_delivery(parcels) if state.delivery is Delivery.DELIVERED else None,
        last_event_at=moved_at,
    )


def last_event(body: OrderHeader, told: Iterable[Told]) -> datetime | None:
    """Placing the order counts too."""
    instants = (body.ordered_at, *(happening.occurred_at for each in told for happening in each.values()))
    return max((at for at in instants if at is not None), default=None)


def line_row(order_id: str, line: Line) -> LineRow:
    body = line.entry.body
    return LineRow(
        order_id=order_id,
        line=body.line,
        sku=body.sku,
        description=body.description,
        uom=body.uom,
        unit_price=body.unit_price,
        promised_on=body.promised_on,
        ordered=line.ordered,
        cancelled=line.cancelled,
        backordered=line.backordered,
        allocated=line.allocated,
        released=line.released,
        picked=line.picked,
        packed=line.packed,
        shipped=line.shipped,
        in_transit=line.in_transit,
        delivered=line.delivered,
        lost=line.lost,
        returned=line.returned,
        invoiced=line.invoiced,
        open=line.open,
        status=line.status,
    )


def order_references(body: OrderHeader) -> Iterator[Row]:
    yield reference("order_number", body.number, "order", body.number, body.number)
    if body.customer_po:
        yield reference("customer_po", body.customer_po, "order", body.number, body.number)


def reference(scheme: str, value: str, target: str, target_id: str, order_id: str | None) -> ReferenceRow:
    return ReferenceRow(scheme=scheme, value=value, target=target, target_id=target_id, order_id=order_id)


def shipments_rows(alike: Iterable[Shipment], order_id: str | None) -> Iterator[Row]:
    return (row for shipment in alike for row in shipment_rows(shipment, order_id))


def shipment_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    yield shipment_row(shipment, order_id)
    for goods in shipment.goods:
        yield ShipmentLineRow(
            shipment_id=shipment.id,
            line=goods.line,
            order_id=order_id,
            sku=goods.sku,
            quantity=goods.quantity,
            lot=goods.lot,
        )
    yield from milestone_rows(shipment, order_id)
    yield from scan_rows(shipment, order_id)
    yield from package_rows(shipment, order_id)
    yield from shipment_references(shipment, order_id)


def shipment_row(shipment: Shipment, order_id: str | None) -> ShipmentRow:
    header, state, told = shipment.header, shipment.standing.state, shipment.latest_reason
    posting = shipment.posting.body if shipment.posting else None
    shipped_at = header.shipped_at or (posting.shipped_at if posting else None)
    return ShipmentRow(
        id=shipment.id,
        order_id=order_id,
        source=shipment.doc.source,
        number=shipment.number,
        warehouse=header.warehouse or (posting.warehouse if posting else None),
        carrier=header.carrier or (posting.carrier if posting else None),
        service=header.service,
        tracking=header.tracking or (posting.tracking if posting else None),
        posting=posting.number if posting else None,
        milestone=state.name,
        rank=state.value,
        delayed=shipment.standing.delayed,
        reason=told.reason if told else None,
        reason_family=told.reason_family if told else None,
        created_at=header.created_at,
        shipped_at=shipped_at,
        delivered_at=shipment.standing.delivered_at,
        eta=header.eta,
        pod_name=header.pod_name,
        pod_at=header.pod_at,
        void=header.void,
    )


def milestone_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    for milestone, reached in shipment.milestones.items():
        yield MilestoneRow(
            shipment_id=shipment.id,
            milestone=milestone.name,
            rank=milestone.value,
            order_id=order_id,
            occurred_at=reached.at,
            late=reached.late,
            transport_event_id=reached.scan.id if reached.scan else None,
            taxonomy=reached.taxonomy,
        )


def scan_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    for scan in shipment.scans:
        entry, body = scan.entry, scan.entry.body
        yield TransportEventRow(
            id=entry.id,
            shipment_id=shipment.id,
            order_id=order_id,
            namespace=body.namespace,
            code=body.code,
            milestone=body.milestone.name,
            overlay=body.overlay,
            reason=body.reason,
            reason_family=body.reason_family,
            occurred_at=body.occurred_at,
            offset_minutes=body.offset_minutes,
            recorded_at=body.recorded_at,
            city=body.city,
            region=body.region,
            duplicate=scan.duplicate,
        )


def package_rows(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    for entry in shipment.packages:
        body = entry.body
        yield PackageRow(
            id=entry.id,
            shipment_id=shipment.id,
            order_id=order_id,
            sscc=body.sscc,
            tracking=body.tracking,
            weight_kg=body.weight_kg,
        )
        if body.sscc:
            yield reference("sscc", body.sscc, "shipment", shipment.id, order_id)
        if body.tracking:
            yield reference("tracking", body.tracking, "shipment", shipment.id, order_id)


def shipment_references(shipment: Shipment, order_id: str | None) -> Iterator[Row]:
    posting = shipment.posting.body if shipment.posting else None
    named = (
        ("shipment", shipment.number),
        ("shipment", posting.number if posting else None),
        ("tracking", shipment.header.tracking),
        ("tracking", posting.tracking if posting else None),
    )
    for scheme, value in named:
        if value:
            yield reference(scheme, value, "shipment", shipment.id, order_id)


def fulfillment_orders(order_id: str | None, found: Sequence[Sequence[Entry[PartnerOrder]]]) -> Iterator[Row]:
    for entry in found[0]:
        body, row_id = entry.body, f"{entry.doc.source}:{entry.body.number}"
        yield FulfillmentOrderRow(
            id=row_id,
            order_id=order_id,
            source=entry.doc.source,
            number=body.number,
            state=body.state,
            quoted_reference=body.quoted_reference,
            received_at=body.received_at,
            acknowledged_at=body.acknowledged_at,
        )
        yield reference("fulfillment_order", body.number, "fulfillment_order", row_id, order_id)


def invoice_rows(order_id: str | None, found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Row]:
    invoices, billed = found
    numbers: dict[Doc, str] = {}
    for entry in invoices:
        body = entry.body
        numbers[entry.doc] = body.number
        yield InvoiceRow(
            id=body.number,
            order_id=order_id,
            source=entry.doc.source,
            number=body.number,
            credit=body.credit,
            status=invoice_status(body),
            amount=body.amount,
            currency=body.currency,
            issued_at=body.issued_at,
            due_on=body.due_on,
            paid_at=body.paid_at,
        )
        yield reference("invoice", body.number, "invoice", body.number, order_id)
    for line in billed:
        if line.doc in numbers:
            yield InvoiceLineRow(
                invoice_id=numbers[line.doc],
                seq=line.local.rpartition("/")[2],
                order_id=order_id,
                line=line.body.line,
                quantity=line.body.quantity,
                amount=line.body.amount,
            )


def invoice_status(body: Invoice) -> str:
    if body.void:
        return "VOID"
    if body.disputed:
        return "DISPUTED"
    return "PAID" if body.paid_at is not None else "OPEN"


def return_rows(order_id: str | None, found: Sequence[Sequence[Entry[Any]]]) -> Iterator[Row]:
    returns, back = found
    numbers: dict[Doc, str] = {}
    for entry in returns:
        body = entry.body
        numbers[entry.doc] = body.number
        yield ReturnRow(
            id=body.number,
            order_id=order_id,
            source=entry.doc.source,
            number=body.number,
            state=body.state,
            reason=body.reason,
            authorized_at=body.authorized_at,
            received_at=body.received_at,
            restocked_at=body.restocked_at,
            refunded_at=body.refunded_at,
        )
        yield reference("rma", body.number, "return", body.number, order_id)
    for line in back:
        if line.doc in numbers:
            yield ReturnLineRow(
                return_id=numbers[line.doc], line=line.body.line, order_id=order_id, quantity=line.body.quantity
            )


def charge_rows(order_id: str | None, charges: Sequence[Sequence[Entry[Charge]]]) -> Iterator[Row]:
    for entry in charges[0]:
        body = entry.body
        yield ChargeRow(
            id=entry.id,
            order_id=order_id,
            kind=body.kind,
            amount=body.amount,
            currency=body.currency,
            posting=body.posting,
            charged_at=body.at,
        )


def hold_rows(order_id: str | None, holds: Sequence[Sequence[Entry[HoldEntry]]]) -> Iterator[Row]:
    for entry in holds[0]:
        body = entry.body
        yield HoldRow(
            id=entry.id,
            order_id=order_id,
            held=body.held,
            reason=body.reason,
            note=body.note,
            username=body.user,
            at=body.at,
            command_id=body.command,
        )


BESIDE: tuple[tuple[Callable[..., Iterator[Row]], Group], ...] = (
    (fulfillment_orders, Group(PartnerOrder)),
    (invoice_rows, Group(Invoice, InvoiceLine)),
    (return_rows, Group(ReturnHeader, ReturnLine)),
    (charge_rows, Group(Charge)),
    (hold_rows, Group(HoldEntry)),
)
"""What is shown beside the shipments: rows, and the facts that they are of."""


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

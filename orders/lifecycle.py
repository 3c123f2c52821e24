"""From facts to the graph: everything that is shown of a document tree, as a pure function of its facts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from orders.aggregate import Aggregate, Entry, Facts
from orders.facets import Facets, facets, latest_delivery, latest_eta, total_of
from orders.facts import (
    Body,
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
    Identity,
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
    by_identity,
)
from orders.happenings import Happening, happenings
from orders.lines import Line, lines
from orders.recall import Recall
from orders.shipments import Shipment, shipments
from orders.states import Delivery


class View(Struct, frozen=True):
    """What is shown of one document tree. Without an order, `order_id` is None and nothing has happened yet."""

    rows: dict[Identity, Row]
    happenings: dict[str, Happening]
    order_id: str | None = None
    facets: Facets | None = None


MASTER_DATA = frozenset({DocKind.CUSTOMER, DocKind.PRODUCT, DocKind.INVENTORY})
EMPTY = View(rows={}, happenings={})


def derive(root: Doc, facts: Facts, recall: Recall | None = None) -> View:
    """The view of the tree under `root`. Equal facts give an equal view, in whatever order they came.

    `recall` may know what an earlier derivation of the tree worked out.
    """
    order, recall = Aggregate(root, facts), recall or Recall()
    if root.kind in MASTER_DATA:
        return View(rows=by_identity(master_rows(order)), happenings={})
    header = order.first(OrderHeader)
    parcels = shipments(order, recall)
    if header is None:
        return View(rows=common_rows(order, recall, parcels, None), happenings={})
    items = lines(order, recall, parcels)
    state = facets(order, header.body, parcels, items)
    told = happenings(order, recall, header, parcels)
    moved_at = last_event(header.body, told.values())
    return View(
        rows={
            **shown(recall, "order", order_rows, header, state, parcels, items, moved_at),
            **common_rows(order, recall, parcels, header.body.number),
        },
        happenings=told,
        order_id=header.body.number,
        facets=state,
    )


def shown(recall: Recall, name: str, rows: Callable[..., Iterable[Row]], *inputs: Any) -> dict[Identity, Row]:
    return recall("rows", name, lambda *given: by_identity(rows(*given)), *inputs)


def common_rows(
    order: Aggregate, recall: Recall, parcels: Sequence[Shipment], order_id: str | None
) -> dict[Identity, Row]:
    """What is shown with or without an order above it."""
    found: dict[Identity, Row] = {}
    for shipment in parcels:
        found.update(shown(recall, shipment.id, shipment_rows, shipment, order_id))
    for rows, kinds in BESIDE:
        entries = order.each(kinds)
        if any(entries):
            found.update(shown(recall, rows.__name__, rows, order_id, *entries))
    return found


def order_rows(
    header: Entry[OrderHeader],
    state: Facets,
    parcels: Sequence[Shipment],
    items: Sequence[Line],
    moved_at: datetime | None,
) -> Iterator[Row]:
    yield order_row(header, state, parcels, items, moved_at)
    yield from (line_row(header.body.number, line) for line in items)
    yield from order_references(header.body)


def order_row(
    header: Entry[OrderHeader],
    state: Facets,
    parcels: Sequence[Shipment],
    items: Sequence[Line],
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
        total=total_of(items),
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


def last_event(body: OrderHeader, told: Iterable[Happening]) -> datetime | None:
    """Placing the order counts too."""
    instants = (body.ordered_at, *(happening.occurred_at for happening in told))
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
    header, state, told = shipment.header, shipment.state, shipment.latest_reason
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
        delayed=shipment.delayed,
        reason=told.reason if told else None,
        reason_family=told.reason_family if told else None,
        created_at=header.created_at,
        shipped_at=shipped_at,
        delivered_at=shipment.delivered_at,
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


def fulfillment_orders(order_id: str | None, found: Iterable[Entry[PartnerOrder]]) -> Iterator[Row]:
    for entry in found:
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


def invoice_rows(
    order_id: str | None, invoices: Iterable[Entry[Invoice]], billed: Iterable[Entry[InvoiceLine]]
) -> Iterator[Row]:
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


def return_rows(
    order_id: str | None, returns: Iterable[Entry[ReturnHeader]], back: Iterable[Entry[ReturnLine]]
) -> Iterator[Row]:
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


def charge_rows(order_id: str | None, charges: Iterable[Entry[Charge]]) -> Iterator[Row]:
    for entry in charges:
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


def hold_rows(order_id: str | None, holds: Iterable[Entry[HoldEntry]]) -> Iterator[Row]:
    for entry in holds:
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


BESIDE: tuple[tuple[Callable[..., Iterator[Row]], tuple[type[Body], ...]], ...] = (
    (fulfillment_orders, (PartnerOrder,)),
    (invoice_rows, (Invoice, InvoiceLine)),
    (return_rows, (ReturnHeader, ReturnLine)),
    (charge_rows, (Charge,)),
    (hold_rows, (HoldEntry,)),
)
"""What is shown beside the shipments: rows, and the facts that they are of."""


def master_rows(order: Aggregate) -> Iterator[Row]:
    for customer in order.all(Customer):
        c = customer.body
        yield CustomerRow(id=c.number, name=c.name, active=c.active, currency=c.currency, source=customer.doc.source)
    for place in order.all(ShipTo):
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
    for product in order.all(Product):
        p = product.body
        yield ProductRow(sku=p.sku, description=p.description, uom=p.uom, active=p.active, source=product.doc.source)
    for balance in order.all(Inventory):
        i = balance.body
        yield InventoryRow(
            sku=i.sku,
            warehouse=i.warehouse,
            source=balance.doc.source,
            on_hand=i.on_hand,
            allocated=i.allocated,
            as_of=i.as_of,
        )

"""Rows of an order itself and of its lines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from orders.aggregate import Entry
from orders.facets import Facets, latest_delivery, latest_eta
from orders.facts import OrderHeader
from orders.graph import LineRow, OrderRow, Row
from orders.happenings import Told
from orders.lines import Line
from orders.rows.references import reference
from orders.shipments import Shipment, Standing, standings
from orders.states import Delivery


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

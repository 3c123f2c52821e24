"""An order's facets: independent states, each the first rule of docs/lifecycle.md that holds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import Struct

from orders.aggregate import Aggregate
from orders.facts import Invoice, OrderHeader, PartnerOrder, ReturnHeader
from orders.lines import RETURNS, ZERO, Line, received_back
from orders.shipments import Shipment
from orders.states import Commercial, Delivery, DisplayStatus, Financial, Fulfillment, Health, Milestone, Return

ENDED = frozenset({Commercial.CANCELLED, Commercial.REJECTED, Commercial.CLOSED})
VOIDED = frozenset({Commercial.CANCELLED, Commercial.REJECTED})
ACCEPTED = frozenset({Commercial.ACCEPTED, Commercial.ACCEPTED_WITH_CHANGES, Commercial.CLOSED})
EXCEPTIONS = frozenset({Milestone.DELIVERY_ATTEMPTED, Milestone.REFUSED, Milestone.LOST})
GOING_BACK = frozenset({Milestone.RETURNING, Milestone.RETURNED})
NEAR = frozenset({Milestone.OUT_FOR_DELIVERY, Milestone.READY_FOR_PICKUP, Milestone.ARRIVED_AT_CONSIGNEE})


class Facets(Struct, frozen=True):
    commercial: Commercial
    fulfillment: Fulfillment
    delivery: Delivery
    financial: Financial
    return_state: Return
    health: Health
    display: DisplayStatus


def facets(order: Aggregate, header: OrderHeader, parcels: Sequence[Shipment], items: Sequence[Line]) -> Facets:
    is_open = any(line.open > 0 for line in items)
    commercial = commercial_of(header)
    delivery = delivery_of(parcels, is_open)
    fulfillment = fulfillment_of(order, items, is_open)
    returned = max((e.body.state for e in order.all(ReturnHeader)), key=RETURNS.index, default=Return.NONE)
    health = health_of(header, commercial, delivery, parcels, items, is_open)
    return Facets(
        commercial=commercial,
        fulfillment=fulfillment,
        delivery=delivery,
        financial=financial_of(order, items, is_open),
        return_state=returned,
        health=health,
        display=display_of(commercial, fulfillment, delivery, returned, health, parcels),
    )


def commercial_of(header: OrderHeader) -> Commercial:
    held = header.held_at is not None and header.commercial not in ENDED
    return Commercial.ON_HOLD if held else header.commercial


def fulfillment_of(order: Aggregate, items: Sequence[Line], is_open: bool) -> Fulfillment:
    shipped = any(line.shipped > 0 for line in items)
    if shipped and is_open:
        return Fulfillment.PARTIALLY_SHIPPED
    if not is_open and any(line.entry.body.closed_short for line in items):
        return Fulfillment.SHORT_CLOSED
    return Fulfillment.SHIPPED if shipped else before_shipping(order, items)


def before_shipping(order: Aggregate, items: Sequence[Line]) -> Fulfillment:
    partners = [e.body for e in order.all(PartnerOrder) if e.body.state != "CANCELLED"]
    rules = (
        (Fulfillment.PACKED, any(line.packed > 0 for line in items)),
        (Fulfillment.PICKING, any(line.picked > 0 for line in items)),
        (Fulfillment.PICKING, any(p.state in ("PICKING", "PICKED", "PACKED") for p in partners)),
        (Fulfillment.ACKNOWLEDGED, any(p.acknowledged_at is not None for p in partners)),
        (Fulfillment.RELEASED, any(line.released > 0 for line in items)),
        (Fulfillment.ALLOCATED, any(line.allocated > 0 for line in items)),
        (Fulfillment.BACKORDERED, any(line.backordered > 0 for line in items)),
    )
    return next((state for state, holds in rules if holds), Fulfillment.NOT_RELEASED)


def delivery_of(parcels: Sequence[Shipment], is_open: bool) -> Delivery:
    moved = [s for s in parcels if s.moved]
    rules = (
        (Delivery.NONE, not moved),
        (Delivery.RETURN_TO_SENDER, any(s.state in GOING_BACK for s in moved)),
        (Delivery.DELIVERY_EXCEPTION, any(s.state in EXCEPTIONS for s in moved)),
        (Delivery.DELIVERED, all(s.delivered for s in moved) and not is_open),
        (Delivery.PARTIALLY_DELIVERED, any(s.delivered for s in moved)),
    )
    return next((state for state, holds in rules if holds), Delivery.IN_TRANSIT)


def financial_of(order: Aggregate, items: Sequence[Line], is_open: bool) -> Financial:
    live = [e.body for e in order.all(Invoice) if not e.body.void]
    invoices = [i for i in live if not i.credit]
    billed = sum((i.amount for i in invoices), ZERO)
    credited = sum((abs(i.amount) for i in live if i.credit), ZERO)
    rules = (
        (Financial.NOT_INVOICED, not invoices),
        (Financial.DISPUTED, any(i.disputed for i in live)),
        (Financial.CREDITED, credited >= billed),
        (Financial.PARTIALLY_INVOICED, is_open or any(line.invoiced < line.shipped for line in items)),
        (Financial.PAID, all(i.paid_at is not None for i in invoices)),
    )
    return next((state for state, holds in rules if holds), Financial.INVOICED)


def health_of(
    header: OrderHeader,
    commercial: Commercial,
    delivery: Delivery,
    parcels: Sequence[Shipment],
    items: Sequence[Line],
    is_open: bool,
) -> Health:
    short = is_open and any(line.backordered > 0 for line in items)
    rules = (
        (Health.OK, commercial in VOIDED),
        (Health.BLOCKED, commercial is Commercial.ON_HOLD),
        (Health.LATE, any(s.delayed or misses_promise(header, s) for s in parcels)),
        (Health.AT_RISK, delivery is Delivery.DELIVERY_EXCEPTION or short),
    )
    return next((state for state, holds in rules if holds), Health.OK)


def misses_promise(header: OrderHeader, shipment: Shipment) -> bool:
    eta, promised = shipment.header.eta, header.promised_on
    return not shipment.over and eta is not None and promised is not None and eta.astimezone(UTC).date() > promised


def display_of(
    commercial: Commercial,
    fulfillment: Fulfillment,
    delivery: Delivery,
    returned: Return,
    health: Health,
    parcels: Sequence[Shipment],
) -> DisplayStatus:
    preparing = fulfillment not in (Fulfillment.NOT_RELEASED, Fulfillment.BACKORDERED) or commercial in ACCEPTED
    rules = (
        (DisplayStatus.CANCELLED, commercial in VOIDED),
        (DisplayStatus.RETURNED, received_back(returned) or any(s.came_back for s in parcels)),
        (
            DisplayStatus.ACTION_NEEDED,
            commercial is Commercial.ON_HOLD or delivery is Delivery.DELIVERY_EXCEPTION,
        ),
        (DisplayStatus.DELAYED, health is Health.LATE),
        (DisplayStatus.DELIVERED, delivery is Delivery.DELIVERED),
        (DisplayStatus.PARTLY_DELIVERED, delivery is Delivery.PARTIALLY_DELIVERED),
        (DisplayStatus.OUT_FOR_DELIVERY, any(s.moved and s.state in NEAR for s in parcels)),
        (DisplayStatus.PARTLY_SHIPPED, fulfillment is Fulfillment.PARTIALLY_SHIPPED),
        (DisplayStatus.ON_THE_WAY, delivery is not Delivery.NONE),
        (DisplayStatus.PREPARING, preparing),
    )
    return next((state for state, holds in rules if holds), DisplayStatus.RECEIVED)


def latest_eta(parcels: Sequence[Shipment]) -> datetime | None:
    return max((s.header.eta for s in parcels if s.header.eta is not None and not s.over), default=None)


def total_of(items: Sequence[Line]) -> Decimal:
    return sum(((line.ordered - line.cancelled) * (line.entry.body.unit_price or ZERO) for line in items), ZERO)

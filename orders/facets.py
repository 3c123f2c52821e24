"""An order's facets: independent states, each the first rule of docs/lifecycle.md that holds."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from orders.aggregate import Aggregate, Entry, Group
from orders.facts import Invoice, OrderHeader, PartnerOrder, ReturnHeader
from orders.lines import RETURNS, ZERO, Line, received_back
from orders.recall import Recall
from orders.shipments import Shipment, Standing, standings
from orders.states import Commercial, Delivery, DisplayStatus, Financial, Fulfillment, Health, Milestone, Return
from orders.values import Value, exactly

ENDED = frozenset({Commercial.CANCELLED, Commercial.REJECTED, Commercial.CLOSED})
VOIDED = frozenset({Commercial.CANCELLED, Commercial.REJECTED})
ACCEPTED = frozenset({Commercial.ACCEPTED, Commercial.ACCEPTED_WITH_CHANGES, Commercial.CLOSED})
EXCEPTIONS = frozenset({Milestone.DELIVERY_ATTEMPTED, Milestone.REFUSED, Milestone.LOST})
GOING_BACK = frozenset({Milestone.RETURNING, Milestone.RETURNED})
NEAR = frozenset({Milestone.OUT_FOR_DELIVERY, Milestone.READY_FOR_PICKUP, Milestone.ARRIVED_AT_CONSIGNEE})


class Facets(Value, frozen=True):
    commercial: Commercial
    fulfillment: Fulfillment
    delivery: Delivery
    financial: Financial
    return_state: Return
    health: Health
    display: DisplayStatus


STATING = Group(PartnerOrder, Invoice, ReturnHeader)
"""Facts whose own states count, beside the header."""


class Progress(Value, frozen=True):
    """Of an order's lines: whether any of them is so far."""

    is_open: bool
    closed_short: bool
    backordered: bool
    allocated: bool
    released: bool
    picked: bool
    packed: bool
    shipped: bool
    unbilled: bool


class Asked(Value, frozen=True):
    """Of the partners' orders for it that are not cancelled: whether any of them is so far."""

    acknowledged: bool
    picking: bool


class Billing(Value, frozen=True):
    """Of its invoices that are not void. `paid` is true when all are, credit memos aside."""

    billed: bool
    disputed: bool = False
    credited: bool = False
    paid: bool = False


def facets(
    order: Aggregate, recall: Recall, header: OrderHeader, parcels: Sequence[Shipment], items: Sequence[Line]
) -> Facets:
    return recall.within("facets", stated_of, header, parcels, items, order.each(STATING))


def stated_of(
    recall: Recall, header: OrderHeader, parcels: Sequence[Shipment], items: Sequence[Line], facts: Sequence[Any]
) -> Facets:
    partners, invoices, returns = facts
    progress = recall("facets", "progress", progress_of, items)
    states = asked_of(partners), billing_of(invoices), returned_of(returns)
    return recall("facets", "of", facets_of, header, standings(parcels), progress, *states)


def facets_of(
    header: OrderHeader,
    parcels: Sequence[Standing],
    lines: Progress,
    asked: Asked,
    billing: Billing,
    returned: Return,
) -> Facets:
    commercial = commercial_of(header)
    delivery = delivery_of(parcels, lines.is_open)
    fulfillment = fulfillment_of(asked, lines)
    health = health_of(header, commercial, delivery, parcels, lines)
    return Facets(
        commercial=commercial,
        fulfillment=fulfillment,
        delivery=delivery,
        financial=financial_of(billing, lines),
        return_state=returned,
        health=health,
        display=display_of(commercial, fulfillment, delivery, returned, health, parcels),
    )


def progress_of(items: Sequence[Line]) -> Progress:
    return Progress(
        is_open=any(line.open > 0 for line in items),
        closed_short=any(line.entry.body.closed_short for line in items),
        backordered=any(line.backordered > 0 for line in items),
        allocated=any(line.allocated > 0 for line in items),
        released=any(line.released > 0 for line in items),
        picked=any(line.picked > 0 for line in items),
        packed=any(line.packed > 0 for line in items),
        shipped=any(line.shipped > 0 for line in items),
        unbilled=any(line.invoiced < line.shipped for line in items),
    )


def asked_of(partners: Iterable[Entry[PartnerOrder]]) -> Asked:
    live = [e.body for e in partners if e.body.state != "CANCELLED"]
    return Asked(
        acknowledged=any(p.acknowledged_at is not None or p.state == "ACKNOWLEDGED" for p in live),
        picking=any(p.state in ("PICKING", "PICKED", "PACKED") for p in live),
    )


@exactly
def billing_of(found: Iterable[Entry[Invoice]]) -> Billing:
    live = [e.body for e in found if not e.body.void]
    invoices = [i for i in live if not i.credit]
    if not invoices:
        return Billing(billed=False)
    billed = sum((i.amount for i in invoices), ZERO)
    memos = [abs(i.amount) for i in live if i.credit]
    return Billing(
        billed=True,
        disputed=any(i.disputed for i in live),
        credited=bool(memos) and sum(memos) >= billed,
        paid=all(i.paid_at is not None for i in invoices),
    )


def returned_of(returns: Iterable[Entry[ReturnHeader]]) -> Return:
    """The furthest."""
    return max((e.body.state for e in returns), key=RETURNS.index, default=Return.NONE)


def commercial_of(header: OrderHeader) -> Commercial:
    held = header.held_at is not None and header.commercial not in ENDED
    return Commercial.ON_HOLD if held else header.commercial


def fulfillment_of(asked: Asked, lines: Progress) -> Fulfillment:
    if lines.shipped and lines.is_open:
        return Fulfillment.PARTIALLY_SHIPPED
    if not lines.is_open and lines.closed_short:
        return Fulfillment.SHORT_CLOSED
    if lines.shipped:
        return Fulfillment.SHIPPED
    if lines.packed:
        return Fulfillment.PACKED
    if lines.picked or asked.picking:
        return Fulfillment.PICKING
    if asked.acknowledged:
        return Fulfillment.ACKNOWLEDGED
    if lines.released:
        return Fulfillment.RELEASED
    if lines.allocated:
        return Fulfillment.ALLOCATED
    if lines.backordered:
        return Fulfillment.BACKORDERED
    return Fulfillment.NOT_RELEASED


def delivery_of(parcels: Sequence[Standing], is_open: bool) -> Delivery:
    moved = [s for s in parcels if s.moved]
    if not moved:
        return Delivery.NONE
    if any(s.state in GOING_BACK for s in moved):
        return Delivery.RETURN_TO_SENDER
    if any(s.state in EXCEPTIONS for s in moved):
        return Delivery.DELIVERY_EXCEPTION
    if all(s.delivered for s in moved) and not is_open:
        return Delivery.DELIVERED
    if any(s.delivered for s in moved):
        return Delivery.PARTIALLY_DELIVERED
    return Delivery.IN_TRANSIT


def financial_of(billing: Billing, lines: Progress) -> Financial:
    if not billing.billed:
        return Financial.NOT_INVOICED
    if billing.disputed:
        return Financial.DISPUTED
    if billing.credited:
        return Financial.CREDITED
    if lines.is_open or lines.unbilled:
        return Financial.PARTIALLY_INVOICED
    if billing.paid:
        return Financial.PAID
    return Financial.INVOICED


def health_of(
    header: OrderHeader,
    commercial: Commercial,
    delivery: Delivery,
    parcels: Sequence[Standing],
    lines: Progress,
) -> Health:
    if commercial in VOIDED:
        return Health.OK
    if commercial is Commercial.ON_HOLD:
        return Health.BLOCKED
    if any(s.delayed or misses_promise(header.promised_on, s) for s in parcels):
        return Health.LATE
    if delivery is Delivery.DELIVERY_EXCEPTION:
        return Health.AT_RISK
    if lines.is_open and lines.backordered:
        return Health.AT_RISK
    return Health.OK


def misses_promise(promised: date | None, shipment: Standing) -> bool:
    eta = shipment.eta
    return not shipment.over and eta is not None and promised is not None and eta.astimezone(UTC).date() > promised


def display_of(
    commercial: Commercial,
    fulfillment: Fulfillment,
    delivery: Delivery,
    returned: Return,
    health: Health,
    parcels: Sequence[Standing],
) -> DisplayStatus:
    preparing = fulfillment not in (Fulfillment.NOT_RELEASED, Fulfillment.BACKORDERED) or commercial in ACCEPTED
    if commercial in VOIDED:
        return DisplayStatus.CANCELLED
    if received_back(returned) or any(s.came_back for s in parcels):
        return DisplayStatus.RETURNED
    if commercial is Commercial.ON_HOLD or delivery is Delivery.DELIVERY_EXCEPTION:
        return DisplayStatus.ACTION_NEEDED
    if health is Health.LATE:
        return DisplayStatus.DELAYED
    if delivery is Delivery.DELIVERED:
        return DisplayStatus.DELIVERED
    if delivery is Delivery.PARTIALLY_DELIVERED:
        return DisplayStatus.PARTLY_DELIVERED
    if any(s.moved and s.state in NEAR for s in parcels):
        return DisplayStatus.OUT_FOR_DELIVERY
    if fulfillment is Fulfillment.PARTIALLY_SHIPPED:
        return DisplayStatus.PARTLY_SHIPPED
    if delivery is not Delivery.NONE:
        return DisplayStatus.ON_THE_WAY
    if preparing:
        return DisplayStatus.PREPARING
    return DisplayStatus.RECEIVED


def latest_eta(parcels: Sequence[Standing]) -> datetime | None:
    return max((s.eta for s in parcels if s.eta is not None and not s.over), default=None)


def latest_delivery(parcels: Sequence[Standing]) -> datetime | None:
    return max((s.delivered_at for s in parcels if s.moved and s.delivered_at is not None), default=None)


@exactly
def total_of(items: Sequence[Line]) -> Decimal:
    return sum(((line.ordered - line.cancelled) * (line.entry.body.unit_price or ZERO) for line in items), ZERO)

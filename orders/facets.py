"""An order's facets: independent states, each the first rule of docs/lifecycle.md that holds."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import wraps
from typing import ParamSpec, TypeVar

from orders.aggregate import Aggregate
from orders.facts import Invoice, OrderHeader, PartnerOrder, ReturnHeader
from orders.lines import RETURNS, ZERO, Line, received_back
from orders.shipments import Shipment
from orders.states import Commercial, Delivery, DisplayStatus, Financial, Fulfillment, Health, Milestone, Return
from orders.values import Value

ENDED = frozenset({Commercial.CANCELLED, Commercial.REJECTED, Commercial.CLOSED})
VOIDED = frozenset({Commercial.CANCELLED, Commercial.REJECTED})
ACCEPTED = frozenset({Commercial.ACCEPTED, Commercial.ACCEPTED_WITH_CHANGES, Commercial.CLOSED})
EXCEPTIONS = frozenset({Milestone.DELIVERY_ATTEMPTED, Milestone.REFUSED, Milestone.LOST})
GOING_BACK = frozenset({Milestone.RETURNING, Milestone.RETURNED})
NEAR = frozenset({Milestone.OUT_FOR_DELIVERY, Milestone.READY_FOR_PICKUP, Milestone.ARRIVED_AT_CONSIGNEE})


State = TypeVar("State")
Params = ParamSpec("Params")
Rules = Iterator[tuple[State, bool]]
"""States in the order in which they are asked for, each with whether it holds; the last one always does."""


def first_that_holds(rules: Callable[Params, Rules[State]]) -> Callable[Params, State]:
    """Rules behind the one that holds are not looked at."""

    @wraps(rules)
    def decided(*args: Params.args, **kwargs: Params.kwargs) -> State:
        for state, holds in rules(*args, **kwargs):
            if holds:
                return state
        raise AssertionError("no rule holds")

    return decided


class Facets(Value, frozen=True):
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


@first_that_holds
def fulfillment_of(order: Aggregate, items: Sequence[Line], is_open: bool) -> Rules[Fulfillment]:
    shipped = any(line.shipped > 0 for line in items)
    yield Fulfillment.PARTIALLY_SHIPPED, shipped and is_open
    yield Fulfillment.SHORT_CLOSED, not is_open and any(line.entry.body.closed_short for line in items)
    yield Fulfillment.SHIPPED, shipped
    partners = [e.body for e in order.all(PartnerOrder) if e.body.state != "CANCELLED"]
    yield Fulfillment.PACKED, any(line.packed > 0 for line in items)
    yield Fulfillment.PICKING, any(line.picked > 0 for line in items)
    yield Fulfillment.PICKING, any(p.state in ("PICKING", "PICKED", "PACKED") for p in partners)
    yield Fulfillment.ACKNOWLEDGED, any(p.acknowledged_at is not None for p in partners)
    yield Fulfillment.RELEASED, any(line.released > 0 for line in items)
    yield Fulfillment.ALLOCATED, any(line.allocated > 0 for line in items)
    yield Fulfillment.BACKORDERED, any(line.backordered > 0 for line in items)
    yield Fulfillment.NOT_RELEASED, True


@first_that_holds
def delivery_of(parcels: Sequence[Shipment], is_open: bool) -> Rules[Delivery]:
    moved = [s for s in parcels if s.moved]
    yield Delivery.NONE, not moved
    yield Delivery.RETURN_TO_SENDER, any(s.state in GOING_BACK for s in moved)
    yield Delivery.DELIVERY_EXCEPTION, any(s.state in EXCEPTIONS for s in moved)
    yield Delivery.DELIVERED, all(s.delivered for s in moved) and not is_open
    yield Delivery.PARTIALLY_DELIVERED, any(s.delivered for s in moved)
    yield Delivery.IN_TRANSIT, True


@first_that_holds
def financial_of(order: Aggregate, items: Sequence[Line], is_open: bool) -> Rules[Financial]:
    live = [e.body for e in order.all(Invoice) if not e.body.void]
    invoices = [i for i in live if not i.credit]
    yield Financial.NOT_INVOICED, not invoices
    billed = sum((i.amount for i in invoices), ZERO)
    credited = sum((abs(i.amount) for i in live if i.credit), ZERO)
    yield Financial.DISPUTED, any(i.disputed for i in live)
    yield Financial.CREDITED, credited >= billed
    yield Financial.PARTIALLY_INVOICED, is_open or any(line.invoiced < line.shipped for line in items)
    yield Financial.PAID, all(i.paid_at is not None for i in invoices)
    yield Financial.INVOICED, True


@first_that_holds
def health_of(
    header: OrderHeader,
    commercial: Commercial,
    delivery: Delivery,
    parcels: Sequence[Shipment],
    items: Sequence[Line],
    is_open: bool,
) -> Rules[Health]:
    yield Health.OK, commercial in VOIDED
    yield Health.BLOCKED, commercial is Commercial.ON_HOLD
    yield Health.LATE, any(s.delayed or misses_promise(header, s) for s in parcels)
    yield Health.AT_RISK, delivery is Delivery.DELIVERY_EXCEPTION
    yield Health.AT_RISK, is_open and any(line.backordered > 0 for line in items)
    yield Health.OK, True


def misses_promise(header: OrderHeader, shipment: Shipment) -> bool:
    eta, promised = shipment.header.eta, header.promised_on
    return not shipment.over and eta is not None and promised is not None and eta.astimezone(UTC).date() > promised


@first_that_holds
def display_of(
    commercial: Commercial,
    fulfillment: Fulfillment,
    delivery: Delivery,
    returned: Return,
    health: Health,
    parcels: Sequence[Shipment],
) -> Rules[DisplayStatus]:
    preparing = fulfillment not in (Fulfillment.NOT_RELEASED, Fulfillment.BACKORDERED) or commercial in ACCEPTED
    yield DisplayStatus.CANCELLED, commercial in VOIDED
    yield DisplayStatus.RETURNED, received_back(returned) or any(s.came_back for s in parcels)
    yield DisplayStatus.ACTION_NEEDED, commercial is Commercial.ON_HOLD or delivery is Delivery.DELIVERY_EXCEPTION
    yield DisplayStatus.DELAYED, health is Health.LATE
    yield DisplayStatus.DELIVERED, delivery is Delivery.DELIVERED
    yield DisplayStatus.PARTLY_DELIVERED, delivery is Delivery.PARTIALLY_DELIVERED
    yield DisplayStatus.OUT_FOR_DELIVERY, any(s.moved and s.state in NEAR for s in parcels)
    yield DisplayStatus.PARTLY_SHIPPED, fulfillment is Fulfillment.PARTIALLY_SHIPPED
    yield DisplayStatus.ON_THE_WAY, delivery is not Delivery.NONE
    yield DisplayStatus.PREPARING, preparing
    yield DisplayStatus.RECEIVED, True


def latest_eta(parcels: Sequence[Shipment]) -> datetime | None:
    return max((s.header.eta for s in parcels if s.header.eta is not None and not s.over), default=None)


def latest_delivery(parcels: Sequence[Shipment]) -> datetime | None:
    return max((s.delivered_at for s in parcels if s.moved and s.delivered_at is not None), default=None)


def total_of(items: Sequence[Line]) -> Decimal:
    return sum(((line.ordered - line.cancelled) * (line.entry.body.unit_price or ZERO) for line in items), ZERO)

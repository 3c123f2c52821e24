"""Happenings: what an order's facts say has happened. Each has a key and enters the feed once."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from orders.aggregate import Aggregate, Entry
from orders.facets import VOIDED, misses_promise
from orders.facts import Allocation, HoldEntry, Invoice, OrderHeader, PickRelease, ReturnHeader
from orders.lines import received_back
from orders.shipments import Shipment
from orders.states import EventType, Milestone
from orders.values import Value

TOLD_OTHERWISE = frozenset(
    {
        Milestone.CREATED,
        Milestone.PICKED_UP,
        Milestone.DELIVERED,
        Milestone.POD_RECEIVED,
        Milestone.RETURNED,
        Milestone.CANCELLED,
    }
)
"""Milestones that have an event type of their own, or are nobody's news."""


class Happening(Value, frozen=True):
    """`because` names the fact (source, key) that says so; `command` the command that asked for it."""

    key: str
    type: EventType
    subject: str
    subject_id: str
    occurred_at: datetime | None
    because: tuple[str, str]
    detail: str | None = None
    command: str | None = None


def happenings(order: Aggregate, header: Entry[OrderHeader], parcels: Sequence[Shipment]) -> dict[str, Happening]:
    told: list[Happening] = [
        *of_header(header),
        *of_holds(order, header),
        *of_allocations(order, header.body.number),
        *of_releases(order, header.body.number),
        *of_invoices(order),
        *of_returns(order),
    ]
    for shipment in parcels:
        told += of_shipment(header.body, shipment)
    return {h.key: h for h in told}


def of_header(header: Entry[OrderHeader]) -> Iterator[Happening]:
    body = header.body
    if body.accepted_at is not None:
        yield Happening("accepted", EventType.ORDER_ACCEPTED, "order", body.number, body.accepted_at, header.because)
    if body.commercial in VOIDED:
        yield Happening(
            "cancelled",
            EventType.ORDER_CANCELLED,
            "order",
            body.number,
            body.cancelled_at,
            header.because,
            detail=body.commercial.value,
        )


def of_holds(order: Aggregate, header: Entry[OrderHeader]) -> Iterator[Happening]:
    log = order.all(HoldEntry)
    for entry in log:
        yield Happening(
            f"{'held' if entry.body.held else 'released'}/{entry.id}",
            EventType.ORDER_HELD if entry.body.held else EventType.ORDER_RELEASED,
            "order",
            header.body.number,
            entry.body.at,
            entry.because,
            detail=entry.body.reason,
            command=entry.body.command,
        )
    held_at = header.body.held_at
    if held_at is not None and not any(e.body.held for e in log):
        yield Happening(
            f"held/{stamp(held_at)}",
            EventType.ORDER_HELD,
            "order",
            header.body.number,
            held_at,
            header.because,
            detail=header.body.hold_reason,
        )


def of_allocations(order: Aggregate, number: str) -> Iterator[Happening]:
    for at, entry in first_by((stamp(e.body.at), e) for e in order.all(Allocation) if e.body.quantity > 0):
        yield Happening(f"allocated/{at}", EventType.ORDER_ALLOCATED, "order", number, entry.body.at, entry.because)


def of_releases(order: Aggregate, number: str) -> Iterator[Happening]:
    for release, entry in first_by((e.body.number, e) for e in order.all(PickRelease)):
        yield Happening(
            f"release/{release}",
            EventType.PICK_RELEASED,
            "order",
            number,
            entry.body.at,
            entry.because,
            detail=release,
        )


def of_invoices(order: Aggregate) -> Iterator[Happening]:
    for entry in order.all(Invoice):
        body = entry.body
        if not body.void and not body.credit:
            yield Happening(
                f"invoiced/{body.number}", EventType.INVOICED, "invoice", body.number, body.issued_at, entry.because
            )


def of_returns(order: Aggregate) -> Iterator[Happening]:
    for entry in order.all(ReturnHeader):
        body = entry.body
        if received_back(body.state):
            yield Happening(
                f"returned/{body.number}", EventType.RETURNED, "return", body.number, body.received_at, entry.because
            )


def of_shipment(header: OrderHeader, shipment: Shipment) -> Iterator[Happening]:
    if not shipment.moved:
        return
    yield of_milestone(shipment, EventType.SHIPPED, "shipped", departure(shipment))
    if shipment.delivered:
        yield of_milestone(
            shipment,
            EventType.DELIVERED,
            "delivered",
            Milestone.DELIVERED if Milestone.DELIVERED in shipment.milestones else Milestone.POD_RECEIVED,
        )
    if shipment.came_back:
        yield of_milestone(shipment, EventType.RETURNED, "came-back", Milestone.RETURNED)
    yield from of_finer_milestones(shipment)
    yield from of_delays(header, shipment)


def departure(shipment: Shipment) -> Milestone:
    return min(m for m in shipment.milestones if m >= Milestone.PICKED_UP)


def of_milestone(shipment: Shipment, kind: EventType, name: str, milestone: Milestone) -> Happening:
    reached = shipment.milestones[milestone]
    return Happening(
        f"{name}/{shipment.name}",
        kind,
        "shipment",
        shipment.id,
        reached.at,
        reached.scan.because if reached.scan else shipment.because,
        detail=milestone.name,
    )


def of_finer_milestones(shipment: Shipment) -> Iterator[Happening]:
    for milestone in shipment.milestones:
        if milestone not in TOLD_OTHERWISE:
            yield of_milestone(shipment, EventType.MILESTONE_REACHED, f"milestone/{milestone.name}", milestone)


def of_delays(header: OrderHeader, shipment: Shipment) -> Iterator[Happening]:
    for scan in shipment.delays:
        yield Happening(
            f"delayed/{shipment.name}/{stamp(scan.body.occurred_at)}",
            EventType.DELAYED,
            "shipment",
            shipment.id,
            scan.body.occurred_at,
            scan.because,
            detail=scan.body.reason,
        )
    eta = shipment.header.eta
    if eta is not None:
        yield Happening(
            f"eta/{shipment.name}/{stamp(eta)}",
            EventType.ETA_CHANGED,
            "shipment",
            shipment.id,
            None,
            shipment.because,
            detail=stamp(eta),
        )
    if misses_promise(header, shipment):
        yield Happening(
            f"late/{shipment.name}",
            EventType.DELAYED,
            "shipment",
            shipment.id,
            None,
            shipment.because,
            detail="ETA_AFTER_PROMISE",
        )


def first_by(pairs: Iterable[tuple[str, Entry]]) -> list[tuple[str, Entry]]:  # type: ignore[type-arg]
    """The first entry of each name, names sorted."""
    firsts: dict[str, Entry] = {}  # type: ignore[type-arg]
    for name, entry in sorted(pairs, key=lambda p: (p[0], len(p[1].key), p[1].key)):
        firsts.setdefault(name, entry)
    return list(firsts.items())


def stamp(at: datetime | None) -> str:
    return f"{at.astimezone(UTC).isoformat()[:19]}Z" if at else ""

"""Happenings: what an order's facts say has happened. Each has a key and enters the feed once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, ParamSpec

from orders.aggregate import Aggregate, Entry, Group
from orders.facets import VOIDED, misses_promise
from orders.facts import Allocation, HoldEntry, Invoice, OrderHeader, PickRelease, ReturnHeader
from orders.lines import received_back
from orders.recall import Recall
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
TELLING = Group(HoldEntry, Allocation, PickRelease, Invoice, ReturnHeader)
"""Facts of an order, beside its header and its shipments, that something has happened."""
Params = ParamSpec("Params")


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


Told = dict[str, Happening]
"""By key."""


def happenings(
    order: Aggregate, recall: Recall, header: Entry[OrderHeader], parcels: Sequence[Shipment]
) -> dict[str, Told]:
    """By who tells; where two tell the same, the later one counts."""
    return recall.within("happenings", told_of, header, parcels, order.each(TELLING))


def told_of(
    recall: Recall, header: Entry[OrderHeader], parcels: Iterable[Shipment], telling: Sequence[Any]
) -> dict[str, Told]:
    told = {"order": recall("happenings", "order", of_order, header, telling)}
    for shipment in parcels:
        name = "/".join(shipment.because)
        told[name] = recall("happened", name, of_shipment, header.body.promised_on, shipment)
    return told


def by_key(tell: Callable[Params, Iterator[Happening]]) -> Callable[Params, dict[str, Happening]]:
    @wraps(tell)
    def told(*args: Params.args, **kwargs: Params.kwargs) -> dict[str, Happening]:
        return {happening.key: happening for happening in tell(*args, **kwargs)}

    return told


@by_key
def of_order(header: Entry[OrderHeader], telling: Sequence[Any]) -> Iterator[Happening]:
    """What the documents beside the shipments tell."""
    holds, allocations, releases, invoices, returns = telling
    yield from of_header(header)
    yield from of_holds(holds, header)
    yield from of_allocations(allocations, header.body.number)
    yield from of_releases(releases, header.body.number)
    yield from of_invoices(invoices)
    yield from of_returns(returns)


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


def of_holds(log: Sequence[Entry[HoldEntry]], header: Entry[OrderHeader]) -> Iterator[Happening]:
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


def of_allocations(allocations: Iterable[Entry[Allocation]], number: str) -> Iterator[Happening]:
    for at, entry in first_by((stamp(e.body.at), e) for e in allocations if e.body.quantity > 0):
        yield Happening(f"allocated/{at}", EventType.ORDER_ALLOCATED, "order", number, entry.body.at, entry.because)


def of_releases(releases: Iterable[Entry[PickRelease]], number: str) -> Iterator[Happening]:
    for release, entry in first_by((e.body.number, e) for e in releases):
        yield Happening(
            f"release/{release}",
            EventType.PICK_RELEASED,
            "order",
            number,
            entry.body.at,
            entry.because,
            detail=release,
        )


def of_invoices(invoices: Iterable[Entry[Invoice]]) -> Iterator[Happening]:
    for entry in invoices:
        body = entry.body
        if not body.void and not body.credit:
            yield Happening(
                f"invoiced/{body.number}", EventType.INVOICED, "invoice", body.number, body.issued_at, entry.because
            )


def of_returns(returns: Iterable[Entry[ReturnHeader]]) -> Iterator[Happening]:
    for entry in returns:
        body = entry.body
        if received_back(body.state):
            yield Happening(
                f"returned/{body.number}", EventType.RETURNED, "return", body.number, body.received_at, entry.because
            )


@by_key
def of_shipment(promised: date | None, shipment: Shipment) -> Iterator[Happening]:
    if not shipment.standing.moved:
        return
    yield of_milestone(shipment, EventType.SHIPPED, "shipped", departure(shipment))
    if shipment.standing.delivered:
        yield of_milestone(
            shipment,
            EventType.DELIVERED,
            "delivered",
            Milestone.DELIVERED if Milestone.DELIVERED in shipment.milestones else Milestone.POD_RECEIVED,
        )
    if shipment.standing.came_back:
        yield of_milestone(shipment, EventType.RETURNED, "came-back", Milestone.RETURNED)
    yield from of_finer_milestones(shipment)
    yield from of_delays(promised, shipment)


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


def of_delays(promised: date | None, shipment: Shipment) -> Iterator[Happening]:
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
    if misses_promise(promised, shipment.standing):
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

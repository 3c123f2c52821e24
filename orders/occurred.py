"""What had happened by an instant, by what is known today, however late it was told.

A source's version of a fact is a change of some of its fields. It counts from the earliest time that it tells anew, or
from its commit where it tells none. Times that are later than the instant, and what follows from them, are yet to come.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from orders.facets import ACCEPTED, VOIDED
from orders.facts import (
    Allocation,
    Body,
    Charge,
    Fact,
    HoldEntry,
    Invoice,
    OrderHeader,
    PartnerOrder,
    PickRelease,
    Posting,
    ReturnHeader,
    ShipmentHeader,
    TransportEvent,
)
from orders.states import Commercial, Return
from orders.values import Value

HAPPENINGS: Mapping[type[Body], str] = {TransportEvent: "occurred_at", HoldEntry: "at", Charge: "at"}
"""Facts that are of one instant: the latest version is true, and one that was taken back never happened."""
BEGINNINGS: Mapping[type[Body], str] = {
    OrderHeader: "ordered_at",
    PartnerOrder: "received_at",
    ShipmentHeader: "created_at",
    Invoice: "issued_at",
    ReturnHeader: "authorized_at",
    Allocation: "at",
    PickRelease: "at",
}
"""When what lasts began."""
STEPS: Mapping[type[Body], tuple[str, ...]] = {
    OrderHeader: ("accepted_at", "cancelled_at"),
    PartnerOrder: ("acknowledged_at",),
    ShipmentHeader: ("shipped_at", "delivered_at", "pod_at"),
    Posting: ("shipped_at",),
    Invoice: ("paid_at",),
    ReturnHeader: ("received_at", "restocked_at", "refunded_at"),
}
"""What happens to it once: the latest version knows best when."""
SPELLS: Mapping[type[Body], tuple[str, ...]] = {OrderHeader: ("held_at",)}
"""What may come, go and come again."""


class Version(Value, frozen=True):
    """What a source said of a fact, whole. `told_at` is when it committed that; None: before anybody listened."""

    fact: Fact
    told_at: datetime | None


def happened_by(versions: Sequence[Version], at: datetime) -> Fact | None:
    """The fact as it was at the instant; None of one that was not there yet, or no more.

    `versions` are all of one fact, at least one, in the order of their positions.
    """
    latest = versions[-1].fact
    known = next((v.fact.body for v in reversed(versions) if v.fact.body is not None), None)
    own = time_in(known, HAPPENINGS)
    if own is not None:
        return latest if latest.body is not None and own <= at else None
    begun = time_in(known, BEGINNINGS)
    if known is None or (begun is not None and begun > at):
        return None
    found = as_told(versions, at)
    if found is None or found.body is None:
        return None
    return replace(found, body=not_yet(corrected(found.body, known), at))


def time_in(body: Body | None, fields: Mapping[type[Body], str]) -> datetime | None:
    name = fields.get(type(body)) if body is not None else None
    found: datetime | None = None if name is None else getattr(body, name)
    return found


def as_told(versions: Iterable[Version], at: datetime) -> Fact | None:
    """The fields as the versions that count by then left them."""
    found: Fact | None = None
    before: Body | None = None
    for version in versions:
        since = counts_from(version, before)
        if since is None or since <= at:
            found = changed(found, before, version.fact)
        before = version.fact.body
    return found


def counts_from(version: Version, before: Body | None) -> datetime | None:
    body = version.fact.body
    if before is None and (begun := time_in(body, BEGINNINGS)) is not None:
        return begun
    new = {name: at for name, at in times(body).items() if at != getattr(before, name, None)}
    return min(new.values(), default=version.told_at)


def times(body: Body | None) -> dict[str, datetime]:
    """Times of what has happened that the body tells."""
    if body is None:
        return {}
    kind = type(body)
    names = (*STEPS.get(kind, ()), *SPELLS.get(kind, ()), *((BEGINNINGS[kind],) if kind in BEGINNINGS else ()))
    return {name: at for name in names if (at := getattr(body, name)) is not None}


def changed(found: Fact | None, before: Body | None, new: Fact) -> Fact:
    """With what the version changed."""
    if found is None or found.body is None or new.body is None or type(before) is not type(new.body):
        return new
    fields = {name: getattr(new.body, name) for name in new.body.__struct_fields__}
    other = {name: value for name, value in fields.items() if value != getattr(before, name)}
    body: Body = replace(found.body, **other)
    return replace(new, body=body)


def corrected(body: Body, known: Body) -> Body:
    """With the times of steps as they are known best."""
    if type(body) is not type(known):
        return body
    best = {name: at for name in STEPS.get(type(body), ()) if (at := getattr(known, name)) is not None}
    return replace(body, **best) if best else body


def not_yet(body: Body, at: datetime) -> Body:
    """Without times that are later, and without what follows from them."""
    later = {name for name, when in times(body).items() if when > at}
    if not later:
        return body
    found: Body = replace(body, **dict.fromkeys(later))
    return replace(found, **undone(found, later))


def undone(body: Body, later: set[str]) -> dict[str, Any]:
    """The fields that cannot be as they are when these steps are yet to come; the times themselves are gone already."""
    match body:
        case OrderHeader():
            return undone_order(body, later)
        case PartnerOrder(state="ACKNOWLEDGED"):
            return {"state": "RECEIVED"}
        case ShipmentHeader() if "pod_at" in later:
            return {"pod_name": None}
        case ReturnHeader():
            return {"state": min(body.state, *(_BEFORE[step] for step in later & _BEFORE.keys()), key=_RETURNS.index)}
    return {}


def undone_order(body: OrderHeader, later: set[str]) -> dict[str, Any]:
    agreed = Commercial.RECEIVED if body.accepted_at is None else Commercial.ACCEPTED
    found: dict[str, Any] = {}
    if "held_at" in later:
        found["hold_reason"] = None
    if (
        ("cancelled_at" in later and body.commercial in VOIDED)
        or ("accepted_at" in later and body.commercial in ACCEPTED)
        or ("held_at" in later and body.commercial is Commercial.ON_HOLD)
    ):
        found["commercial"] = agreed
    return found


_RETURNS = tuple(Return)
_BEFORE = {
    "received_at": Return.IN_RETURN,
    "restocked_at": Return.RECEIVED_BACK,
    "refunded_at": Return.RESTOCKED,
}
"""How far a return is at most while the step is yet to come."""

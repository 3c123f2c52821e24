"""A carrier's way with a shipment: what happens, in the codes of X12 elements 1650 and 1651, and how East is told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from demo.billing import concluded
from demo.catalog import EAST_DOCK, HUBS, City
from demo.racks import counted
from demo.simulator import Act, Actor, Start, Statement, Until, east
from demo.world import Order, Shipment, World

DELAY_REASONS = ("AI", "AO", "AH", "BF", "BO", "B1", "AM", "AN")
ATTEMPT_REASONS = ("AG", "B1", "A2", "AQ", "B9")
REFUSAL_REASONS = ("BS", "AG")
SIGNATURES = ("J SMITH", "R GARCIA", "DOCK", "M CHEN", "FRONT DESK", "A NOWAK", "S PATEL")
UNKNOWN_CODE = "ZQ"


@dataclass(frozen=True, slots=True)
class Leg:
    """A scan to come, so many minutes (least, most) after the one before it."""

    code: str
    stop: str | None
    place: City
    gap: tuple[int, int]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    leg: Leg
    at: datetime
    told: datetime


@dataclass(frozen=True, slots=True)
class Journey:
    """All that a carrier does with a shipment, known to the story before it happens. `etas`: when, and the new one."""

    scans: tuple[Scan, ...]
    eta: datetime
    etas: tuple[tuple[datetime, datetime], ...]
    ends: datetime
    refused: bool


def travel(world: World, shipment: Shipment, at: datetime, beside: Iterable[Statement]) -> Actor:
    """Leave at this time, be scanned, arrive. `beside` is written with the departure."""
    journey = planned(shipment, at)
    for scan in told(shipment.order, journey.scans):
        yield Start(_recorded(world, shipment, scan))
    yield Until(at)
    shipment.left_at = world.now
    yield east(("shipment_ship", (shipment.id, world.now, journey.eta)), *beside)
    yield from counted(world)
    for when, eta in journey.etas:
        yield Start(_expected(world, shipment, when, eta))
    yield Until(journey.ends)
    shipment.refused = journey.refused
    yield from _handed_over(world, shipment, journey)
    shipment.ended = True
    yield from concluded(world, shipment)


def planned(shipment: Shipment, at: datetime) -> Journey:
    order, trouble = shipment.order, shipment.order.trouble
    legs = _route(order, shipment.carrier.parcel)
    delayed, refused = order.chance(trouble.delays), order.chance(trouble.refusals)
    usual = at + timedelta(minutes=sum(sum(leg.gap) for leg in legs) // 2)
    if delayed:
        legs = _delayed(order, legs)
    if order.chance(trouble.attempts):
        legs = _attempted(order, legs)
    scans = tuple(_timed(order.rng, _refused(order, legs) if refused else legs, at))
    return Journey(scans, usual, tuple(_etas(order, scans)), scans[-1].at, refused)


def told(order: Order, scans: Sequence[Scan]) -> Iterator[Scan]:
    """The scans as East is told of them: some late, twice, in the wrong order, or never."""
    trouble = order.trouble
    for scan, follower in zip(scans, [*scans[1:], None], strict=True):
        if follower and order.chance(trouble.lost_scans):
            continue
        late = _overtaken(order, _late(order, scan), follower)
        yield late
        if order.chance(trouble.duplicates):
            yield replace(late, told=late.told + order.minutes(3, 180))
        if order.chance(trouble.unknown_codes):
            yield replace(late, leg=replace(late.leg, code=UNKNOWN_CODE, reason=None))


def _late(order: Order, scan: Scan) -> Scan:
    return replace(scan, told=scan.told + order.hours(3, 20)) if order.chance(order.trouble.late_scans) else scan


def _overtaken(order: Order, scan: Scan, follower: Scan | None) -> Scan:
    if follower is None or not order.chance(order.trouble.out_of_order):
        return scan
    return replace(scan, told=max(scan.told, follower.told + order.minutes(1, 10)))


def _route(order: Order, parcel: bool) -> list[Leg]:
    hub, home = order.rng.choice(HUBS), order.ship_to.city
    left = Leg("AF", "P", EAST_DOCK, (0, 6))
    middle = [Leg("X4", None, hub, (360, 900)), Leg("P1", None, hub, (120, 480))]
    last = Leg("AJ", "D", home, (600, 1800))
    if parcel:
        return [left, *middle, last, Leg("D1", "D", home, (90, 420))]
    truck = [Leg("X3", "P", EAST_DOCK, (-40, -15)), replace(left, gap=(15, 40)), Leg("X6", None, EAST_DOCK, (30, 120))]
    return [*truck, *middle, last, Leg("X1", "D", home, (60, 300)), Leg("D1", "D", home, (15, 90))]


def _delayed(order: Order, legs: list[Leg]) -> list[Leg]:
    """The carrier says that it is late, somewhere before the last leg, and then it is."""
    place = next(index for index, leg in enumerate(legs) if leg.code == "AJ")
    said = Leg("SD", None, legs[place - 1].place, (60, 300), order.rng.choice(DELAY_REASONS))
    held = replace(legs[place], gap=(1200, 3600))
    return [*legs[:place], said, held, *legs[place + 1 :]]


def _attempted(order: Order, legs: list[Leg]) -> list[Leg]:
    home = order.ship_to.city
    tried = Leg("AH", "D", home, (60, 240), order.rng.choice(ATTEMPT_REASONS))
    return [*legs[:-1], tried, Leg("AJ", "D", home, (900, 1500)), replace(legs[-1], gap=(60, 300))]


def _refused(order: Order, legs: list[Leg]) -> list[Leg]:
    last = replace(legs[-1], code="A7", reason=order.rng.choice(REFUSAL_REASONS))
    return [*legs[:-1], last, Leg("A3", None, EAST_DOCK, (1500, 4300))]


def _timed(rng: Random, legs: Sequence[Leg], at: datetime) -> Iterator[Scan]:
    for leg in legs:
        low, high = leg.gap
        at += timedelta(seconds=rng.randint(low * 60, high * 60))
        yield Scan(leg, at, at + timedelta(seconds=rng.randint(60, 780)))


def _etas(order: Order, scans: Sequence[Scan]) -> Iterator[tuple[datetime, datetime]]:
    expected = scans[-1].at.replace(minute=0, second=0)
    for scan in scans:
        refined = scan.leg.code == "P1" and order.chance(order.trouble.eta_changes)
        if scan.leg.code in ("SD", "AH") or refined:
            yield scan.told, expected + order.hours(0, 5)


def _expected(world: World, shipment: Shipment, when: datetime, eta: datetime) -> Actor:
    yield Until(when)
    yield east(("shipment_eta", (shipment.id, eta)))


def _recorded(world: World, shipment: Shipment, scan: Scan) -> Actor:
    yield Until(scan.told)
    leg, place = scan.leg, scan.leg.place
    wall, offset = _wall_clock(shipment.order, place, scan.at)
    head = (world.number("scan"), shipment.id, leg.code, leg.reason, leg.stop)
    yield east(("scan_add", (*head, wall, offset, place.name, place.region, world.now)))


def _wall_clock(order: Order, place: City, at: datetime) -> tuple[datetime, str | None]:
    """The time on the clock where it happened, and its offset if the carrier says it."""
    there = at.astimezone(ZoneInfo(place.zone))
    silent = order.chance(order.trouble.missing_offsets)
    return there.replace(tzinfo=None), None if silent else there.isoformat()[-6:]


def _handed_over(world: World, shipment: Shipment, journey: Journey) -> Iterator[Act]:
    if not journey.refused:
        yield Until(journey.ends + shipment.order.minutes(5, 120))
        yield east(("shipment_pod", (shipment.id, shipment.order.rng.choice(SIGNATURES), journey.ends)))

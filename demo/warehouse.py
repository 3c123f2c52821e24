"""What a warehouse does with a release: East in its own system, the distributor's own MN only in the ERP's postings."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from demo.allocating import shortened, withdraw
from demo.billing import posted
from demo.carrying import travel
from demo.catalog import CARRIERS
from demo.racks import claim, counted, gone
from demo.simulator import Act, Actor, Start, Statement, east, erp
from demo.world import Order, Part, Release, Shipment, World

CLIENT = "CORVANE"
CHECK_WEIGHTS = (3, 1)


@dataclass(slots=True)
class PartnerOrder:
    """East's own order for a release; `packed` counts its shipments that have not left."""

    id: int
    packed: int = 0


def fulfil(world: World, order: Order, release: Release, *, first: bool) -> Generator[Act, None, tuple[Part, ...]]:
    """Bring a release to the carrier, as far as it is found; returns what is lacking."""
    if order.warehouse == "EA":
        return (yield from _at_east(world, order, release, first=first))
    if order.doomed:
        yield order.pause(10, 60)
        yield erp(*withdraw(world, order, release))
    else:
        yield from _at_own(world, order, release)
    return ()


def _at_own(world: World, order: Order, release: Release) -> Actor:
    for index, parts in enumerate(_loads(order, release)):
        shipment = _shipment(world, order, parts)
        shipment.left_at, shipment.ended = world.now + _departure(order, index), True
        yield Start(posted(world, shipment, shipment.left_at))


def _at_east(world: World, order: Order, release: Release, *, first: bool) -> Generator[Act, None, tuple[Part, ...]]:
    yield order.pause(2, 25)
    partner = PartnerOrder(world.number("wh_order"))
    yield from _received(world, order, release, partner)
    yield order.pause(5, 45)
    if order.doomed:
        yield from _called_off(world, order, release, partner)
        return ()
    yield east(("order_acknowledge", (partner.id, world.now)))
    yield order.pause(20, 240)
    yield east(("order_state", (partner.id, "PICKING", world.now)))
    yield order.pause(10, 90)
    lacks = yield from _picked(world, order, release, partner, first=first)
    if release.grants:
        yield order.pause(10, 60)
        yield from _packed(world, order, release, partner)
    return lacks


def _received(world: World, order: Order, release: Release, partner: PartnerOrder) -> Iterator[Act]:
    wrong = order.chance(order.trouble.wrong_references)
    reference = mistyped(order.rng, order.number) if wrong else str(order.number)
    head = (partner.id, f"E{partner.id:07}", CLIENT, reference, str(release.number), world.now)
    yield east(("order_receive", head), *_ordered(release, partner))
    claim(world, release, 1)
    yield from counted(world)
    if wrong:
        yield Start(_mended(world, order, partner))


def _ordered(release: Release, partner: PartnerOrder) -> Iterator[Statement]:
    for grant in release.grants:
        yield "order_line_add", (partner.id, grant.line.number, grant.line.item.sku, Decimal(grant.quantity))


def mistyped(rng: Random, number: int) -> str:
    """An order number as a tired person keys it: a digit lost, a letter for a digit, or another order's number."""
    text = str(number)
    lost, letter = text[:-1], text.replace("0", "O", 1)
    return rng.choice((lost, letter, text[1:], str(number - rng.randint(1, 9))))


def _mended(world: World, order: Order, partner: PartnerOrder) -> Actor:
    yield order.pause(45, 30 * 60)
    yield east(("order_mend", (partner.id, str(order.number), world.now)))


def _called_off(world: World, order: Order, release: Release, partner: PartnerOrder) -> Iterator[Act]:
    claim(world, release, -1)
    yield erp(*withdraw(world, order, release))
    yield order.pause(1, 30)
    yield east(("order_state", (partner.id, "CANCELLED", world.now)))
    yield from counted(world)


def _picked(
    world: World, order: Order, release: Release, partner: PartnerOrder, *, first: bool
) -> Generator[Act, None, tuple[Part, ...]]:
    lacks = tuple(_missing(order, release)) if first else ()
    yield east(*_picks(world, release, partner, lacks))
    if lacks:
        yield order.pause(1, 15)
        claim(world, release, -1)
        yield erp(*shortened(world, order, release, lacks))
        claim(world, release, 1)
    return lacks


def _missing(order: Order, release: Release) -> Iterator[Part]:
    for grant in release.grants:
        if order.chance(order.trouble.short_picks):
            yield Part(grant.line, order.rng.randint(1, grant.quantity))


def _picks(world: World, release: Release, partner: PartnerOrder, lacks: Sequence[Part]) -> Iterator[Statement]:
    short = {part.line.number: part.quantity for part in lacks}
    for grant in release.grants:
        missing = short.get(grant.line.number, 0)
        row = (partner.id, grant.line.number, Decimal(grant.quantity - missing), Decimal(missing))
        yield "line_pick", row
    nothing = sum(short.values()) == sum(grant.quantity for grant in release.grants)
    yield "order_state", (partner.id, "SHORT" if nothing else "PICKED", world.now)


def _packed(world: World, order: Order, release: Release, partner: PartnerOrder) -> Iterator[Act]:
    shipments = [_at_dock(world, _shipment(world, order, parts)) for parts in _loads(order, release)]
    partner.packed = len(shipments)
    labels = [statement for shipment in shipments for statement in _labelled(world, partner, shipment)]
    yield east(*_packs(release, partner), *labels, ("order_state", (partner.id, "PACKED", world.now)))
    for index, shipment in enumerate(shipments):
        yield Start(_dispatched(world, partner, shipment, world.now + _departure(order, index)))


def _packs(release: Release, partner: PartnerOrder) -> Iterator[Statement]:
    for grant in release.grants:
        yield "line_pack", (partner.id, grant.line.number, Decimal(grant.quantity))


def _dispatched(world: World, partner: PartnerOrder, shipment: Shipment, at: datetime) -> Actor:
    order = shipment.order
    if order.chance(order.trouble.voided_shipments):
        yield order.pause(5, 30)
        void = shipment.id
        _at_dock(world, shipment)
        yield east(("shipment_void", (void,)), *_labelled(world, partner, shipment))
    yield Start(posted(world, shipment, _posting_time(world, order, at)))
    yield from travel(world, shipment, at, _left(world, partner, shipment))


def _left(world: World, partner: PartnerOrder, shipment: Shipment) -> Iterator[Statement]:
    """What East writes beside the departure itself when the last shipment of an order has left."""
    partner.packed -= 1
    gone(world, shipment)
    if not partner.packed:
        yield "order_state", (partner.id, "SHIPPED", world.now)


def _posting_time(world: World, order: Order, at: datetime) -> datetime:
    if order.chance(order.trouble.early_postings):
        return world.now + order.minutes(2, 15)
    late = order.chance(order.trouble.late_postings)
    return at + (order.hours(8, 60) if late else order.minutes(5, 90))


def _departure(order: Order, index: int) -> timedelta:
    """How long after packing the nth shipment leaves."""
    return order.hours(1, 6) + index * order.hours(14, 40)


def _loads(order: Order, release: Release) -> list[tuple[Part, ...]]:
    """What leaves together: all at once, or in two or three parts."""
    loads = [tuple(Part(grant.line, grant.quantity) for grant in release.grants)]
    if order.chance(order.trouble.partial_shipments):
        for _ in range(order.rng.choice((1, 1, 1, 2))):
            loads = [*loads[:-1], *_divided(order.rng, loads[-1])]
    return loads


def _divided(rng: Random, parts: tuple[Part, ...]) -> Iterator[tuple[Part, ...]]:
    units = sum(part.quantity for part in parts)
    left = rng.randint(1, units - 1) if units > 1 else units
    head, tail = list[Part](), list[Part]()
    for part in parts:
        taken = min(part.quantity, left)
        left -= taken
        head += [Part(part.line, taken)] if taken else []
        tail += [Part(part.line, part.quantity - taken)] if taken < part.quantity else []
    return (tuple(load) for load in (head, tail) if load)


def _shipment(world: World, order: Order, parts: tuple[Part, ...]) -> Shipment:
    carrier = order.rng.choice(CARRIERS)
    return Shipment(order, parts, carrier, _tracking(world, carrier.scac))


def _tracking(world: World, scac: str) -> str:
    # a factor without common divisors with the modulus: numbers look scattered and never repeat
    return f"{scac}{world.number('tracking') * 7_368_787 % 10**10:010}"


def _at_dock(world: World, shipment: Shipment) -> Shipment:
    """Give it a number of East's, a new one when it had one."""
    if shipment.id:
        shipment.tracking = _tracking(world, shipment.carrier.scac)
    shipment.id = world.number("wh_shipment")
    shipment.code = f"ES{shipment.id:06}"
    return shipment


def _labelled(world: World, partner: PartnerOrder, shipment: Shipment) -> Iterator[Statement]:
    carrier = shipment.carrier
    head = (shipment.id, shipment.code, partner.id, carrier.scac, carrier.service, shipment.tracking, world.now)
    yield "shipment_add", head
    for part in shipment.parts:
        yield "shipment_line_add", _shipment_line(shipment, part)
    for _ in range(1 + sum(part.quantity for part in shipment.parts) // 24):
        weight = Decimal(shipment.order.rng.randint(300, 24_000)).scaleb(-3)
        yield "carton_add", (sscc(world.number("carton")), shipment.id, shipment.tracking, weight)


def _shipment_line(shipment: Shipment, part: Part) -> tuple[int, int, str, Decimal, str | None]:
    lot = shipment.order.rng.choice((None, f"L{shipment.order.rng.randint(1000, 9999)}"))
    return shipment.id, part.line.number, part.line.item.sku, Decimal(part.quantity), lot


def sscc(serial: int) -> str:
    """A serial shipping container code: extension, company prefix, serial, check digit (GS1 General Specifications)."""
    digits = f"00614141{serial:09}"
    weighted = sum(int(digit) * CHECK_WEIGHTS[index % 2] for index, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"

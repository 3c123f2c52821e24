"""Goods that come back: a customer's return, or a shipment that was refused at the door."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from demo.allocating import finished, restocked
from demo.invoicing import credit, goods
from demo.racks import counted
from demo.simulator import Act, Actor, Statement, erp
from demo.world import Order, Part, Shipment, World

REASONS = ("DM", "WR", "NW")


def returned(world: World, shipment: Shipment) -> Actor:
    """Authorized, under way, received, put back unless damaged, refunded."""
    order = shipment.order
    yield order.pause(12 * 60, 5 * 24 * 60)
    parts, reason = _some(order, shipment.parts), order.rng.choice(REASONS)
    number = world.number("return")
    yield erp(*_authorized(world, order, number, parts, reason))
    yield from _come_back(world, order, number)
    if reason != "DM":
        yield from _put_back(world, order, number, parts)
    yield order.pause(60, 48 * 60)
    yield erp(("return_refund", (number, world.local)), *credit(world, order, goods(parts)))


def sent_back(world: World, shipment: Shipment) -> Actor:
    """A refused shipment was never invoiced, so nothing is refunded."""
    order = shipment.order
    yield order.pause(10, 120)
    number = world.number("return")
    yield erp(*_authorized(world, order, number, shipment.parts, "NW"))
    yield from _come_back(world, order, number)
    yield from _put_back(world, order, number, shipment.parts)
    order.unbilled -= 1
    if order.settled:
        yield erp(*finished(world, order))


def _authorized(world: World, order: Order, number: int, parts: Sequence[Part], reason: str) -> Iterator[Statement]:
    yield "return_add", (number, order.number, "A", reason, world.local)
    for part in parts:
        yield "return_line_add", (number, part.line.number, Decimal(part.quantity))


def _come_back(world: World, order: Order, number: int) -> Iterator[Act]:
    yield order.pause(6 * 60, 48 * 60)
    yield erp(("return_transit", (number,)))
    yield order.pause(24 * 60, 96 * 60)
    yield erp(("return_receive", (number, world.local)))


def _put_back(world: World, order: Order, number: int, parts: Sequence[Part]) -> Iterator[Act]:
    yield order.pause(60, 24 * 60)
    yield erp(("return_restock", (number, world.local)), *restocked(world, order, parts))
    yield from counted(world)


def _some(order: Order, parts: Sequence[Part]) -> tuple[Part, ...]:
    """One line of the shipment at least, and of each one unit at least."""
    kept = order.rng.sample(parts, order.rng.randint(1, len(parts)))
    return tuple(Part(part.line, order.rng.randint(1, part.quantity)) for part in kept)

"""The ERP's stock: reserved for lines, taken back, used up; every function returns what the ERP writes for it."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from demo.simulator import Statement
from demo.world import Grant, Line, Order, Part, Release, World

RECEIPT = 240
"""Units that come in when an item runs out."""


def allocated(world: World, order: Order, grants: Sequence[Grant]) -> Iterator[Statement]:
    """Reserve stock for lines."""
    for grant in grants:
        line = grant.line
        _reserve(world, line.item.sku, order.warehouse, grant.quantity)
        row = (grant.allocation, order.number, line.number, order.warehouse, Decimal(grant.quantity), world.local)
        yield "allocation_add", row
        yield balance(world, line, order.warehouse)


def backordered(order: Order, parts: Sequence[Part], sign: int = 1) -> Iterator[Statement]:
    """So many more of the lines, or less with sign -1, are backordered now."""
    for part in parts:
        part.line.backordered += sign * part.quantity
        yield "line_backorder", (order.number, part.line.number, Decimal(part.line.backordered))


def released(world: World, order: Order, release: Release) -> Iterator[Statement]:
    for grant in release.grants:
        head = (release.number, order.number, grant.line.number, order.warehouse)
        yield "release_add", (*head, Decimal(grant.quantity), world.local)


def withdraw(world: World, order: Order, release: Release | None) -> Iterator[Statement]:
    """Cancel an order of which nothing has left yet, and give back what it had."""
    order.cancelled = True
    yield "order_cancel", (order.number, world.local)
    if release:
        yield from _all_given_back(world, order, release)
    for line in order.lines:
        line.cancelled, line.backordered = line.ordered, 0
        yield "line_cancel", (order.number, line.number, Decimal(line.cancelled), Decimal(0), "C")


def shortened(world: World, order: Order, release: Release, lacks: Sequence[Part]) -> Iterator[Statement]:
    """The warehouse did not find these: they are backordered, and the release asks for less."""
    for part in lacks:
        grant = next(grant for grant in release.grants if grant.line is part.line)
        yield from _given_back(world, order, release, grant, part.quantity)
    yield from backordered(order, lacks)
    release.grants[:] = [grant for grant in release.grants if grant.quantity]


def given_up(order: Order, parts: Sequence[Part]) -> Iterator[Statement]:
    """These backordered quantities will not come: the line is closed short, or cut when the rest is on its way."""
    for part in parts:
        line = part.line
        line.backordered -= part.quantity
        line.closed = line.open == part.quantity
        if line.closed:
            yield "line_close_short", (order.number, line.number)
        else:
            line.cancelled += part.quantity
            row = (order.number, line.number, Decimal(line.cancelled), Decimal(line.backordered), "O")
            yield "line_cancel", row


def used_up(world: World, order: Order, parts: Sequence[Part]) -> Iterator[Statement]:
    """Posted as shipped: neither in stock nor reserved any more."""
    for part in parts:
        part.line.shipped += part.quantity
        stock = world.stock[part.line.item.sku, order.warehouse]
        stock.on_hand -= part.quantity
        stock.allocated -= part.quantity
        yield balance(world, part.line, order.warehouse)


def restocked(world: World, order: Order, parts: Sequence[Part]) -> Iterator[Statement]:
    for part in parts:
        _receive(world, part.line.item.sku, order.warehouse, part.quantity)
        yield balance(world, part.line, order.warehouse)


def finished(world: World, order: Order) -> Iterator[Statement]:
    """The header's last state, when nothing of the order is open or unbilled."""
    if order.settled:
        yield "order_complete", (order.number, world.local)


def balance(world: World, line: Line, warehouse: str) -> Statement:
    stock = world.stock[line.item.sku, warehouse]
    row = (line.item.sku, warehouse, Decimal(stock.on_hand), Decimal(stock.allocated), world.local)
    return "balance_set", row


def _all_given_back(world: World, order: Order, release: Release) -> Iterator[Statement]:
    for grant in release.grants:
        yield from _given_back(world, order, release, grant, grant.quantity)


def _given_back(world: World, order: Order, release: Release, grant: Grant, quantity: int) -> Iterator[Statement]:
    grant.quantity -= quantity
    world.stock[grant.line.item.sku, order.warehouse].allocated -= quantity
    yield _release_left(release, grant)
    yield _allocation_left(grant)
    yield balance(world, grant.line, order.warehouse)


def _release_left(release: Release, grant: Grant) -> Statement:
    if not grant.quantity:
        return "release_drop", (release.number, grant.line.number)
    return "release_reduce", (release.number, grant.line.number, Decimal(grant.quantity))


def _allocation_left(grant: Grant) -> Statement:
    if not grant.quantity:
        return "allocation_drop", (grant.allocation,)
    return "allocation_reduce", (grant.allocation, Decimal(grant.quantity))


def _reserve(world: World, sku: str, warehouse: str, quantity: int) -> None:
    stock = world.stock[sku, warehouse]
    if stock.free < quantity:
        _receive(world, sku, warehouse, RECEIPT)
    stock.allocated += quantity


def _receive(world: World, sku: str, warehouse: str, quantity: int) -> None:
    world.stock[sku, warehouse].on_hand += quantity
    if warehouse == "EA":
        world.east[sku].on_hand += quantity
        world.uncounted[sku] = None

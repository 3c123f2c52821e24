"""From an accepted line to goods that leave: allocated or backordered, released, fulfilled, replenished."""

from collections.abc import Sequence

from demo.allocating import allocated, backordered, finished, given_up, released, withdraw
from demo.simulator import Actor, Start, erp
from demo.warehouse import fulfil
from demo.world import Grant, Order, Part, Release, World


def supply(world: World, order: Order, wants: Sequence[Part], *, first: bool) -> Actor:
    """Get these quantities to the customer. Only a first try can fail to find them."""
    if order.doomed and order.chance(0.5):
        yield erp(*withdraw(world, order, None))
        return
    lacks = _lacking(order, wants) if first else ()
    grants = _granted(world, wants, lacks)
    cleared = () if first else backordered(order, wants, sign=-1)
    yield erp(*allocated(world, order, grants), *cleared, *backordered(order, lacks))
    if lacks and not order.doomed:
        yield Start(_replenish(world, order, lacks))
    yield order.pause(15, 120)
    yield from _release(world, order, grants, first=first)


def _release(world: World, order: Order, grants: list[Grant], *, first: bool) -> Actor:
    release = Release(world.number("release"), grants)
    if grants:
        yield erp(*released(world, order, release))
        lacks = yield from fulfil(world, order, release, first=first)
        if lacks:
            yield Start(_replenish(world, order, lacks))
    elif order.doomed:
        yield erp(*withdraw(world, order, None))


def _replenish(world: World, order: Order, lacks: Sequence[Part]) -> Actor:
    yield order.pause(12 * 60, 4 * 24 * 60)
    if order.chance(order.trouble.closed_short):
        yield erp(*given_up(order, lacks), *finished(world, order))
    else:
        yield from supply(world, order, lacks, first=False)


def _lacking(order: Order, wants: Sequence[Part]) -> tuple[Part, ...]:
    unlucky = (part for part in wants if order.chance(order.trouble.backorders))
    return tuple(Part(part.line, order.rng.randint(1, part.quantity)) for part in unlucky)


def _granted(world: World, wants: Sequence[Part], lacks: Sequence[Part]) -> list[Grant]:
    missing = {part.line.number: part.quantity for part in lacks}
    found = [Part(part.line, part.quantity - missing.get(part.line.number, 0)) for part in wants]
    return [Grant(world.number("allocation"), part.line, part.quantity) for part in found if part.quantity]

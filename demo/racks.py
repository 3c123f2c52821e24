"""What lies in East's racks, by its own count."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from demo.simulator import Act, Actor, Start, Until, east
from demo.world import Release, Shipment, World


def claim(world: World, release: Release, sign: int) -> None:
    """East's own reservation of what a release asks for."""
    for grant in release.grants:
        world.east[grant.line.item.sku].allocated += sign * grant.quantity
        world.uncounted[grant.line.item.sku] = None


def gone(world: World, shipment: Shipment) -> None:
    for part in shipment.parts:
        rack = world.east[part.line.item.sku]
        rack.on_hand -= part.quantity
        rack.allocated -= part.quantity
        world.uncounted[part.line.item.sku] = None


def counted(world: World) -> Iterator[Act]:
    """East publishes its stock four times a day, and only of what has moved."""
    if world.uncounted and not world.counting:
        world.counting = True
        yield Start(_count(world))


def _count(world: World) -> Actor:
    midnight = world.now.replace(hour=0, minute=0, second=0, microsecond=0)
    yield Until(midnight + timedelta(hours=6 * (world.now.hour // 6 + 1)))
    world.counting = False
    rows = [(sku, Decimal(world.east[sku].on_hand), Decimal(world.east[sku].allocated)) for sku in world.uncounted]
    yield east(*[("stock_set", (*row, world.now)) for row in rows])
    world.uncounted.clear()

"""The seeded story of a distributor: an ERP, a 3PL named East, and what happens to their orders."""

import hashlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from demo import catalog
from demo.selling import live, new_order
from demo.simulator import Actor, Clock, Simulator, Start, Statement, Step, Wait, east, erp
from demo.trouble import Trouble
from demo.world import Balance, World, local

EPOCH = datetime(2026, 1, 5, 12, tzinfo=UTC)
INTERVAL = timedelta(minutes=30)
"""The mean time between two orders of the story."""

CUSTOMERS, ITEMS = 40, 60
OPENING_STOCK = 400
DEFAULT_TROUBLE = Trouble()


@dataclass(frozen=True, slots=True)
class Story:
    """So many orders, from entry to the last payment. Iterating yields its steps; every time the same ones."""

    seed: int
    orders: int
    trouble: Trouble = DEFAULT_TROUBLE
    start: datetime = EPOCH

    @property
    def name(self) -> str:
        """Tells this story from every other; a player that resumes asks for it."""
        rates = hashlib.sha256(repr((astuple(self.trouble), self.start)).encode()).hexdigest()[:8]
        return f"{self.seed}/{self.orders}/{rates}"

    def __iter__(self) -> Iterator[Step]:
        """The steps in the order of their virtual time."""
        clock = Clock(self.start)
        return Simulator(clock).run(self._opening(clock))

    def _opening(self, clock: Clock) -> Actor:
        world = _new_world(clock, self.trouble, Random(self.seed))
        yield erp(*_customers(world), *_items(world))
        yield east(*_racks(world))
        yield Start(self._arrivals(world, Random(f"{self.seed}:arrivals")))

    def _arrivals(self, world: World, rng: Random) -> Actor:
        for _ in range(self.orders):
            yield Wait(timedelta(seconds=round(rng.expovariate(1 / INTERVAL.total_seconds()))))
            yield Start(live(world, new_order(world, self.seed)))


def _new_world(clock: Clock, trouble: Trouble, rng: Random) -> World:
    customers, items = catalog.customers(rng, CUSTOMERS), catalog.items(rng, ITEMS)
    stock = {(item.sku, warehouse): Balance(OPENING_STOCK) for item in items for warehouse in ("EA", "MN")}
    return World(clock, trouble, customers, items, stock, {item.sku: Balance(OPENING_STOCK) for item in items})


def _customers(world: World) -> Iterator[Statement]:
    since = local(world.now - timedelta(days=400))
    for customer in world.customers:
        yield "customer_add", (customer.number, customer.name, customer.currency, since)
        for site in customer.ship_tos:
            head = (customer.number, site.number, site.name, site.street)
            yield "ship_to_add", (*head, site.city.name, site.city.region, site.city.zip, site.city.country)


def _items(world: World) -> Iterator[Statement]:
    for item in world.items:
        yield "item_add", (item.sku, item.description, item.uom, item.price)
    for (sku, warehouse), balance in world.stock.items():
        yield "balance_add", (sku, warehouse, Decimal(balance.on_hand), world.local)


def _racks(world: World) -> Iterator[Statement]:
    for sku, rack in world.east.items():
        yield "stock_add", (sku, Decimal(rack.on_hand), world.now)

"""An order's first hours in the ERP: entered, held, rejected or accepted, changed, cancelled."""

from collections.abc import Generator, Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

from demo.allocating import withdraw
from demo.catalog import Customer, Item
from demo.simulator import Act, Actor, Start, Statement, erp
from demo.supplying import supply
from demo.world import Line, Order, Part, World, local

CHANNELS = ("S1", "S2", "ED", "IS")
CHANNEL_WEIGHTS = (35, 20, 30, 15)
LINE_WEIGHTS = (56, 22, 11, 6, 3, 2)
NOTES = (None, None, None, None, "Call before delivery", "Dock closes 15:00", "Do not substitute")
CLERKS = ("JDOE", "MARYK", "TLINDQ", "ARBATCH")


def new_order(world: World, seed: int) -> Order:
    """An order that has not been entered yet; its luck depends on the seed and its number alone."""
    number = world.number("order")
    rng = Random(f"{seed}:{number}")
    customer = rng.choice(world.customers)
    warehouse = "MN" if rng.random() < world.trouble.own_warehouse else "EA"
    channel = rng.choices(CHANNELS, CHANNEL_WEIGHTS)[0]
    lines = tuple(_lines(rng, world.items))
    order = Order(number, customer, rng.choice(customer.ship_tos), channel, warehouse, lines, rng, world.trouble)
    order.doomed = order.chance(world.trouble.cancelled_orders)
    return order


def live(world: World, order: Order) -> Actor:
    """The whole life of an order; what goes on beside it is started from here."""
    yield erp(_header(world, order), *_entered(order))
    yield order.pause(5, 40)
    if (yield from _examined(world, order)):
        yield from _changed(world, order)
        yield order.pause(10, 90)
        wants = tuple(Part(line, line.open) for line in order.lines if line.open)
        yield from supply(world, order, wants, first=True)


def _lines(rng: Random, items: tuple[Item, ...]) -> Iterator[Line]:
    count = rng.choices(range(1, len(LINE_WEIGHTS) + 1), LINE_WEIGHTS)[0]
    for number, item in enumerate(rng.sample(items, count), start=1):
        yield Line(number, item, rng.choice((1, 2, 2, 3, 4, 5, 6, 10, 12, 24)))


def _header(world: World, order: Order) -> Statement:
    wanted = (world.local + timedelta(days=order.rng.randint(4, 9))).date()
    note, customer = order.rng.choice(NOTES), order.customer
    head = (order.number, customer.number, order.ship_to.number, _purchase_order(order), order.channel)
    return "order_enter", (*head, world.local, wanted, customer.currency, order.warehouse, note)


def _purchase_order(order: Order) -> str | None:
    if order.channel in ("S1", "S2"):
        return None
    return f"{_initials(order.customer)}-{order.rng.randint(10_000, 99_999)}"


def _initials(customer: Customer) -> str:
    return "".join(word[0] for word in customer.name.split())


def _entered(order: Order) -> Iterator[Statement]:
    for line in order.lines:
        item = line.item
        yield "line_enter", (order.number, line.number, item.sku, Decimal(line.ordered), item.price, item.uom)


def _examined(world: World, order: Order) -> Generator[Act, None, bool]:
    """True when the order is accepted and lives on."""
    if order.chance(order.trouble.rejections):
        yield erp(("order_reject", (order.number, world.local)))
        return False
    if order.chance(order.trouble.credit_holds) and not (yield from _held(world, order)):
        return False
    promised = local(world.now + order.hours(72, 168)).date()
    yield erp(("order_accept", (order.number, world.local, promised)))
    return True


def _held(world: World, order: Order) -> Generator[Act, None, bool]:
    """True when the hold was released, false when the order was cancelled on it."""
    code, note = order.rng.choice((("CR", "over credit limit"), ("CR", "past due"), ("CS", "address to be confirmed")))
    yield erp(("order_hold", (order.number, code, world.local)), _logged(world, order, "H", code, note))
    yield order.pause(60, 20 * 60)
    if order.chance(order.trouble.hold_cancels):
        yield erp(*withdraw(world, order, None))
        return False
    yield erp(("order_unhold", (order.number, world.local)), _logged(world, order, "R", code, None))
    yield order.pause(2, 10)
    return True


def _logged(world: World, order: Order, action: str, code: str, note: str | None) -> Statement:
    clerk = order.rng.choice(CLERKS)
    return "hold_log", (world.number("hold"), order.number, action, code, note, clerk, world.local)


def _changed(world: World, order: Order) -> Iterator[Act]:
    if order.chance(order.trouble.cancelled_lines) and (cut := _cut(order)):
        yield order.pause(5, 60)
        yield erp(cut)
    if order.chance(order.trouble.promise_changes):
        yield Start(_promised_anew(world, order))


def _cut(order: Order) -> Statement | None:
    """A line goes, or a part of the only one; nothing when that would leave nothing."""
    line = order.rng.choice(order.lines)
    line.cancelled = line.ordered if len(order.lines) > 1 else line.ordered // 2
    if not line.cancelled:
        return None
    return "line_cancel", (order.number, line.number, Decimal(line.cancelled), Decimal(0), "O" if line.open else "C")


def _promised_anew(world: World, order: Order) -> Actor:
    yield order.pause(60, 24 * 60)
    if not (order.cancelled or order.settled):
        promised = local(world.now + order.hours(96, 240)).date()
        yield erp(("order_promise", (order.number, promised, world.local)))

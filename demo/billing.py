"""The ERP's side of a shipment: posted, charged, invoiced, disputed, paid."""

from collections.abc import Generator, Iterator
from datetime import datetime
from decimal import Decimal

from demo.allocating import finished, used_up
from demo.invoicing import credit, goods, invoice, rebate
from demo.returning import returned, sent_back
from demo.simulator import Act, Actor, Start, Statement, Until, erp
from demo.world import Shipment, World, local

EXTRA_CHARGES = (("FS", 0.4, 300, 4_000), ("HD", 0.15, 500, 2_500), ("AC", 0.08, 2_000, 15_000))
"""Code, how often, and from how many cents to how many."""


def posted(world: World, shipment: Shipment, at: datetime) -> Actor:
    """Post the shipment in the ERP at this time; what follows is started when it has also arrived."""
    yield Until(at)
    order, number = shipment.order, world.number("posting")
    unnamed = shipment.code is not None and order.chance(order.trouble.wrong_references)
    shipment.posting = number
    order.unbilled += 1
    yield erp(_posting(world, shipment, unnamed), *_posted_lines(shipment), *used_up(world, order, shipment.parts))
    yield Start(_charged(world, shipment))
    if unnamed:
        yield Start(_named(world, shipment))
    yield from concluded(world, shipment)


def concluded(world: World, shipment: Shipment) -> Iterator[Act]:
    """Set going what comes when a shipment has ended and is posted, whichever is second."""
    if shipment.ended and shipment.posting is not None:
        yield Start(sent_back(world, shipment) if shipment.refused else _billed(world, shipment))


def _posting(world: World, shipment: Shipment, unnamed: bool) -> Statement:
    order, code = shipment.order, None if unnamed else shipment.code
    left = local(shipment.left_at or world.now)
    carrier = (shipment.carrier.scac, shipment.tracking)
    return "posting_add", (shipment.posting, order.number, order.warehouse, code, *carrier, left)


def _posted_lines(shipment: Shipment) -> Iterator[Statement]:
    for part in shipment.parts:
        yield "posting_line_add", (shipment.posting, part.line.number, Decimal(part.quantity))


def _named(world: World, shipment: Shipment) -> Actor:
    """Somebody fills in the warehouse's number that was forgotten."""
    yield shipment.order.pause(60, 48 * 60)
    yield erp(("posting_mend", (shipment.posting, shipment.code)))


def _charged(world: World, shipment: Shipment) -> Actor:
    yield shipment.order.pause(60, 36 * 60)
    yield erp(*_charges(world, shipment))


def _charges(world: World, shipment: Shipment) -> Iterator[Statement]:
    yield _charge(world, shipment, "FR", 900, 28_000)
    for code, rate, low, high in EXTRA_CHARGES:
        if shipment.order.chance(rate):
            yield _charge(world, shipment, code, low, high)


def _charge(world: World, shipment: Shipment, code: str, low: int, high: int) -> Statement:
    order = shipment.order
    amount = Decimal(order.rng.randint(low, high)).scaleb(-2)
    head = (world.number("charge"), order.number, shipment.posting, code, amount)
    return "charge_add", (*head, order.customer.currency, world.local)


def _billed(world: World, shipment: Shipment) -> Actor:
    order = shipment.order
    yield order.pause(30, 20 * 60)
    number = world.number("invoice")
    order.unbilled -= 1
    yield erp(*invoice(world, order, number, goods(shipment.parts)), *finished(world, order))
    comes_back = order.chance(order.trouble.returns)
    if comes_back:
        yield Start(returned(world, shipment))
    yield order.pause(24 * 60, 10 * 24 * 60)
    if order.chance(order.trouble.disputes):
        number = yield from _disputed(world, shipment, number, comes_back)
    yield erp(("invoice_pay", (number, world.local)))


def _disputed(world: World, shipment: Shipment, number: int, comes_back: bool) -> Generator[Act, None, int]:
    """The customer objects; the number of the invoice that is paid in the end."""
    order = shipment.order
    yield erp(("invoice_dispute", (number,)))
    yield order.pause(24 * 60, 6 * 24 * 60)
    match "stands" if comes_back else order.rng.choice(("stands", "stands", "rebate", "rebate", "void")):
        case "rebate":
            yield erp(*credit(world, order, rebate(shipment.parts, order.rng.randint(5, 30))))
        case "void":
            number = yield from _issued_anew(world, shipment, number)
    yield order.pause(60, 48 * 60)
    return number


def _issued_anew(world: World, shipment: Shipment, number: int) -> Generator[Act, None, int]:
    anew = world.number("invoice")
    lines = goods(shipment.parts)
    yield erp(("invoice_void", (number,)), *invoice(world, shipment.order, anew, lines))
    return anew

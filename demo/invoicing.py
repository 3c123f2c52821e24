"""What the ERP writes for an invoice, a credit memo, the money."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from demo.simulator import Statement
from demo.world import Order, Part, World

CENT = Decimal("0.01")
TERMS = timedelta(days=30)


class Billed(NamedTuple):
    """One line of an invoice. A credit for the price alone has quantity 0."""

    line: int
    quantity: int
    amount: Decimal


def goods(parts: Sequence[Part]) -> list[Billed]:
    return [_priced(part) for part in parts]


def rebate(parts: Sequence[Part], percent: int) -> list[Billed]:
    """So much off the price of the first line, for no goods back."""
    line, _, amount = _priced(parts[0])
    return [Billed(line, 0, (amount * percent / 100).quantize(CENT))]


def invoice(world: World, order: Order, number: int, lines: Sequence[Billed]) -> Iterator[Statement]:
    yield _header(world, order, number, ("I", "O"), lines, None)
    yield from _details(number, lines)


def credit(world: World, order: Order, lines: Sequence[Billed]) -> Iterator[Statement]:
    """A credit memo, paid out at once. Amounts are positive; the type says which way they go."""
    number = world.number("invoice")
    yield _header(world, order, number, ("C", "P"), lines, world.local)
    yield from _details(number, lines)


def _priced(part: Part) -> Billed:
    return Billed(part.line.number, part.quantity, (part.line.item.price * part.quantity).quantize(CENT))


def _header(
    world: World, order: Order, number: int, kind: tuple[str, str], lines: Sequence[Billed], paid: datetime | None
) -> Statement:
    total = sum((line.amount for line in lines), Decimal(0))
    due = (world.local + TERMS).date()
    return "invoice_add", (number, order.number, *kind, world.local, due, paid, total, order.customer.currency)


def _details(number: int, lines: Sequence[Billed]) -> Iterator[Statement]:
    for sequence, (line, quantity, amount) in enumerate(lines, start=1):
        yield "invoice_line_add", (number, sequence, line, Decimal(quantity), amount)

"""Line quantities: how far each ordered piece is."""

from collections.abc import Iterable, Sequence, Set
from decimal import Decimal
from typing import Any

from orders.aggregate import Aggregate, Entry, Group
from orders.facts import (
    Allocation,
    Doc,
    Invoice,
    InvoiceLine,
    OrderLine,
    PartnerOrder,
    PartnerPick,
    PickRelease,
    ReturnHeader,
    ReturnLine,
    ShipmentLine,
)
from orders.recall import Recall
from orders.shipments import Goods, Shipment
from orders.states import Return
from orders.values import Value, exactly

ZERO = Decimal(0)
RETURNS = tuple(Return)
BUCKETS = ("delivered", "shipped", "packed", "picked", "released", "allocated", "backordered")


class Line(Value, frozen=True):
    """An order line with its quantity buckets, in the line's unit."""

    entry: Entry[OrderLine]
    ordered: Decimal
    cancelled: Decimal
    backordered: Decimal
    allocated: Decimal
    released: Decimal
    picked: Decimal
    packed: Decimal
    shipped: Decimal
    in_transit: Decimal
    delivered: Decimal
    lost: Decimal
    returned: Decimal
    invoiced: Decimal
    open: Decimal

    @property
    def status(self) -> str:
        due = self.ordered - self.cancelled
        for bucket in BUCKETS:
            quantity = getattr(self, bucket)
            if quantity > 0:
                return bucket.upper() if quantity >= due else f"PARTIALLY_{bucket.upper()}"
        return "CANCELLED" if self.cancelled >= self.ordered else "OPEN"


Sums = dict[str | None, Decimal]
"""Quantities per order line."""
COUNTING = Group(
    OrderLine,
    Allocation,
    ShipmentLine,
    PickRelease,
    PartnerPick,
    InvoiceLine,
    ReturnLine,
    PartnerOrder,
    Invoice,
    ReturnHeader,
)
"""Facts with quantities, and those that say whether they count."""


class Move(Value, frozen=True):
    """What a shipment takes along, and how far."""

    goods: Sequence[Goods]
    moved: bool
    delivered: bool
    lost: bool
    came_back: bool


def sums(pairs: Iterable[tuple[str | None, Decimal]]) -> Sums:
    found: Sums = {}
    for line, quantity in pairs:
        found[line] = found.get(line, ZERO) + quantity
    return found


def lines(order: Aggregate, recall: Recall, parcels: Sequence[Shipment]) -> list[Line]:
    """All lines of the order, by line."""
    return recall.within("lines", lines_of, parcels, order.each(COUNTING))


def lines_of(recall: Recall, parcels: Sequence[Shipment], facts: Sequence[Any]) -> list[Line]:
    *quantities, partners, invoices, returns = facts
    moves, cancelled = moves_of(parcels), cancelled_orders(partners)
    billed, back = billed_invoices(invoices), received_returns(returns)
    return recall("lines", "counted", counted, moves, cancelled, billed, back, quantities)


def moves_of(parcels: Iterable[Shipment]) -> list[Move]:
    found = [(s.goods, s.standing) for s in parcels]
    return [Move(goods, at.moved, at.delivered, at.lost, at.came_back) for goods, at in found]


def cancelled_orders(partners: Iterable[Entry[PartnerOrder]]) -> set[Doc]:
    return {e.doc for e in partners if e.body.state == "CANCELLED"}


def billed_invoices(invoices: Iterable[Entry[Invoice]]) -> set[Doc]:
    return {e.doc for e in invoices if not e.body.void and not e.body.credit}


def received_returns(returns: Iterable[Entry[ReturnHeader]]) -> set[Doc]:
    return {e.doc for e in returns if received_back(e.body.state)}


@exactly
def counted(
    moves: Sequence[Move], cancelled_orders: Set[Doc], billed: Set[Doc], back: Set[Doc], facts: Sequence[Any]
) -> list[Line]:
    """`facts` are those of `COUNTING` with quantities; the sets say which papers count, or do not."""
    ordered, allocations, packed_goods, releases, partner_picks, invoice_lines, return_lines = facts
    allocated = allocated_goods(allocations, packed_goods)
    released = sums((e.body.line, e.body.quantity) for e in releases)
    picks = [e for e in partner_picks if e.doc not in cancelled_orders]
    picked = sums((e.body.line, e.body.picked) for e in picks)
    packed = sums((e.body.line, e.body.packed) for e in picks)
    shipped = goods(m for m in moves if m.moved)
    delivered = goods(m for m in moves if m.delivered)
    lost = goods(m for m in moves if m.lost)
    gone_back = goods(m for m in moves if m.came_back and not m.lost)
    returned = sums((e.body.line, e.body.quantity) for e in return_lines if e.doc in back)
    invoiced = sums((e.body.line, e.body.quantity) for e in invoice_lines if e.doc in billed)
    found = []
    for entry in ordered:
        body, line = entry.body, entry.body.line
        left = shipped.get(line, ZERO)
        cancelled = max(body.ordered - left, ZERO) if body.closed_short else body.cancelled
        found.append(
            Line(
                entry=entry,
                ordered=body.ordered,
                cancelled=cancelled,
                backordered=body.backordered,
                allocated=allocated.get(line, ZERO),
                released=released.get(line, ZERO),
                picked=picked.get(line, ZERO),
                packed=packed.get(line, ZERO),
                shipped=left,
                in_transit=left - delivered.get(line, ZERO) - lost.get(line, ZERO) - gone_back.get(line, ZERO),
                delivered=delivered.get(line, ZERO),
                lost=lost.get(line, ZERO),
                returned=returned.get(line, ZERO),
                invoiced=invoiced.get(line, ZERO),
                open=body.ordered - cancelled - left,
            )
        )
    return sorted(found, key=lambda x: (len(x.entry.body.line), x.entry.body.line))


def goods(moves: Iterable[Move]) -> Sums:
    return sums((g.line, g.quantity) for move in moves for g in move.goods)


def allocated_goods(allocations: Iterable[Entry[Allocation]], packed: Iterable[Entry[ShipmentLine]]) -> Sums:
    """Where a system sets stock aside for what is to be shipped, that fact's key stands for the line that it names."""
    lines_of = {e.key: e.body.line for e in packed}
    return sums((lines_of.get(e.body.line, e.body.line), e.body.quantity) for e in allocations)


def received_back(state: Return) -> bool:
    return RETURNS.index(state) >= RETURNS.index(Return.RECEIVED_BACK)

"""Line quantities: how far each ordered piece is."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from orders.aggregate import Aggregate, Entry
from orders.facts import (
    Allocation,
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
from orders.shipments import Shipment
from orders.states import Return
from orders.values import Value

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
KINDS = (
    OrderLine,
    Allocation,
    ShipmentLine,
    PickRelease,
    PartnerOrder,
    PartnerPick,
    Invoice,
    InvoiceLine,
    ReturnHeader,
    ReturnLine,
)
"""Facts that move quantities, beside the shipments."""


def sums(pairs: Iterable[tuple[str | None, Decimal]]) -> Sums:
    found: Sums = {}
    for line, quantity in pairs:
        found[line] = found.get(line, ZERO) + quantity
    return found


def lines(order: Aggregate, recall: Recall, parcels: Sequence[Shipment]) -> list[Line]:
    """All lines of the order, by line."""
    moves = [(s.goods, s.moved, s.delivered, s.lost, s.came_back) for s in parcels]
    return recall("lines", "", lambda *_: counted(order, parcels), moves, *order.each(KINDS))


def counted(order: Aggregate, parcels: Sequence[Shipment]) -> list[Line]:
    allocated = allocated_goods(order)
    released = sums((e.body.line, e.body.quantity) for e in order.all(PickRelease))
    picks = live_picks(order)
    picked = sums((e.body.line, e.body.picked) for e in picks)
    packed = sums((e.body.line, e.body.packed) for e in picks)
    shipped = goods(s for s in parcels if s.moved)
    delivered = goods(s for s in parcels if s.delivered)
    lost = goods(s for s in parcels if s.lost)
    back = goods(s for s in parcels if s.came_back and not s.lost)
    returned = returned_goods(order)
    invoiced = invoiced_goods(order)
    found = []
    for entry in order.all(OrderLine):
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
                in_transit=left - delivered.get(line, ZERO) - lost.get(line, ZERO) - back.get(line, ZERO),
                delivered=delivered.get(line, ZERO),
                lost=lost.get(line, ZERO),
                returned=returned.get(line, ZERO),
                invoiced=invoiced.get(line, ZERO),
                open=body.ordered - cancelled - left,
            )
        )
    return sorted(found, key=lambda x: (len(x.entry.body.line), x.entry.body.line))


def goods(parcels: Iterable[Shipment]) -> Sums:
    return sums((g.line, g.quantity) for s in parcels for g in s.goods)


def allocated_goods(order: Aggregate) -> Sums:
    """Where a system sets stock aside for what is to be shipped, that fact's key stands for the line that it names."""
    lines_of = {e.key: e.body.line for e in order.all(ShipmentLine)}
    return sums((lines_of.get(e.body.line, e.body.line), e.body.quantity) for e in order.all(Allocation))


def live_picks(order: Aggregate) -> list[Entry[PartnerPick]]:
    cancelled = {e.doc for e in order.all(PartnerOrder) if e.body.state == "CANCELLED"}
    return [e for e in order.all(PartnerPick) if e.doc not in cancelled]


def returned_goods(order: Aggregate) -> Sums:
    back = {e.doc for e in order.all(ReturnHeader) if received_back(e.body.state)}
    return sums((e.body.line, e.body.quantity) for e in order.all(ReturnLine) if e.doc in back)


def received_back(state: Return) -> bool:
    return RETURNS.index(state) >= RETURNS.index(Return.RECEIVED_BACK)


def invoiced_goods(order: Aggregate) -> Sums:
    counted = {e.doc for e in order.all(Invoice) if not e.body.void and not e.body.credit}
    return sums((e.body.line, e.body.quantity) for e in order.all(InvoiceLine) if e.doc in counted)

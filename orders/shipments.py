"""An order's shipments: what partners and the ERP know of the same goods, folded into one each."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from orders.aggregate import Aggregate, Entry, of_kind
from orders.facts import Body, Doc, OrderLine, Package, Posting, ShipmentHeader, ShipmentLine, TransportEvent
from orders.recall import Recall
from orders.states import TAXONOMY_VERSION, TERMINAL, Milestone, Overlay
from orders.values import Value

ENDED = TERMINAL - {Milestone.DELIVERED}
LONG_AGO = datetime.min.replace(tzinfo=UTC)
MOVED = frozenset(m for m in Milestone if Milestone.PICKED_UP <= m <= Milestone.LOST)


class Goods(Value, frozen=True):
    line: str
    sku: str
    quantity: Decimal
    lot: str | None


class Scan(Value, frozen=True):
    entry: Entry[TransportEvent]
    duplicate: bool


class Reached(Value, frozen=True):
    """A milestone's earliest occurrence; `scan` is None when the shipment's own record says it."""

    at: datetime
    scan: Entry[TransportEvent] | None
    late: bool

    @property
    def taxonomy(self) -> int:
        return self.scan.body.taxonomy if self.scan else TAXONOMY_VERSION


class Shipment(Value, frozen=True):
    """One physical shipment. `name` is what all parties call it: a happening has one key, whoever tells it first.

    When it is `over`, nothing more is expected of it.
    """

    id: str
    doc: Doc
    number: str
    name: str
    because: tuple[str, str]
    header: ShipmentHeader
    posting: Entry[Posting] | None
    goods: Sequence[Goods]
    packages: Sequence[Entry[Package]]
    scans: Sequence[Scan]
    milestones: dict[Milestone, Reached]
    delays: Sequence[Entry[TransportEvent]]
    state: Milestone
    moved: bool
    came_back: bool
    lost: bool
    delivered_at: datetime | None
    delivered: bool
    over: bool

    @property
    def delayed(self) -> bool:
        return bool(self.delays) and not self.over

    @property
    def latest_reason(self) -> TransportEvent | None:
        told = [s.entry for s in self.scans if s.entry.body.reason]
        return max(told, key=lambda e: (e.body.occurred_at, scan_order(e))).body if told else None


def scan_order(entry: Entry[TransportEvent]) -> tuple[datetime, int, str]:
    """Scans as they were recorded; ids that are numbers sort as numbers."""
    return entry.body.recorded_at or LONG_AGO, len(entry.key), entry.key


def shipments(order: Aggregate, recall: Recall) -> list[Shipment]:
    """Partner shipments, then postings that match none of them; sorted by id."""
    partners = [partner_shipment(order, recall, header) for header in order.all(ShipmentHeader)]
    matched = {s.number for s in partners}
    own = [posted_shipment(order, recall, p) for p in order.all(Posting) if p.body.partner_shipment not in matched]
    return sorted([*partners, *own], key=lambda s: s.id)


def partner_shipment(order: Aggregate, recall: Recall, header: Entry[ShipmentHeader]) -> Shipment:
    postings = [p for p in order.all(Posting) if p.body.partner_shipment == header.body.number]
    posting = min(postings, key=lambda p: p.body.number, default=None)
    return assembled(order, recall, header, header.body, posting, header.body.number)


def posted_shipment(order: Aggregate, recall: Recall, posting: Entry[Posting]) -> Shipment:
    body = posting.body
    header = ShipmentHeader(
        number=body.number,
        warehouse=body.warehouse,
        carrier=body.carrier,
        service=None,
        tracking=body.tracking,
        created_at=None,
        shipped_at=body.shipped_at,
    )
    return assembled(order, recall, posting, header, posting, body.partner_shipment or body.number)


def assembled(
    order: Aggregate,
    recall: Recall,
    entry: Entry[ShipmentHeader] | Entry[Posting],
    header: ShipmentHeader,
    posting: Entry[Posting] | None,
    name: str,
) -> Shipment:
    own, ordered = order.document(entry.doc), order.all(OrderLine)
    return recall("shipment", entry.key, assemble, entry, header, posting, name, own, ordered)


def assemble(
    entry: Entry[ShipmentHeader] | Entry[Posting],
    header: ShipmentHeader,
    posting: Entry[Posting] | None,
    name: str,
    own: Sequence[Entry[Body]],
    ordered: Sequence[Entry[OrderLine]],
) -> Shipment:
    """`own` are the facts of the shipment's document, `ordered` the order's lines."""
    doc = entry.doc
    scans = mark_duplicates(of_kind(TransportEvent, own))
    reached = milestones(header, posting, scans)
    moved = not header.void and not MOVED.isdisjoint(reached)
    came_back, lost = moved and Milestone.RETURNED in reached, moved and Milestone.LOST in reached
    arrived = reached.get(Milestone.DELIVERED) or reached.get(Milestone.POD_RECEIVED)
    delivered = moved and arrived is not None and not came_back and not lost
    return Shipment(
        id=f"{doc.source}:{header.number}",
        doc=doc,
        number=header.number,
        name=name,
        because=entry.because,
        header=header,
        posting=posting,
        goods=goods_of(of_kind(ShipmentLine, own), ordered),
        packages=of_kind(Package, own),
        scans=scans,
        milestones=reached,
        delays=[s.entry for s in scans if s.entry.body.overlay is Overlay.DELAYED and not s.duplicate],
        state=max(reached, default=Milestone.UNKNOWN),
        moved=moved,
        came_back=came_back,
        lost=lost,
        delivered_at=arrived.at if arrived else None,
        delivered=delivered,
        over=header.void or delivered or not ENDED.isdisjoint(reached),
    )


def goods_of(packed: Iterable[Entry[ShipmentLine]], ordered: Sequence[Entry[OrderLine]]) -> list[Goods]:
    """What is in it, by order line; what the record leaves out, line or article, the order's lines tell."""
    skus = {e.body.line: e.body.sku for e in ordered}
    lines_of = {e.body.sku: e.body.line for e in reversed(ordered)}
    found = []
    for entry in packed:
        body = entry.body
        line = body.line or lines_of.get(body.sku or "") or entry.local
        found.append(Goods(line, body.sku or skus.get(line, ""), body.quantity, body.lot))
    return found


def mark_duplicates(entries: Iterable[Entry[TransportEvent]]) -> list[Scan]:
    alike: dict[tuple[str | None, ...], list[TransportEvent]] = {}
    marked: list[Scan] = []
    for entry in sorted(entries, key=scan_order):
        body = entry.body
        before = alike.setdefault((body.code, body.reason, body.city, body.region), [])
        marked.append(Scan(entry, any(clock_time(each) == clock_time(body) for each in before)))
        before.append(body)
    return marked


def clock_time(event: TransportEvent) -> datetime:
    """What the clock showed where it happened; the same scan may come again without its zone."""
    return event.occurred_at + timedelta(minutes=event.offset_minutes or 0)


def milestones(
    header: ShipmentHeader, posting: Entry[Posting] | None, scans: Sequence[Scan]
) -> dict[Milestone, Reached]:
    told = [s.entry for s in scans if not s.duplicate and s.entry.body.milestone is not Milestone.UNKNOWN]
    found: list[tuple[Milestone, datetime, Entry[TransportEvent] | None]] = []
    found += [(m, at, None) for m, at in recorded(header, posting)]
    found += [(e.body.milestone, e.body.occurred_at, e) for e in told]
    reached: dict[Milestone, Reached] = {}
    for milestone, at, scan in sorted(found, key=milestone_order):
        if milestone not in reached:
            reached[milestone] = Reached(at, scan, scan is not None and came_late(scan, told))
    return reached


def milestone_order(
    found: tuple[Milestone, datetime, Entry[TransportEvent] | None],
) -> tuple[Milestone, datetime, tuple[datetime, int, str]]:
    milestone, at, scan = found
    return milestone, at, scan_order(scan) if scan else (LONG_AGO, 0, "")


def recorded(header: ShipmentHeader, posting: Entry[Posting] | None) -> list[tuple[Milestone, datetime]]:
    """What the shipment's own record, and the ERP's posting of it, say without a scan."""
    shipped_at = header.shipped_at or (posting.body.shipped_at if posting else None)
    steps = (
        (Milestone.CREATED, header.created_at),
        (Milestone.PICKED_UP, shipped_at),
        (Milestone.DELIVERED, header.delivered_at),
        (Milestone.POD_RECEIVED, header.pod_at),
    )
    return [(milestone, at) for milestone, at in steps if at is not None]


def came_late(scan: Entry[TransportEvent], told: Iterable[Entry[TransportEvent]]) -> bool:
    at = scan.body.recorded_at
    return at is not None and any(
        e.body.milestone > scan.body.milestone and e.body.recorded_at is not None and e.body.recorded_at < at
        for e in told
    )

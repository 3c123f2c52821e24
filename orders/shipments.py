"""An order's shipments: what partners and the ERP know of the same goods, folded into one each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from orders.aggregate import Aggregate, Entry, Group, of_kind
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


class Standing(Value, frozen=True):
    """How far a shipment is: all of it that an order's states depend on. `over`: nothing more is expected of it."""

    state: Milestone
    moved: bool
    came_back: bool
    lost: bool
    delivered_at: datetime | None
    delivered: bool
    over: bool
    delayed: bool
    eta: datetime | None


class Shipment(Value, frozen=True):
    """One physical shipment. `name` is what all parties call it: a happening has one key, whoever tells it first."""

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
    standing: Standing

    @property
    def latest_reason(self) -> TransportEvent | None:
        told = [s.entry for s in self.scans if s.entry.body.reason]
        return max(told, key=lambda e: (e.body.occurred_at, scan_order(e))).body if told else None


def standings(parcels: Iterable[Shipment]) -> list[Standing]:
    return [shipment.standing for shipment in parcels]


def scan_order(entry: Entry[TransportEvent]) -> tuple[datetime, int, str]:
    """Scans as they were recorded; ids that are numbers sort as numbers."""
    return entry.body.recorded_at or LONG_AGO, len(entry.key), entry.key


TELLING = Group(ShipmentHeader, Posting, OrderLine)
"""Facts that tell of shipments, beside those of their own documents."""
Facts = Sequence[Entry[Body]]
Articles = Sequence[tuple[str, str]]
"""An order's lines: line and article."""


class Told(Value, frozen=True):
    """Who told of a shipment first, what is known of it, and the ERP's posting of it."""

    entry: Entry[ShipmentHeader] | Entry[Posting]
    header: ShipmentHeader
    posting: Entry[Posting] | None
    name: str


def shipments(order: Aggregate, recall: Recall) -> list[Shipment]:
    """Partner shipments, then postings that match none of them; sorted by id."""
    told, docs, articles = recall.within("told", told_of, order.each(TELLING))
    return recall.within("shipments", assembled, told, articles, order.documents(docs))


def told_of(recall: Recall, telling: Sequence[Any]) -> tuple[list[Told], tuple[Doc, ...], Articles]:
    """What is told of shipments, in which documents, and the order's articles."""
    headers, postings, ordered = telling
    return *recall("told", "paired", paired, headers, postings), recall("told", "articles", articles_of, ordered)


def assembled(recall: Recall, told: Iterable[Told], articles: Articles, documents: Iterable[Facts]) -> list[Shipment]:
    found = [
        recall("shipment", "/".join(each.entry.because), assemble, each, own, articles)
        for each, own in zip(told, documents, strict=True)
    ]
    return sorted(found, key=attrgetter("id"))


def articles_of(ordered: Iterable[Entry[OrderLine]]) -> Articles:
    return sorted(((e.body.line, e.body.sku) for e in ordered), key=lambda article: (len(article[0]), article))


def paired(
    headers: Iterable[Entry[ShipmentHeader]], postings: Sequence[Entry[Posting]]
) -> tuple[list[Told], tuple[Doc, ...]]:
    """And the document of each."""
    partners = [partner_shipment(header, postings) for header in headers]
    matched = {told.name for told in partners}
    told = partners + [posted_shipment(p) for p in postings if p.body.partner_shipment not in matched]
    return told, tuple(each.entry.doc for each in told)


def partner_shipment(header: Entry[ShipmentHeader], postings: Iterable[Entry[Posting]]) -> Told:
    of_it = [p for p in postings if p.body.partner_shipment == header.body.number]
    return Told(header, header.body, min(of_it, key=posting_order, default=None), header.body.number)


def posting_order(posting: Entry[Posting]) -> tuple[bool, datetime, str]:
    """The one that left first, before those that have not left."""
    at = posting.body.shipped_at
    return at is None, at or LONG_AGO, posting.body.number


def posted_shipment(posting: Entry[Posting]) -> Told:
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
    return Told(posting, header, posting, body.partner_shipment or body.number)


def assemble(told: Told, own: Facts, articles: Articles) -> Shipment:
    """`own` are the facts of the shipment's document."""
    header, doc = told.header, told.entry.doc
    scans = mark_duplicates(of_kind(TransportEvent, own))
    reached = milestones(header, told.posting, scans)
    delays = [s.entry for s in scans if s.entry.body.overlay is Overlay.DELAYED and not s.duplicate]
    return Shipment(
        id=f"{doc.source}:{header.number}",
        doc=doc,
        number=header.number,
        name=told.name,
        because=told.entry.because,
        header=header,
        posting=told.posting,
        goods=goods_of(of_kind(ShipmentLine, own), articles),
        packages=of_kind(Package, own),
        scans=scans,
        milestones=reached,
        delays=delays,
        standing=standing(header, reached, delayed=bool(delays)),
    )


def standing(header: ShipmentHeader, reached: Mapping[Milestone, Reached], *, delayed: bool) -> Standing:
    moved = not header.void and not MOVED.isdisjoint(reached)
    came_back, lost = moved and Milestone.RETURNED in reached, moved and Milestone.LOST in reached
    arrived = reached.get(Milestone.DELIVERED) or reached.get(Milestone.POD_RECEIVED)
    delivered = moved and arrived is not None and not came_back and not lost
    over = header.void or delivered or not ENDED.isdisjoint(reached)
    return Standing(
        state=max(reached, default=Milestone.UNKNOWN),
        moved=moved,
        came_back=came_back,
        lost=lost,
        delivered_at=arrived.at if arrived else None,
        delivered=delivered,
        over=over,
        delayed=delayed and not over,
        eta=header.eta,
    )


def goods_of(packed: Iterable[Entry[ShipmentLine]], articles: Articles) -> list[Goods]:
    """What is in it, one for each order line; what the record leaves out, line or article, the order's lines tell."""
    skus, lines_of = dict(articles), {sku: line for line, sku in reversed(articles)}
    found: dict[str, Goods] = {}
    for entry in sorted(packed, key=attrgetter("key")):
        body = entry.body
        line = body.line or lines_of.get(body.sku or "") or entry.local
        part = Goods(line, body.sku or skus.get(line, ""), body.quantity, body.lot)
        found[line] = together(found[line], part) if line in found else part
    return list(found.values())


def together(one: Goods, other: Goods) -> Goods:
    """Two parts of a line's goods; they are of a lot only where both are of it."""
    return replace(one, quantity=one.quantity + other.quantity, lot=one.lot if one.lot == other.lot else None)


def mark_duplicates(entries: Iterable[Entry[TransportEvent]]) -> list[Scan]:
    seen: set[tuple[str | datetime | None, ...]] = set()
    marked: list[Scan] = []
    for entry in sorted(entries, key=scan_order):
        body = entry.body
        alike = (body.code, body.reason, body.city, body.region, clock_time(body))
        marked.append(Scan(entry, alike in seen))
        seen.add(alike)
    return marked


def clock_time(event: TransportEvent) -> datetime:
    """What the clock showed where it happened; the same scan may come again without its zone."""
    ahead = event.offset_minutes
    return event.occurred_at + timedelta(minutes=ahead) if ahead else event.occurred_at


def milestones(
    header: ShipmentHeader, posting: Entry[Posting] | None, scans: Sequence[Scan]
) -> dict[Milestone, Reached]:
    """By rank. The first of several at the same instant is the shipment's own record, then the scan recorded first."""
    told = [s.entry for s in scans if not s.duplicate and s.entry.body.milestone is not Milestone.UNKNOWN]
    found: dict[Milestone, tuple[datetime, Entry[TransportEvent] | None]] = {}
    for milestone, at in recorded(header, posting):
        found[milestone] = at, None
    for entry in told:
        milestone, at = entry.body.milestone, entry.body.occurred_at
        known = found.get(milestone)
        if known is None or at < known[0]:
            found[milestone] = at, entry
    return {milestone: Reached(*found[milestone], late) for milestone, late in lateness(found, told)}


def lateness(
    found: Mapping[Milestone, tuple[datetime, Entry[TransportEvent] | None]], told: Iterable[Entry[TransportEvent]]
) -> list[tuple[Milestone, bool]]:
    """Milestones by rank, and whether each was recorded after a later one had been."""
    earliest: dict[Milestone, datetime] = {}
    for entry in told:
        milestone, at = entry.body.milestone, entry.body.recorded_at
        if at is not None and (milestone not in earliest or at < earliest[milestone]):
            earliest[milestone] = at
    later: datetime | None = None
    ranked: list[tuple[Milestone, bool]] = []
    for milestone in sorted(found, reverse=True):
        scan = found[milestone][1]
        at = scan.body.recorded_at if scan else None
        ranked.append((milestone, at is not None and later is not None and later < at))
        if milestone in earliest and (later is None or earliest[milestone] < later):
            later = earliest[milestone]
    return ranked[::-1]


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

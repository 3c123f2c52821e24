"""3PL West's WMS, a MariaDB, in canonical words."""

from decimal import Decimal

from adapters.reading import Columns, TableMapping, TableRule, at_offset
from adapters.wms_west.codes import CLOCK, MILESTONES, OVERLAYS, STAGES, WAREHOUSE
from orders.facts import (
    Doc,
    DocKind,
    Fact,
    Ident,
    Inventory,
    Package,
    PartnerOrder,
    PartnerPick,
    ShipmentHeader,
    ShipmentLine,
    TransportEvent,
)
from orders.states import TAXONOMY_VERSION, Milestone

GRAMS = Decimal(1000)


def outbound_doc(row: Columns) -> Doc:
    return Doc(row.source, DocKind.PARTNER_ORDER, row.id("outbound_id"))


def dispatch_doc(row: Columns) -> Doc:
    return Doc(row.source, DocKind.SHIPMENT, row.id("dispatch_id"))


def outbound_ident(row: Columns) -> Ident:
    return Ident(f"{row.source}:order", row.id("outbound_id"))


def outbound(key: str, row: Columns) -> Fact:
    quoted = row.id("customer_ref").strip()
    return Fact(
        key=key,
        doc=outbound_doc(row),
        claims=(outbound_ident(row),),
        belongs_to=Ident("order_number", quoted),
        body=PartnerOrder(
            number=row.id("doc_no"),
            state=row.code("stage", STAGES),
            quoted_reference=quoted,
            acknowledged_at=row.wall_clock("confirmed_on"),
            received_at=row.wall_clock("entered_on"),
        ),
    )


def outbound_item(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=outbound_doc(row),
        body=PartnerPick(
            line=row.id("pos"),
            sku=row.id("article"),
            quantity=row.quantity("wanted"),
            picked=row.quantity("picked"),
            packed=row.quantity("packed"),
            short=row.quantity("missing"),
        ),
    )


def dispatch(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=dispatch_doc(row),
        belongs_to=outbound_ident(row),
        body=ShipmentHeader(
            number=row.id("doc_no"),
            warehouse=WAREHOUSE,
            carrier=row.text("haulier"),
            service=row.text("product"),
            tracking=row.text("consignment"),
            created_at=row.wall_clock("made_on"),
            shipped_at=row.wall_clock("left_on"),
            eta=row.wall_clock("expected_on"),
            pod_name=row.text("signed_by"),
            pod_at=row.wall_clock("signed_on"),
            void=row.flag("is_void"),
        ),
    )


def dispatch_item(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=dispatch_doc(row),
        body=ShipmentLine(
            line=row.id("pos"), sku=row.id("article"), quantity=row.quantity("amount"), lot=row.text("batch")
        ),
    )


def handling_unit(key: str, row: Columns) -> Fact:
    sscc, grams = row.id("sscc"), row.number("grams")
    weight = None if grams is None else grams / GRAMS
    return Fact(
        key=key,
        doc=dispatch_doc(row),
        body=Package(id=sscc, sscc=sscc, tracking=row.text("consignment"), weight_kg=weight),
    )


def tracking_event(key: str, row: Columns) -> Fact:
    """The carrier's clock is ahead of UTC by `utc_minutes`; null when it did not say."""
    code, ahead = row.id("status").strip(), row.number("utc_minutes")
    offset = None if ahead is None else int(ahead)
    return Fact(
        key=key,
        doc=dispatch_doc(row),
        body=TransportEvent(
            namespace="west:status",
            code=code,
            milestone=MILESTONES.get(code, Milestone.UNKNOWN),
            overlay=OVERLAYS.get(code),
            occurred_at=at_offset(row.naive("happened_on"), offset),
            offset_minutes=offset,
            recorded_at=row.wall_clock("heard_on"),
            city=row.text("town"),
            region=row.text("state"),
            taxonomy=TAXONOMY_VERSION,
        ),
    )


def stock(key: str, row: Columns) -> Fact:
    sku = row.id("article")
    return Fact(
        key=key,
        doc=Doc(row.source, DocKind.INVENTORY, sku),
        body=Inventory(
            sku=sku,
            warehouse=WAREHOUSE,
            on_hand=row.quantity("in_hand"),
            allocated=row.quantity("reserved"),
            as_of=row.wall_clock("counted_on"),
        ),
    )


MAPPING = TableMapping(
    {
        "outbound": TableRule("order", ("outbound_id",), outbound),
        "outbound_item": TableRule("pick", ("outbound_id", "pos"), outbound_item),
        "dispatch": TableRule("shipment", ("dispatch_id",), dispatch),
        "dispatch_item": TableRule("shipment_line", ("dispatch_id", "pos"), dispatch_item),
        "handling_unit": TableRule("package", ("sscc",), handling_unit),
        "tracking_event": TableRule("scan", ("event_id",), tracking_event),
        "article_stock": TableRule("stock", ("article",), stock),
    },
    CLOCK,
)

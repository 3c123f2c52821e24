"""3PL East's WMS in canonical words."""

from adapters.reading import Columns, TableMapping, TableRule, at_offset, minutes
from adapters.wms_east.codes import ORDER_STATES, WAREHOUSE
from adapters.x12 import MILESTONES_1650, NORMAL, OVERLAYS_1650, REASONS_1651
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
from orders.states import TAXONOMY_VERSION, Milestone, ReasonFamily


def order_doc(row: Columns, order_id: str) -> Doc:
    return Doc(row.source, DocKind.PARTNER_ORDER, order_id)


def shipment_doc(row: Columns, shipment_id: str) -> Doc:
    return Doc(row.source, DocKind.SHIPMENT, shipment_id)


def order_ident(row: Columns, order_id: str) -> Ident:
    return Ident(f"{row.source}:order", order_id)


def order(key: str, row: Columns) -> Fact:
    order_id, quoted = row.id("id"), row.id("client_ref").strip()
    return Fact(
        key=key,
        doc=order_doc(row, order_id),
        claims=(order_ident(row, order_id),),
        belongs_to=Ident("order_number", quoted),
        body=PartnerOrder(
            number=row.id("code"),
            state=row.code("state", ORDER_STATES),
            quoted_reference=quoted,
            acknowledged_at=row.instant("acked_at"),
            received_at=row.instant("received_at"),
        ),
    )


def order_line(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=order_doc(row, row.id("order_id")),
        body=PartnerPick(
            line=row.id("line"),
            sku=row.id("sku"),
            quantity=row.quantity("qty"),
            picked=row.quantity("qty_picked"),
            packed=row.quantity("qty_packed"),
            short=row.quantity("qty_short"),
        ),
    )


def shipment(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=shipment_doc(row, row.id("id")),
        belongs_to=order_ident(row, row.id("order_id")),
        body=ShipmentHeader(
            number=row.id("code"),
            warehouse=WAREHOUSE,
            carrier=row.text("carrier"),
            service=row.text("service"),
            tracking=row.text("tracking_no"),
            created_at=row.instant("created_at"),
            shipped_at=row.instant("shipped_at"),
            eta=row.instant("eta"),
            pod_name=row.text("pod_name"),
            pod_at=row.instant("pod_at"),
            void=row.flag("void"),
        ),
    )


def shipment_line(key: str, row: Columns) -> Fact:
    return Fact(
        key=key,
        doc=shipment_doc(row, row.id("shipment_id")),
        body=ShipmentLine(line=row.id("line"), sku=row.id("sku"), quantity=row.quantity("qty"), lot=row.text("lot")),
    )


def carton(key: str, row: Columns) -> Fact:
    sscc = row.id("sscc")
    return Fact(
        key=key,
        doc=shipment_doc(row, row.id("shipment_id")),
        body=Package(id=sscc, sscc=sscc, tracking=row.text("tracking_no"), weight_kg=row.number("weight_kg")),
    )


def scan(key: str, row: Columns) -> Fact:
    code, reason = row.id("code").strip(), row.text("reason")
    offset = row.text("utc_offset")
    offset_minutes = minutes(offset) if offset else None
    told = reason if reason and reason != NORMAL else None
    return Fact(
        key=key,
        doc=shipment_doc(row, row.id("shipment_id")),
        body=TransportEvent(
            namespace="x12:1650",
            code=code,
            milestone=MILESTONES_1650.get(code, Milestone.UNKNOWN),
            overlay=OVERLAYS_1650.get(code),
            occurred_at=at_offset(row.naive("scanned_at"), offset_minutes),
            offset_minutes=offset_minutes,
            recorded_at=row.instant("received_at"),
            reason=told,
            reason_family=REASONS_1651.get(told, ReasonFamily.UNKNOWN) if told else None,
            city=row.text("city"),
            region=row.text("region"),
            taxonomy=TAXONOMY_VERSION,
        ),
    )


def stock(key: str, row: Columns) -> Fact:
    sku = row.id("sku")
    return Fact(
        key=key,
        doc=Doc(row.source, DocKind.INVENTORY, sku),
        body=Inventory(
            sku=sku,
            warehouse=WAREHOUSE,
            on_hand=row.quantity("on_hand"),
            allocated=row.quantity("allocated"),
            as_of=row.instant("updated_at"),
        ),
    )


MAPPING = TableMapping(
    {
        "public.wh_order": TableRule("order", ("id",), order),
        "public.wh_order_line": TableRule("pick", ("order_id", "line"), order_line),
        "public.wh_shipment": TableRule("shipment", ("id",), shipment),
        "public.wh_shipment_line": TableRule("shipment_line", ("shipment_id", "line"), shipment_line),
        "public.wh_carton": TableRule("package", ("sscc",), carton),
        "public.wh_scan": TableRule("scan", ("id",), scan),
        "public.wh_stock": TableRule("stock", ("sku",), stock),
    }
)

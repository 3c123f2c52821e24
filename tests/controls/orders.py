"""The canonical order: 1042, two lines, shipped by a 3PL in one part or two."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from orders import aggregate
from orders.facts import (
    Allocation,
    Body,
    Doc,
    DocKind,
    Invoice,
    InvoiceLine,
    OrderHeader,
    OrderLine,
    PickRelease,
    Posting,
    ReturnHeader,
    ReturnLine,
    ShipmentHeader,
    ShipmentLine,
    TransportEvent,
)
from orders.states import Commercial, Milestone, Overlay, Return

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
ORDER = Doc("erp", DocKind.ORDER, "1042")
INVOICE = Doc("erp", DocKind.INVOICE, "9001")
RETURN = Doc("erp", DocKind.RETURN, "77")
POSTING = Doc("erp", DocKind.POSTING, "501")

Facts = dict[Doc, dict[str, Body]]


def hours(count: float) -> datetime:
    """So many hours after Monday noon."""
    return MONDAY + timedelta(hours=count)


def header(**other: Any) -> OrderHeader:
    usual = OrderHeader(
        number="1042",
        commercial=Commercial.ACCEPTED,
        customer="7",
        customer_po="PO-1",
        channel="EDI",
        currency="USD",
        ordered_at=MONDAY,
        accepted_at=hours(1),
        promised_on=date(2026, 3, 6),
    )
    return replace(usual, **other)


def line(number: str = "1", ordered: int = 10, **other: Any) -> OrderLine:
    usual = OrderLine(line=number, sku=f"SKU-{number}", uom="EA", ordered=Decimal(ordered), unit_price=Decimal("2.50"))
    return replace(usual, **other)


def order(*lines: OrderLine, **other: Any) -> Facts:
    return {ORDER: {"order/1042": header(**other), **{f"line/1042/{x.line}": x for x in lines or (line(),)}}}


def allocation(quantity: int, number: str = "1", at: datetime | None = None) -> Allocation:
    return Allocation(line=number, warehouse="EA", quantity=Decimal(quantity), at=at or hours(2))


def release(quantity: int, number: str = "1") -> PickRelease:
    return PickRelease(number="55", line=number, warehouse="EA", quantity=Decimal(quantity), at=hours(3))


def shipment_doc(number: int = 1) -> Doc:
    return Doc("east", DocKind.SHIPMENT, str(number))


def shipment(*scans: TransportEvent, number: int = 1, quantity: int = 10, line: str = "1", **other: Any) -> Facts:
    """East's shipment of one line, with its scans."""
    usual = ShipmentHeader(
        number=f"ES{number}",
        warehouse="EA",
        carrier="UPSN",
        service="GROUND",
        tracking=f"1Z{number}",
        created_at=hours(20),
        shipped_at=hours(24),
    )
    facts: dict[str, Body] = {
        f"shipment/{number}": replace(usual, **other),
        f"shipment_line/{number}/{line}": ShipmentLine(line=line, sku=f"SKU-{line}", quantity=Decimal(quantity)),
    }
    return {shipment_doc(number): facts | {f"scan/{number}{i}": scan for i, scan in enumerate(scans, 1)}}


def scan(milestone: Milestone, at: float, *, code: str = "", told: float | None = None, **other: Any) -> TransportEvent:
    """At so many hours; recorded at once unless `told` later."""
    usual = TransportEvent(
        namespace="x12:1650",
        code=code or milestone.name[:4],
        milestone=milestone,
        occurred_at=hours(at),
        recorded_at=hours(at if told is None else told),
        offset_minutes=-360,
    )
    return replace(usual, **other)


def delay(at: float, reason: str = "AO") -> TransportEvent:
    return scan(Milestone.UNKNOWN, at, code="SD", overlay=Overlay.DELAYED, reason=reason)


def posting(quantity: int = 10, partner: str | None = "ES1") -> Facts:
    body = Posting(
        number="501", warehouse="EA", partner_shipment=partner, carrier=None, tracking=None, shipped_at=hours(26)
    )
    return {
        POSTING: {
            "posting/501": body,
            "posting_line/501/1": ShipmentLine(line="1", sku=None, quantity=Decimal(quantity)),
        }
    }


def invoice(quantity: int = 10, amount: str = "25.00", **other: Any) -> Facts:
    usual = Invoice(
        number="9001",
        credit=False,
        issued_at=hours(48),
        due_on=date(2026, 4, 2),
        paid_at=None,
        amount=Decimal(amount),
        currency="USD",
    )
    lines = InvoiceLine(line="1", quantity=Decimal(quantity), amount=Decimal(amount))
    return {INVOICE: {"invoice/9001": replace(usual, **other), "invoice_line/9001/1": lines}}


def goods_return(state: Return, quantity: int = 1) -> Facts:
    body = ReturnHeader(number="77", state=state, reason="DAMAGED", authorized_at=hours(90), received_at=hours(100))
    return {RETURN: {"return/77": body, "return_line/77/1": ReturnLine(line="1", quantity=Decimal(quantity))}}


def together(*parts: Facts) -> Facts:
    found: Facts = {}
    for part in parts:
        for doc, facts in part.items():
            found[doc] = {**found.get(doc, {}), **facts}
    return found


def filed(facts: Facts) -> aggregate.Facts:
    """With each fact's place beside it, as the store keeps them."""
    return {doc: {key: aggregate.Entry(doc, key, body) for key, body in its.items()} for doc, its in facts.items()}


def with_facts(facts: Facts, **more: Body) -> Facts:
    """More facts of the order's own document; `_` in a name stands for `/`."""
    return together(facts, {ORDER: {key.replace("_", "/"): body for key, body in more.items()}})

"""The rows of the order graph, one Struct per table of the schema `graph`, with the columns' names and order.

`orders.rows` makes them of what follows from the facts; the projector writes them as they are. Instants are UTC.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, ClassVar

from orders.values import Value


class Row(Value, frozen=True):
    """`table` is where the row is stored, `key` its primary key's columns."""

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]


class CustomerRow(Row, frozen=True):
    table: ClassVar[str] = "customer"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    name: str
    active: bool
    currency: str | None
    source: str


class ShipToRow(Row, frozen=True):
    table: ClassVar[str] = "ship_to"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    customer_id: str
    name: str
    street: str
    city: str
    region: str
    postal_code: str
    country: str


class ProductRow(Row, frozen=True):
    table: ClassVar[str] = "product"
    key: ClassVar[tuple[str, ...]] = ("sku",)
    sku: str
    description: str
    uom: str
    active: bool
    source: str


class InventoryRow(Row, frozen=True):
    table: ClassVar[str] = "inventory"
    key: ClassVar[tuple[str, ...]] = ("sku", "warehouse", "source")
    sku: str
    warehouse: str
    source: str
    on_hand: Decimal
    allocated: Decimal
    as_of: datetime | None


class OrderRow(Row, frozen=True):
    table: ClassVar[str] = "orders"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    source: str
    number: str
    customer_id: str | None
    customer_po: str | None
    channel: str | None
    warehouse: str | None
    ship_to_id: str | None
    currency: str
    total: Decimal
    ordered_at: datetime | None
    accepted_at: datetime | None
    requested_on: date | None
    promised_on: date | None
    eta: datetime | None
    cancelled_at: datetime | None
    held_at: datetime | None
    hold_reason: str | None
    note: str | None
    commercial: str
    fulfillment: str
    delivery: str
    financial: str
    return_state: str
    health: str
    display_status: str
    delivered_at: datetime | None
    last_event_at: datetime | None


class LineRow(Row, frozen=True):
    table: ClassVar[str] = "line"
    key: ClassVar[tuple[str, ...]] = ("order_id", "line")
    order_id: str
    line: str
    sku: str
    description: str | None
    uom: str
    unit_price: Decimal | None
    promised_on: date | None
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
    status: str


class FulfillmentOrderRow(Row, frozen=True):
    table: ClassVar[str] = "fulfillment_order"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    order_id: str | None
    source: str
    number: str
    state: str
    quoted_reference: str
    received_at: datetime | None
    acknowledged_at: datetime | None


class ShipmentRow(Row, frozen=True):
    table: ClassVar[str] = "shipment"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    order_id: str | None
    source: str
    number: str
    warehouse: str | None
    carrier: str | None
    service: str | None
    tracking: str | None
    posting: str | None
    milestone: str
    rank: int
    delayed: bool
    reason: str | None
    reason_family: str | None
    created_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    eta: datetime | None
    pod_name: str | None
    pod_at: datetime | None
    void: bool


class ShipmentLineRow(Row, frozen=True):
    table: ClassVar[str] = "shipment_line"
    key: ClassVar[tuple[str, ...]] = ("shipment_id", "line")
    shipment_id: str
    line: str
    order_id: str | None
    sku: str
    quantity: Decimal
    lot: str | None


class PackageRow(Row, frozen=True):
    table: ClassVar[str] = "package"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    shipment_id: str
    order_id: str | None
    sscc: str | None
    tracking: str | None
    weight_kg: Decimal | None


class MilestoneRow(Row, frozen=True):
    table: ClassVar[str] = "milestone"
    key: ClassVar[tuple[str, ...]] = ("shipment_id", "milestone")
    shipment_id: str
    milestone: str
    rank: int
    order_id: str | None
    occurred_at: datetime
    late: bool
    transport_event_id: str | None
    taxonomy: int


class TransportEventRow(Row, frozen=True):
    table: ClassVar[str] = "transport_event"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    shipment_id: str
    order_id: str | None
    namespace: str
    code: str
    milestone: str
    overlay: str | None
    reason: str | None
    reason_family: str | None
    occurred_at: datetime
    offset_minutes: int | None
    recorded_at: datetime | None
    city: str | None
    region: str | None
    duplicate: bool


class InvoiceRow(Row, frozen=True):
    table: ClassVar[str] = "invoice"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    order_id: str | None
    source: str
    number: str
    credit: bool
    status: str
    amount: Decimal
    currency: str
    issued_at: datetime | None
    due_on: date | None
    paid_at: datetime | None


class InvoiceLineRow(Row, frozen=True):
    table: ClassVar[str] = "invoice_line"
    key: ClassVar[tuple[str, ...]] = ("invoice_id", "seq")
    invoice_id: str
    seq: str
    order_id: str | None
    line: str | None
    quantity: Decimal
    amount: Decimal


class ReturnRow(Row, frozen=True):
    table: ClassVar[str] = "returns"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    order_id: str | None
    source: str
    number: str
    state: str
    reason: str | None
    authorized_at: datetime | None
    received_at: datetime | None
    restocked_at: datetime | None
    refunded_at: datetime | None


class ReturnLineRow(Row, frozen=True):
    table: ClassVar[str] = "return_line"
    key: ClassVar[tuple[str, ...]] = ("return_id", "line")
    return_id: str
    line: str
    order_id: str | None
    quantity: Decimal


class ChargeRow(Row, frozen=True):
    table: ClassVar[str] = "charge"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    order_id: str | None
    kind: str
    amount: Decimal
    currency: str
    posting: str | None
    charged_at: datetime | None


class HoldRow(Row, frozen=True):
    table: ClassVar[str] = "hold"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    order_id: str | None
    held: bool
    reason: str | None
    note: str | None
    username: str
    at: datetime
    command_id: str | None


class ReferenceRow(Row, frozen=True):
    table: ClassVar[str] = "reference"
    key: ClassVar[tuple[str, ...]] = ("scheme", "value", "target", "target_id")
    scheme: str
    value: str
    target: str
    target_id: str
    order_id: str | None


TABLES: tuple[type[Row], ...] = (
    CustomerRow,
    ShipToRow,
    ProductRow,
    InventoryRow,
    OrderRow,
    LineRow,
    FulfillmentOrderRow,
    ShipmentRow,
    ShipmentLineRow,
    PackageRow,
    MilestoneRow,
    TransportEventRow,
    InvoiceRow,
    InvoiceLineRow,
    ReturnRow,
    ReturnLineRow,
    ChargeRow,
    HoldRow,
    ReferenceRow,
)

Identity = tuple[str, ...]
"""A row's table and primary key."""
IDENTITIES: dict[type[Row], Callable[[Row], Any]] = {row: attrgetter("table", *row.key) for row in TABLES}


def by_identity(rows: Iterable[Row]) -> dict[Identity, Row]:
    return {IDENTITIES[type(row)](row): row for row in rows}

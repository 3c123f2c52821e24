"""Facts: what the sources say, in canonical words.

A fact is the present state of one thing that one source knows (an order line, a scan): a newer fact with
the same key in the same source replaces it, a fact without body deletes it. Facts are grouped in
documents (an order, a shipment, an invoice); documents claim identifiers and belong to the document that
claims another, possibly one of another source that is not known yet.

Instants are aware datetimes in UTC unless a field says otherwise; quantities and money are Decimals.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from orders.states import Commercial, Milestone, Overlay, ReasonFamily, Return
from orders.values import Value


class DocKind(StrEnum):
    ORDER = "order"
    PARTNER_ORDER = "partner_order"
    SHIPMENT = "shipment"
    POSTING = "posting"
    INVOICE = "invoice"
    RETURN = "return"
    CUSTOMER = "customer"
    PRODUCT = "product"
    INVENTORY = "inventory"


class Doc(Value, frozen=True, order=True, array_like=True, cache_hash=True):
    """A document of a source; `id` is the source's own."""

    source: str
    kind: DocKind
    id: str


class Ident(Value, frozen=True, order=True, array_like=True, cache_hash=True):
    """An identifier: a scheme (`order_number`, `east:shipment`) and a value in it."""

    scheme: str
    value: str


class Fact(Value, frozen=True):
    """`key` is unique in its source. A deletion has neither doc nor body: the key tells what is gone.

    A `partial` fact has UNSET in the fields that its change did not bring: they stay as they were.
    """

    key: str
    doc: Doc | None = None
    body: "Body | None" = None
    claims: tuple[Ident, ...] = ()
    belongs_to: Ident | None = None
    partial: bool = False


class Address(Value, frozen=True):
    name: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class OrderHeader(Value, frozen=True, tag="order"):
    """`number` is what the business calls the order. `hold_reason` is a code of the source."""

    number: str
    commercial: Commercial
    customer: str | None
    customer_po: str | None
    channel: str | None
    currency: str
    ordered_at: datetime | None
    accepted_at: datetime | None = None
    requested_on: date | None = None
    promised_on: date | None = None
    cancelled_at: datetime | None = None
    held_at: datetime | None = None
    hold_reason: str | None = None
    ship_to: str | None = None
    warehouse: str | None = None
    note: str | None = None


class OrderLine(Value, frozen=True, tag="line"):
    """`closed_short` is true when what is open will not come any more."""

    line: str
    sku: str
    uom: str
    ordered: Decimal
    unit_price: Decimal | None
    cancelled: Decimal = Decimal(0)
    backordered: Decimal = Decimal(0)
    closed_short: bool = False
    promised_on: date | None = None
    description: str | None = None


class Allocation(Value, frozen=True, tag="allocation"):
    """Stock set aside. `line` is the order's, or the key of the ShipmentLine that it is for."""

    line: str
    warehouse: str
    quantity: Decimal
    at: datetime | None


class PickRelease(Value, frozen=True, tag="release"):
    """One line of a release; `number` groups the lines that were released together."""

    number: str
    line: str
    warehouse: str
    quantity: Decimal
    at: datetime | None


class HoldEntry(Value, frozen=True, tag="hold"):
    """A hold or its release, as the source logged it; `command` is the key of the command that asked for it."""

    held: bool
    reason: str | None
    note: str | None
    user: str
    at: datetime
    command: str | None


class PartnerOrder(Value, frozen=True, tag="partner_order"):
    """A 3PL's own order. `quoted_reference` is the order number as the partner has it."""

    number: str
    state: str
    quoted_reference: str
    acknowledged_at: datetime | None
    received_at: datetime | None


class PartnerPick(Value, frozen=True, tag="pick"):
    line: str
    sku: str
    quantity: Decimal
    picked: Decimal
    packed: Decimal
    short: Decimal


class ShipmentHeader(Value, frozen=True, tag="shipment"):
    """A physical shipment as the party that moves it knows it. `shipped_at` is when it left the warehouse."""

    number: str
    warehouse: str | None
    carrier: str | None
    service: str | None
    tracking: str | None
    created_at: datetime | None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    eta: datetime | None = None
    pod_name: str | None = None
    pod_at: datetime | None = None
    void: bool = False


class ShipmentLine(Value, frozen=True, tag="shipment_line"):
    """`line` is the order's line, `sku` the article; a source may know only one of them."""

    line: str | None
    sku: str | None
    quantity: Decimal
    lot: str | None = None


class Package(Value, frozen=True, tag="package"):
    id: str
    sscc: str | None
    tracking: str | None
    weight_kg: Decimal | None


class TransportEvent(Value, frozen=True, tag="transport_event"):
    """A raw scan with its reading. `occurred_local` is the time on the clock where it happened, `offset_minutes`
    its zone if the partner said it; `occurred_at` is the instant that follows from both."""

    namespace: str
    code: str
    milestone: Milestone
    occurred_at: datetime
    recorded_at: datetime | None
    offset_minutes: int | None = None
    overlay: Overlay | None = None
    reason: str | None = None
    reason_family: ReasonFamily | None = None
    city: str | None = None
    region: str | None = None
    taxonomy: int = 1


class Posting(Value, frozen=True, tag="posting"):
    """The ERP's record of a shipment; `partner_shipment` is the 3PL's number of the same goods."""

    number: str
    warehouse: str | None
    partner_shipment: str | None
    carrier: str | None
    tracking: str | None
    shipped_at: datetime | None


class Invoice(Value, frozen=True, tag="invoice"):
    """`credit` is true for a credit memo. A void invoice counts for nothing."""

    number: str
    credit: bool
    issued_at: datetime | None
    due_on: date | None
    paid_at: datetime | None
    amount: Decimal
    currency: str
    disputed: bool = False
    void: bool = False


class InvoiceLine(Value, frozen=True, tag="invoice_line"):
    line: str | None
    quantity: Decimal
    amount: Decimal


class ReturnHeader(Value, frozen=True, tag="return"):
    number: str
    state: Return
    reason: str | None
    authorized_at: datetime | None
    received_at: datetime | None = None
    restocked_at: datetime | None = None
    refunded_at: datetime | None = None


class ReturnLine(Value, frozen=True, tag="return_line"):
    line: str
    quantity: Decimal


class Charge(Value, frozen=True, tag="charge"):
    """A cost: `kind` is FREIGHT, FUEL, HANDLING or ACCESSORIAL."""

    kind: str
    amount: Decimal
    currency: str
    posting: str | None
    at: datetime | None


class Customer(Value, frozen=True, tag="customer"):
    number: str
    name: str
    active: bool
    currency: str | None = None


class ShipTo(Value, frozen=True, tag="ship_to"):
    id: str
    address: Address


class Product(Value, frozen=True, tag="product"):
    sku: str
    description: str
    uom: str
    active: bool = True


class Inventory(Value, frozen=True, tag="inventory"):
    """`kept_by` is who says so: the ERP's belief and the warehouse's count are two balances."""

    sku: str
    warehouse: str
    on_hand: Decimal
    allocated: Decimal
    as_of: datetime | None


Body = (
    OrderHeader
    | OrderLine
    | Allocation
    | PickRelease
    | HoldEntry
    | PartnerOrder
    | PartnerPick
    | ShipmentHeader
    | ShipmentLine
    | Package
    | TransportEvent
    | Posting
    | Invoice
    | InvoiceLine
    | ReturnHeader
    | ReturnLine
    | Charge
    | Customer
    | ShipTo
    | Product
    | Inventory
)

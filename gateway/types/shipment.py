"""Shipments: what moves, in what packages, and how far it is."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.tables import Expression
from gateway.types.common import column, entity, many, one, orders_by_id, resolved
from gateway.types.node import Node, identified
from gateway.types.product import PRODUCT_BY_SKU, Product
from gateway.visibility import OF_PARTNER, Secret, through_orders, visible
from orders.states import Milestone, Overlay, ReasonFamily

if TYPE_CHECKING:
    from gateway.types.order import Order

LaterOrder = Annotated["Order", strawberry.lazy("gateway.types.order")]


OF_SHIPMENT = through_orders(
    "o.id = t.order_id",
    "exists (select from graph.shipment s where s.id = t.shipment_id and s.source = any($scope))",
)
"""A partner sees what is in its own shipments."""


@visible("graph.shipment_line", rows=OF_SHIPMENT)
@strawberry.federation.type(description="What of an order's line is in a shipment.")
class ShipmentLine:
    line: str = column("The order's line, or the shipment's own number when the order's is not known.")
    sku: str = column("The article's number.")
    quantity: Decimal = column("In the article's unit.")
    lot: str | None = column("The lot that it was taken from.")

    product: Product | None = one("The article.", lambda: PRODUCT_BY_SKU, "sku")


@visible("graph.package", rows=OF_SHIPMENT)
@strawberry.federation.type(description="A parcel or a pallet.")
class Package:
    id: strawberry.ID = column("The source and its identifier.")
    sscc: str | None = column("GS1 serial shipping container code.")
    tracking: str | None = column("The carrier's tracking number of this package.")
    weight_kg: Decimal | None = column("In kilograms.")


@visible("graph.milestone", rows=OF_SHIPMENT)
@strawberry.federation.type(description="A canonical step that a shipment has reached: its first occurrence.")
class ShipmentMilestone:
    milestone: Milestone = column("Which step.")
    rank: int = column("The step's place in the order of steps.")
    occurred_at: datetime = column("When it happened.")
    late: bool = column("It was recorded after a later step had been reached.")
    transport_event_id: strawberry.ID | None = column(
        "The scan behind it; null when it follows from the shipment's own record."
    )
    taxonomy: int = column("The edition of the code tables that read the scan.")


LOCAL = Expression(
    "(to_json(({t}.occurred_at at time zone 'UTC') + make_interval(mins => coalesce({t}.offset_minutes, 0)))"
    " #>> '{{}}')"
    " || case when {t}.offset_minutes < 0 then '-' else '+' end"
    " || to_char(make_interval(mins => abs(coalesce({t}.offset_minutes, 0))), 'HH24:MI')"
)


@visible("graph.transport_event", rows=OF_SHIPMENT)
@strawberry.federation.type(description="A carrier's raw scan, with its reading.")
class TransportEvent:
    at: strawberry.Private[datetime]
    id: strawberry.ID = column("The source and its identifier.")
    namespace: str = column("Whose code it is.")
    code: str = column("The code as the carrier sent it.")
    milestone: Milestone = column("The step that the code means.")
    overlay: Overlay | None = column("What it says beside progress.")
    reason: str | None = column("The carrier's code for why.")
    reason_family: ReasonFamily | None = column("Whose reason it is.")
    offset_minutes: int | None = column("The zone where it happened, east of UTC; null: the carrier did not say.")
    recorded_at: datetime | None = column("When the carrier recorded it.")
    city: str | None = column("Where it happened.")
    region: str | None = column("Where it happened: state or province.")
    duplicate: bool = column("The same scan came before under another identifier.")

    @resolved("When it happened, with the offset of the place if that is known.", plan=LOCAL)
    def occurred_at(self) -> datetime:
        return self.at.astimezone(timezone(timedelta(minutes=self.offset_minutes or 0)))


SHIPMENT_LINES = Batch("lines_by_shipment", reader(ShipmentLine))
PACKAGES = Batch("packages_by_shipment", reader(Package))
MILESTONES = Batch("milestones_by_shipment", reader(ShipmentMilestone))
TRANSPORT_EVENTS = Batch("transport_events_by_shipment", reader(TransportEvent, at=lambda row: row["occurred_at"]))


@visible("graph.shipment", rows=through_orders("o.id = t.order_id", OF_PARTNER))
@strawberry.federation.type(keys=["id", "tracking"], authenticated=True, description="Goods that move together.")
class Shipment(Node):
    order_id: strawberry.Private[str | None]
    global_id: strawberry.ID = identified("Shipment", lambda: SHIPMENT_BY_ID)
    id: strawberry.ID = column("The source and its number.")
    source: str = column("The system that moves it.")
    number: str = column("That system's number of it.")
    warehouse: str | None = column("Where it leaves.")
    carrier: str | None = column("Who carries it.")
    service: str | None = column("The carrier's service.")
    tracking: str | None = column("The carrier's tracking number.")
    posting: str | None = column("The ERP's number of the same goods.")
    milestone: Milestone = column("The furthest step that it has reached.")
    rank: int = column("That step's place in the order of steps.")
    delayed: bool = column("It is later than planned.")
    reason: str | None = column("The carrier's code for the latest delay or exception.")
    reason_family: ReasonFamily | None = column("Whose reason that is.")
    created_at: datetime | None = column("When it was made.")
    shipped_at: datetime | None = column("When it left the warehouse.")
    delivered_at: datetime | None = column("When it arrived.")
    eta: datetime | None = column("When it is expected to arrive.")
    pod_name: str | None = column("Who signed for it.", Secret.PERSONAL)
    pod_at: datetime | None = column("When that was.")
    void: bool = column("It was withdrawn and counts for nothing.")

    order: LaterOrder | None = one(
        "The order; null while the order that it names is not known.", orders_by_id, "order_id"
    )

    lines: list[ShipmentLine] = many("What is in it.", lambda: SHIPMENT_LINES, "id", sized(5))

    packages: list[Package] = many("What it is packed in.", lambda: PACKAGES, "id", sized(3))

    milestones: list[ShipmentMilestone] = many(
        "The steps that it has reached, in the order of time.", lambda: MILESTONES, "id", sized(8)
    )

    transport_events: list[TransportEvent] = many(
        "The carrier's scans, in the order of time.", lambda: TRANSPORT_EVENTS, "id", sized(12)
    )

    # Carriers use their numbers again after some years: of several shipments the youngest is meant.
    resolve_reference = entity(lambda: {"id": SHIPMENT_BY_ID, "tracking": SHIPMENT_BY_TRACKING})


SHIPMENT_BY_ID: Batch[Shipment] = Batch("shipments_by_id", reader(Shipment))
SHIPMENT_BY_TRACKING: Batch[Shipment] = Batch("shipments_by_tracking", reader(Shipment))
SHIPMENTS_BY_ORDER = Batch("shipments_by_order", reader(Shipment))

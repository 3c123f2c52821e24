"""What has happened to orders, and what is missing of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import asyncpg
import msgspec
import strawberry
from strawberry.scalars import JSON

from gateway.cursors import FEED_CURSOR, feed_cursor
from gateway.feed import GapReason, Missing
from gateway.loading import Batch, Read, reader
from gateway.sizes import sized
from gateway.tables import Expression, Part, Shown
from gateway.types.common import column, many, one, orders_by_id, resolved
from gateway.visibility import EVENTS, Rows, Secret, visible
from orders.states import (
    Commercial,
    Delivery,
    DisplayStatus,
    EventType,
    Financial,
    Fulfillment,
    Health,
)
from orders.states import Return as ReturnState

if TYPE_CHECKING:
    from gateway.types.order import Order

PAGE, MOST = 100, 500
"""Events of an order or of the feed: unless asked for more, and at most."""

LaterOrder = Annotated["Order", strawberry.lazy("gateway.types.order")]


@strawberry.federation.type(description="An order's independent states, at one version of it.")
class Facets:
    commercial: Commercial = column("What has been agreed.")
    fulfillment: Fulfillment = column("How far the warehouses are.")
    delivery: Delivery = column("How far the carriers are.")
    financial: Financial = column("How far the billing is.")
    return_state: ReturnState = column("How far its furthest return is.")
    health: Health = column("Whether it needs attention.")
    display_status: DisplayStatus = column("What a customer is told.")


@strawberry.federation.type(description="The change in a source system that made an event appear.")
class Cause:
    source: str = column("The source's name.")
    table: str = column("The table, with its schema.")
    op: str = column("c: created, u: updated, d: deleted, r: read in a snapshot, t: truncated.")
    key: JSON = column("The primary key of the row.")
    position: str = column("The place in the source's log.")
    transaction: str | None = column("The source's transaction; null in a snapshot.")
    committed_at: datetime | None = column("When the source committed it.")
    captured_at: datetime | None = column("When it was read from the source's log.")


@visible("record.ledger", rows=Rows())
@strawberry.federation.type(description="A change of one row in a source system.")
class SourceChange:
    source: str = column("The source's name.")
    table: str = column("The table, with its schema.")
    op: str = column("c: created, u: updated, d: deleted, r: read in a snapshot, t: truncated.")
    key: JSON = column("The primary key of the row.")
    position: str = column("The place in the source's log.")
    transaction: str | None = column("The source's transaction; null in a snapshot.")
    committed_at: datetime | None = column("When the source committed it.")
    captured_at: datetime = column("When it was read from the source's log.")
    projected_at: datetime = column("When the projector began to write what follows from it.")


FACETS = Part(
    {
        "commercial": "{t}.facets ->> 'commercial'",
        "fulfillment": "{t}.facets ->> 'fulfillment'",
        "delivery": "{t}.facets ->> 'delivery'",
        "financial": "{t}.facets ->> 'financial'",
        "returnState": "{t}.facets ->> 'return'",
        "health": "{t}.facets ->> 'health'",
        "displayStatus": "{t}.facets ->> 'display'",
    }
)
CAUSE = Part(
    {
        "source": "{t}.cause_source",
        "table": "{t}.cause_table",
        "op": "{t}.cause_op",
        "key": "{t}.cause_key",
        "position": "{t}.cause_position",
        "transaction": "{t}.cause_transaction",
        "committedAt": "{t}.cause_committed_at",
        "capturedAt": "{t}.cause_captured_at",
    }
)


@visible("record.feed", rows=EVENTS)
@strawberry.federation.type(description="Something that has happened to an order. Each is in the feed once.")
class OrderEvent:
    position: strawberry.Private[int]
    order_id: strawberry.ID = column("The order.")
    version: int = column("Rises with every event of the order, without holes.")
    type: EventType = column("What kind of thing it is.")
    key: str = column("Names the happening, uniquely within the order.")
    subject: str = column("What it happened to: order, shipment, invoice or return.")
    subject_id: strawberry.ID = column("The identifier of that.")
    detail: str | None = column("The milestone or the reason, where the type alone does not say it.")
    occurred_at: datetime | None = column("When it happened.")
    recorded_at: datetime = column("When it entered the feed.")
    snapshot: bool = column("It was found in a snapshot, not seen happening.")
    command_id: strawberry.ID | None = column("The command that asked for it.")
    facets: Facets = column("The order's states after it.", plan=FACETS)
    visible_at: datetime = column("When its effect could be read in the graph.")
    cause: Cause | None = column("The change in a source that made it appear.", Secret.INTERNAL, plan=CAUSE)

    changes: list[SourceChange] = many(
        "All changes of that transaction that say something of its order, at most 500, as far as the ledger has them; "
        "for our own people.",
        lambda: CHANGES_BY_EVENT,
        "position",
        sized(3),
        cast="::text",
    )

    @resolved("When the source committed what made it appear.", plan=Expression("{t}.cause_committed_at"))
    def committed_at(self) -> datetime | None:
        return self.cause.committed_at if self.cause else None

    @resolved("The place in the feed behind it.", plan=Expression(FEED_CURSOR.format(position="{t}.position")))
    def cursor(self) -> str:
        return feed_cursor(self.position)

    order: LaterOrder | None = one(
        "The order as it is now, which may be later than the event.", orders_by_id, "order_id"
    )


@strawberry.federation.type(description="Events are missing here. What follows is behind `resumeAfter`.")
class Gap:
    reason: GapReason = column("Why they are missing.")
    resume_after: str = column("The cursor that the next event is behind; read state anew as of here.")


@strawberry.federation.type(description="A page of the feed.")
class EventPage:
    events: list[OrderEvent] = column("In the order of the feed.", plan=Shown("select * from shown order by position"))
    cursor: str = column("Where to continue: give it as `after`.")
    has_more: bool = column("Whether more is there already.")
    gap: Gap | None = column(
        "Events are missing before this page.",
        plan=Part(
            {"reason": "{t}.reason", "resumeAfter": FEED_CURSOR.format(position="{t}.start")}, null_if="{t}.reason"
        ),
    )


def gap_of(missing: Missing) -> Gap:
    return Gap(reason=missing.reason, resume_after=feed_cursor(missing.resume_after))


def _read_facets(row: asyncpg.Record) -> Facets:
    states = msgspec.json.decode(row["facets"])
    return Facets(
        commercial=Commercial(states["commercial"]),
        fulfillment=Fulfillment(states["fulfillment"]),
        delivery=Delivery(states["delivery"]),
        financial=Financial(states["financial"]),
        return_state=ReturnState(states["return"]),
        health=Health(states["health"]),
        display_status=DisplayStatus(states["display"]),
    )


def _read_key(row: asyncpg.Record) -> Any:
    return msgspec.json.decode(row["cause_key"])


_read_cause: Read[Cause] = reader(Cause, prefix="cause_", key=_read_key)
read_event: Read[OrderEvent] = reader(OrderEvent, facets=_read_facets, cause=_read_cause)
CHANGES_BY_EVENT: Batch[SourceChange] = Batch(
    "changes_by_event", reader(SourceChange, key=lambda row: msgspec.json.decode(row["key"]))
)
EVENTS_BY_ORDER = Batch("events_by_order", read_event)

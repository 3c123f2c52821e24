"""The list of orders: filter, page, count."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import Enum
from typing import Any

import asyncpg
import strawberry
from msgspec import Struct

from gateway.cursors import By, OrderPlace, order_cursor, order_place
from gateway.types.choices import OrderSort
from gateway.types.common import Info, column, page_size, resolved
from gateway.types.order import Order, read_order
from orders.errors import RejectedError
from orders.states import Commercial, Delivery, DisplayStatus, Financial, Fulfillment, Health
from orders.states import Return as ReturnState

PAGE = 50
MOST = 200

Arguments = tuple[object, ...]


def condition(description: str) -> Any:
    """A field of a filter that may be left out."""
    return strawberry.field(default=None, description=description)


@strawberry.input(description="Which orders. All conditions hold; one that is left out asks for nothing.")
class OrderFilter:
    display_status: list[DisplayStatus] | None = condition("What a customer is told is one of these.")
    commercial: list[Commercial] | None = condition("What has been agreed is one of these.")
    fulfillment: list[Fulfillment] | None = condition("How far the warehouses are is one of these.")
    delivery: list[Delivery] | None = condition("How far the carriers are is one of these.")
    financial: list[Financial] | None = condition("How far the billing is is one of these.")
    health: list[Health] | None = condition("Its health is one of these.")
    customer_id: strawberry.ID | None = condition("Of this customer.")
    channel: str | None = condition("Placed in this channel.")
    warehouse: str | None = condition("Planned for this warehouse.")
    ordered_from: datetime | None = condition("Placed at this instant or later; with an offset.")
    ordered_to: datetime | None = condition("Placed before this instant; with an offset.")
    text: str | None = condition("Its number or the customer's purchase order contains this, in whatever case.")
    return_state: list[ReturnState] | None = condition("How far its furthest return is is one of these.")
    partner: str | None = condition("Handled by the 3PL whose system this is: it has an order or a shipment there.")
    reference: str | None = condition("An identifier of it, or of anything that belongs to it, is exactly this.")
    held: bool | None = condition("It is on hold, or is not.")
    delayed: bool | None = condition("A shipment of it is later than planned, or none is.")
    promised_from: date | None = condition("Promised for this day or a later one.")
    promised_to: date | None = condition("Promised for a day before this one.")
    requested_from: date | None = condition("Asked for by the customer for this day or a later one.")
    requested_to: date | None = condition("Asked for by the customer for a day before this one.")
    delivered_from: datetime | None = condition("All of it arrived, at this instant or later; with an offset.")
    delivered_to: datetime | None = condition("All of it arrived, before this instant; with an offset.")
    last_event_from: datetime | None = condition("Its `lastEventAt` is this instant or later; with an offset.")
    last_event_to: datetime | None = condition("Its `lastEventAt` is before this instant; with an offset.")

    def arguments(self) -> Arguments:
        """$1 to $25 of order_filter. Raises RejectedError."""
        lists = (self.display_status, self.commercial, self.fulfillment, self.delivery, self.financial, self.health)
        return (
            *map(_names, lists),
            self.customer_id,
            self.channel,
            self.warehouse,
            _aware(self.ordered_from),
            _aware(self.ordered_to),
            self.text,
            _names(self.return_state),
            self.partner,
            None if self.reference is None else self.reference.strip(),
            self.held,
            self.delayed,
            self.promised_from,
            self.promised_to,
            self.requested_from,
            self.requested_to,
            _aware(self.delivered_from),
            _aware(self.delivered_to),
            _aware(self.last_event_from),
            _aware(self.last_event_to),
        )


def _names(values: Sequence[Enum] | None) -> list[str] | None:
    return None if values is None else [value.value for value in values]


RISING: Mapping[OrderSort, OrderSort] = {
    OrderSort.OLDEST_FIRST: OrderSort.NEWEST_FIRST,
    OrderSort.EARLIEST_EVENT_FIRST: OrderSort.LATEST_EVENT_FIRST,
    OrderSort.EARLIEST_PROMISE_FIRST: OrderSort.LATEST_PROMISE_FIRST,
}
"""What begins with the earliest, and its opposite."""
_OPPOSITE = {**RISING, **{falling: rising for rising, falling in RISING.items()}}


class Paging(Struct, frozen=True):
    """Relay's arguments. `first` walks forward from `after`, `last` backward from `before`."""

    order_by: OrderSort
    first: int | None
    after: str | None
    last: int | None
    before: str | None

    @property
    def backward(self) -> bool:
        return self.last is not None

    def size(self) -> int:
        """Raises RejectedError."""
        if self.first is not None and self.last is not None:
            raise RejectedError("ask for the first or the last ones, not for both")
        return page_size(self.last if self.backward else self.first, PAGE, MOST)

    @property
    def by(self) -> By:
        match self.order_by:
            case OrderSort.NEWEST_FIRST | OrderSort.OLDEST_FIRST:
                return By.ORDERED
            case OrderSort.LATEST_EVENT_FIRST | OrderSort.EARLIEST_EVENT_FIRST:
                return By.EVENT
            case OrderSort.LATEST_PROMISE_FIRST | OrderSort.EARLIEST_PROMISE_FIRST:
                return By.PROMISE

    def statement(self) -> str:
        sort = _OPPOSITE[self.order_by] if self.backward else self.order_by
        return f"orders_{sort.value.lower()}"

    def bounds(self) -> Arguments:
        """$26 to $31 of the bounds. Raises RejectedError."""
        earlier, later = self.places()
        return (earlier is not None, *(earlier or (None, None)), later is not None, *(later or (None, None)))

    def places(self) -> tuple[OrderPlace | None, OrderPlace | None]:
        """Only what is earlier than the first and later than the second. Raises RejectedError."""
        after, before = (None if c is None else order_place(c, self.by) for c in (self.after, self.before))
        return (before, after) if self.order_by in RISING else (after, before)


@strawberry.federation.type(shareable=True, description="Where a page lies among the others.")
class PageInfo:
    has_next_page: bool = column("Whether more follows.")
    has_previous_page: bool = column("Whether more comes before.")
    start_cursor: str | None = column("Of the first one on the page.")
    end_cursor: str | None = column("Of the last one on the page.")


@strawberry.federation.type(description="An order in a list.")
class OrderEdge:
    cursor: str = column("Its place in the list.")
    node: Order = column("The order.")


@strawberry.federation.type(description="A page of a list of orders.")
class OrderConnection:
    arguments: strawberry.Private[Arguments]
    edges: list[OrderEdge] = column("The orders with their places.")
    page_info: PageInfo = column("Where the page lies.")

    @resolved("The orders alone.")
    def nodes(self) -> list[Order]:
        return [edge.node for edge in self.edges]

    @resolved("How many orders the filter lets through, on all pages; counted only when asked for.")
    async def total_count(self, info: Info) -> int:
        rows = await info.context.snapshot.fetch("count_orders", *self.arguments)
        return int(rows[0]["count"])


async def page_of(info: Info, wanted: OrderFilter | None, paging: Paging) -> OrderConnection:
    """Raises RejectedError for a bad size, cursor or instant."""
    size, arguments = paging.size(), (wanted or OrderFilter()).arguments()
    rows = await info.context.snapshot.fetch(paging.statement(), *arguments, *paging.bounds(), size + 1)
    shown = rows[:size][::-1] if paging.backward else rows[:size]
    edges = [_edge(row, paging.by) for row in shown]
    return OrderConnection(arguments=arguments, edges=edges, page_info=_page_info(edges, paging, len(rows) > size))


async def customers_page(info: Info, customer: str, wanted: OrderFilter | None, paging: Paging) -> OrderConnection:
    """As `page_of`, of one customer."""
    own = wanted or OrderFilter()
    if own.customer_id not in (None, customer):
        raise RejectedError(f"these are the orders of customer {customer}: leave the filter's customerId out")
    return await page_of(info, replace(own, customer_id=strawberry.ID(customer)), paging)


def _edge(row: asyncpg.Record, by: By) -> OrderEdge:
    return OrderEdge(cursor=order_cursor(OrderPlace(row["place"], row["id"]), by), node=read_order(row))


def _page_info(edges: Sequence[OrderEdge], paging: Paging, more: bool) -> PageInfo:
    return PageInfo(
        has_next_page=paging.before is not None if paging.backward else more,
        has_previous_page=more if paging.backward else paging.after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )


def _aware(instant: datetime | None) -> datetime | None:
    if instant is not None and instant.tzinfo is None:
        raise RejectedError(f"an instant needs an offset, such as Z: {instant.isoformat()}")
    return instant

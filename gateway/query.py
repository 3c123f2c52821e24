"""What can be asked."""

import asyncio
from datetime import datetime
from typing import Annotated

import strawberry

from commands.letters import request_of as asked
from gateway.cursors import feed_cursor, feed_position
from gateway.feed import GapReason, Missing, Wanted
from gateway.past import Moment
from gateway.sizes import PAST_COST, sized, sliced
from gateway.types import paging
from gateway.types.billing import INVOICE_BY_ID, INVOICE_BY_NUMBER, Invoice
from gateway.types.choices import CountBy, OrderSort
from gateway.types.command import COMMAND_BY_ID, Command
from gateway.types.common import Info, page_size, resolved
from gateway.types.dead_letter import (
    LETTERS,
    MOST_LETTERS,
    DeadLetter,
    DeadLetterRequest,
    letter_id,
    read_dead_letter,
    request_of,
)
from gateway.types.event import MOST, PAGE, EventPage, gap_of, read_event
from gateway.types.found import REFERENCES_BY_VALUE, Found, found_of
from gateway.types.node import Node, node_of
from gateway.types.operations import (
    COUNTS,
    MOST_COUNTS,
    OrderCount,
    Source,
    read_count,
    read_source,
)
from gateway.types.order import Order, order_of
from gateway.types.order_list import OrderConnection, OrderFilter, Paging, page_of
from gateway.types.party import CUSTOMER_BY_ID, Customer
from gateway.types.product import MOST_BALANCES, PRODUCT_BY_SKU, Inventory, Product, read_inventory
from gateway.types.shipment import SHIPMENT_BY_ID, Shipment
from gateway.visibility import Secret
from gateway.waiting import wait_for
from orders.errors import RejectedError
from orders.states import EventType

After = Annotated[
    str | None, strawberry.argument(description="A command's `after` or a feed cursor: wait until it is visible.")
]
Wait = Annotated[float, strawberry.argument(description="How long to wait, in seconds, at most 30.")]
AsOf = Annotated[
    datetime | None,
    strawberry.argument(
        description="As it was known at this instant, with an offset; null if nobody knew it.", directives=[PAST_COST]
    ),
]
AsOfOccurred = Annotated[
    datetime | None,
    strawberry.argument(
        description="As it had happened by this instant, with an offset, by what is known today.",
        directives=[PAST_COST],
    ),
]
Id = Annotated[strawberry.ID, strawberry.argument(description="Its identifier.")]
OptionalId = Annotated[strawberry.ID | None, strawberry.argument(description="Its identifier.")]
Number = Annotated[str | None, strawberry.argument(description="Its number.")]
Sku = Annotated[str | None, strawberry.argument(description="The article's number.")]


@strawberry.federation.type(description="What can be asked.")
class Query:
    @resolved("One order, by its id or by its number; as it is, or as it was.")
    async def order(
        self,
        info: Info,
        id: OptionalId = None,  # noqa: A002
        number: Number = None,
        after: After = None,
        wait_seconds: Wait = 5.0,
        as_of: AsOf = None,
        as_of_occurred: AsOfOccurred = None,
    ) -> Order | None:
        moment = Moment.of(as_of, as_of_occurred)
        if moment is not None and after is not None:
            raise RejectedError("wait for what is to come or ask for what was, one of the two")
        if after is not None:
            with info.context.aside():
                await wait_for(info.context.pool, info.context.feed, after, wait_seconds)
            await info.context.renew()
        return await order_of(info, id, number, moment)

    @resolved("Orders, a page at a time.", sliced("first", "last", fields=("edges", "nodes")))
    async def orders(
        self,
        info: Info,
        filter: paging.Filter = None,  # noqa: A002
        order_by: paging.Sort = OrderSort.NEWEST_FIRST,
        first: paging.First = None,
        after: paging.After = None,
        last: paging.Last = None,
        before: paging.Before = None,
    ) -> OrderConnection:
        return await page_of(info, filter, Paging(order_by, first, after, last, before))

    @resolved("How many orders have each value, the most frequent first.", sliced("first"))
    async def order_counts(
        self,
        info: Info,
        by: Annotated[CountBy, strawberry.argument(description="What to count by.")],
        filter: paging.Filter = None,  # noqa: A002
        first: Annotated[int, strawberry.argument(description="How many values, 1 to 1,000.")] = COUNTS,
    ) -> list[OrderCount]:
        arguments, size = (filter or OrderFilter()).arguments(), page_size(first, COUNTS, MOST_COUNTS)
        rows = await info.context.snapshot.fetch("order_counts", *arguments, by.value, size)
        return [read_count(row) for row in rows]

    @resolved("What a `globalId` names.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its `globalId`.")],  # noqa: A002
    ) -> Node | None:
        return await node_of(info, id)

    @resolved("One shipment.")
    async def shipment(self, info: Info, id: Id) -> Shipment | None:  # noqa: A002
        return await info.context.one(SHIPMENT_BY_ID, id)

    @resolved("One invoice or credit memo, by its id or by its number.")
    async def invoice(self, info: Info, id: OptionalId = None, number: Number = None) -> Invoice | None:  # noqa: A002
        if (id is None) == (number is None):
            raise RejectedError("an invoice is named by its id or by its number, one of the two")
        if id is not None:
            return await info.context.one(INVOICE_BY_ID, id)
        return await info.context.one(INVOICE_BY_NUMBER, number)

    @resolved("Stock, of an article or in a warehouse or all, at most 1,000 balances.", sized(100))
    async def inventory(
        self,
        info: Info,
        sku: Sku = None,
        warehouse: Annotated[str | None, strawberry.argument(description="The warehouse's code.")] = None,
    ) -> list[Inventory]:
        rows = await info.context.snapshot.fetch("inventory", sku, warehouse, MOST_BALANCES)
        return [read_inventory(row) for row in rows]

    @resolved("One customer.")
    async def customer(self, info: Info, id: Id) -> Customer | None:  # noqa: A002
        return await info.context.one(CUSTOMER_BY_ID, id)

    @resolved("One article.")
    async def product(
        self, info: Info, sku: Annotated[str, strawberry.argument(description="The article's number.")]
    ) -> Product | None:
        return await info.context.one(PRODUCT_BY_SKU, sku)

    @resolved(
        "What an identifier names: an order's number, a customer's purchase order, a 3PL's number, a "
        "tracking number, an SSCC, an invoice's or a return's number.",
        sized(3),
    )
    async def find(
        self, info: Info, reference: Annotated[str, strawberry.argument(description="The identifier.")]
    ) -> list[Found]:
        named = await info.context.many(REFERENCES_BY_VALUE, reference.strip())
        found = await asyncio.gather(*(found_of(info, row) for row in named))
        return [target for target in found if target is not None]

    @resolved("The feed, a page at a time, in the order of commits.", sliced("first", fields=("events",)))
    async def events(
        self,
        info: Info,
        after: Annotated[str | None, strawberry.argument(description="Behind this cursor; else all.")] = None,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 500.")] = PAGE,
        order_id: Annotated[strawberry.ID | None, strawberry.argument(description="Of this order.")] = None,
        types: Annotated[list[EventType] | None, strawberry.argument(description="Of these kinds.")] = None,
    ) -> EventPage:
        kinds = None if types is None else frozenset(kind.value for kind in types)
        return await events_of(
            info, after, page_size(first, PAGE, MOST), Wanted(info.context.sight, order_id, None, kinds)
        )

    @resolved("The sources, how far they are, and what became of their changes.", sized(5))
    async def sources(self, info: Info) -> list[Source]:
        return [read_source(row) for row in await info.context.snapshot.fetch("sources")]

    @resolved("Changes that nobody could use, the latest first. For operations.", sliced("first"), (Secret.OPERATIONS,))
    async def dead_letters(
        self,
        info: Info,
        source: Annotated[str | None, strawberry.argument(description="Of this source.")] = None,
        table: Annotated[str | None, strawberry.argument(description="Of this table, with its schema.")] = None,
        order_id: Annotated[strawberry.ID | None, strawberry.argument(description="Of this order.")] = None,
        resolved: Annotated[bool, strawberry.argument(description="Those too that wait no more.")] = False,
        after: Annotated[
            strawberry.ID | None, strawberry.argument(description="Behind this one: the last of the page before.")
        ] = None,
        first: Annotated[int, strawberry.argument(description="How many, 1 to 200.")] = LETTERS,
    ) -> list[DeadLetter]:
        older = None if after is None else letter_id(after)
        wanted = (source, table, order_id, resolved, older, page_size(first, LETTERS, MOST_LETTERS))
        return [read_dead_letter(row) for row in await info.context.snapshot.fetch("dead_letters", *wanted)]

    @resolved(
        "What was asked about dead letters, the latest first, and what came of it. For operations.",
        sliced("first"),
        (Secret.OPERATIONS,),
    )
    async def dead_letter_requests(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="This one alone.")] = None,  # noqa: A002
        first: Annotated[int, strawberry.argument(description="How many, 1 to 200.")] = 50,
    ) -> list[DeadLetterRequest]:
        one = None if id is None else letter_id(id)
        rows = await info.context.snapshot.fetch("dead_letter_requests", one, page_size(first, 50, 200))
        return [request_of(asked(row)) for row in rows]

    @resolved("One command.")
    async def command(self, info: Info, id: Id) -> Command | None:  # noqa: A002
        return await info.context.one(COMMAND_BY_ID, id)


async def events_of(info: Info, after: str | None, size: int, wanted: Wanted) -> EventPage:
    """A page behind the cursor; it says so when the feed does not reach back to it."""
    place = await info.context.snapshot.fetchrow("feed_place", None if after is None else feed_position(after))
    assert place is not None
    start, head, reason = place["start"], place["head"], place["reason"]
    rows = await info.context.snapshot.fetch("feed_page", start, head, *wanted.arguments(), size + 1)
    more, shown = len(rows) > size, rows[:size]
    return EventPage(
        events=[read_event(row) for row in shown],
        cursor=feed_cursor(shown[-1]["position"] if more else head),
        has_more=more,
        gap=None if reason is None else gap_of(Missing(GapReason(reason), start)),
    )

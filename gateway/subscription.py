"""What can be followed."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from gateway.cursors import feed_position
from gateway.feed import Missing, Wanted
from gateway.replay import Follower, Item
from gateway.types.common import Info, followed, orders_by_id
from gateway.types.event import Gap, OrderEvent, gap_of, read_event
from gateway.types.order_list import condition
from gateway.visibility import Sight
from orders.errors import NotFoundError
from orders.states import EventType

OrderEventOrGap = Annotated[
    OrderEvent | Gap,
    strawberry.union("OrderEventOrGap", description="An event, or the sign that events are missing."),
]


@strawberry.input(description="Which events. All conditions hold; one that is left out asks for nothing.")
class OrderEventFilter:
    order_id: strawberry.ID | None = condition("Of this order, which must be there.")
    customer_id: strawberry.ID | None = condition("Of this customer's orders.")
    types: list[EventType] | None = condition("Of these kinds.")

    def wanted(self, sight: Sight) -> Wanted:
        kinds = None if self.types is None else frozenset(kind.value for kind in self.types)
        return Wanted(sight, self.order_id, self.customer_id, kinds)


Filter = Annotated[OrderEventFilter | None, strawberry.argument(description="Which events.")]
After = Annotated[
    str | None, strawberry.argument(description="Replay what is behind this cursor first; else only what is new.")
]


@strawberry.type(description="What can be followed.")
class Subscription:
    @followed(
        "What happens to orders, each once and in the order of the feed: first what is behind `after`, "
        "then as it happens."
    )
    async def order_events(
        self,
        info: Info,
        filter: Filter = None,  # noqa: A002
        after: After = None,
    ) -> AsyncGenerator[OrderEventOrGap, None]:
        wanted = (filter or OrderEventFilter()).wanted(info.context.sight)
        start = None if after is None else feed_position(after)
        await _check_order(info, wanted.order_id)
        follower = Follower(info.context.pool, info.context.feed, wanted, start)
        with info.context.aside():
            async for item in follower.follow():
                yield _shown(item)


async def _check_order(info: Info, order_id: str | None) -> None:
    """Raises NotFoundError for an order that is not there, or not the caller's."""
    if order_id is None:
        return
    if await info.context.one(orders_by_id(), order_id) is None:
        raise NotFoundError("there is no such order to follow")
    await info.context.renew()


def _shown(item: Item) -> OrderEvent | Gap:
    return gap_of(item) if isinstance(item, Missing) else read_event(item)

"""What can be followed."""

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from gateway.cursors import feed_position
from gateway.feed import Missing, Wanted
from gateway.replay import Follower, Item
from gateway.types.common import Info, followed
from gateway.types.event import Gap, OrderEvent, gap_of, read_event
from gateway.types.order_list import condition
from gateway.visibility import Sight
from orders.states import EventType

OrderEventOrGap = Annotated[
    OrderEvent | Gap,
    strawberry.union("OrderEventOrGap", description="An event, or the sign that events are missing."),
]


@strawberry.input(description="Which events. All conditions hold; one that is left out asks for nothing.")
class OrderEventFilter:
    order_id: strawberry.ID | None = condition("Of this order.")
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
        follower = Follower(info.context.pool, info.context.feed, wanted, start)
        with info.context.aside():
            async for item in follower.follow():
                yield _shown(item)


def _shown(item: Item) -> OrderEvent | Gap:
    return gap_of(item) if isinstance(item, Missing) else read_event(item)

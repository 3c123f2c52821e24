"""Why an order is as it is: for each facet the events that brought it to its present state."""

from datetime import datetime

import strawberry

from gateway.loading import Batch, reader
from gateway.sizes import sized
from gateway.types.choices import Facet
from gateway.types.common import column, many
from gateway.types.event import OrderEvent, read_event


@strawberry.federation.type(description="Why one of an order's facets has its present state, as far as the feed tells.")
class Explanation:
    turn: strawberry.Private[str | None]
    facet: Facet = column("Which facet.")
    state: str = column("Its present state, a value of the facet's own enum.")
    previous: str | None = column("The state before; null when there was none, or when nobody can tell.")
    since: datetime | None = column(
        "When what brought it here happened, else when the source committed it; null when it was found in a snapshot."
    )

    events: list[OrderEvent] = many(
        "What brought it here: the events of one transaction of a source, in the order of versions. Empty when no "
        "event that is still there, and that you may see, did.",
        lambda: EVENTS_BY_TURN,
        "turn",
        sized(2),
    )


EXPLANATIONS_BY_ORDER = Batch("explanations_by_order", reader(Explanation))
EVENTS_BY_TURN: Batch[OrderEvent] = Batch("events_by_turn", read_event)

"""What the feed is told: events, what they come of, and what an order's events have told so far."""

from collections.abc import Sequence

from msgspec import Struct, field

from cdc.change import Change, Position
from orders.facets import Facets
from orders.facts import Doc, Fact
from orders.happenings import Happening
from orders.states import EventType
from orders.values import Value

EVENT_ORDER = {kind: rank for rank, kind in enumerate(EventType)}


class Stated(Value, frozen=True):
    """A change and the facts that it states."""

    change: Change
    facts: Sequence[Fact]


class Event(Struct, frozen=True):
    """A feed event before it has its position; `cause` is the change that made it appear.

    `behind` are the places of all changes of its transaction that say something of its order.
    """

    order_id: str
    version: int
    happening: Happening
    facets: Facets
    cause: Change
    snapshot: bool = False
    behind: Sequence[Position] = ()


class Delta(Struct):
    """What one transaction changed, but for the rows: `Fold.drain` tells those of several.

    `rejected` are changes with which an order's states could not be worked out: they are as if they had not come.
    `mended` are the roots of trees that could not be derived before.
    """

    events: list[Event] = field(default_factory=list)
    superseded: list[Change] = field(default_factory=list)
    rejected: list[tuple[Stated, Exception]] = field(default_factory=list)
    mended: set[Doc] = field(default_factory=set)


class Emitted(Struct):
    """The happenings of an order that are in the feed, and its latest version there."""

    keys: set[str] = field(default_factory=set)
    version: int = 0

    def enter(self, key: str) -> int:
        """One more is in the feed; its version."""
        self.keys.add(key)
        self.version += 1
        return self.version


def changed_happening(order_id: str, change: Change) -> Happening:
    return Happening(
        key=f"changed/{change.source}/{change.position}",
        type=EventType.ORDER_CHANGED,
        subject="order",
        subject_id=order_id,
        occurred_at=change.committed_at,
        because=(change.source, ""),
    )


def happening_order(happening: Happening) -> tuple[bool, float, int, str]:
    at = happening.occurred_at
    return at is None, at.timestamp() if at else 0.0, EVENT_ORDER[happening.type], happening.key

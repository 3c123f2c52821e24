"""What the terminal board knows, and how it looks; pure. `demo.watching` fetches it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

LAST_EVENTS = 12
WINDOW = 5.0
"""Seconds over which a rate is taken."""

BAR = 24

FACETS = ("fulfillment", "delivery", "financial", "health")

OVERVIEW = """
query Board {
  sources { name state lagChanges lagBytes lagSeconds seen }
  display: orderCounts(by: DISPLAY_STATUS) { value count }
  fulfillment: orderCounts(by: FULFILLMENT) { value count }
  delivery: orderCounts(by: DELIVERY) { value count }
  financial: orderCounts(by: FINANCIAL) { value count }
  health: orderCounts(by: HEALTH) { value count }
}
"""

EVENTS = """
subscription BoardEvents($after: String) {
  orderEvents(after: $after) {
    __typename
    ... on OrderEvent { cursor type detail occurredAt order { number displayStatus customer { name } } }
    ... on Gap { reason resumeAfter }
  }
}
"""

COLORS = {
    "ACTION_NEEDED": "red",
    "BLOCKED": "red",
    "CANCELLED": "bright_black",
    "DELAYED": "yellow",
    "DELIVERED": "green",
    "DELIVERY_EXCEPTION": "red",
    "INVOICED": "green",
    "LATE": "yellow",
    "OK": "green",
    "ORDER_CANCELLED": "bright_black",
    "ORDER_HELD": "red",
    "OUT_FOR_DELIVERY": "cyan",
    "RETURNED": "magenta",
    "SHIPPED": "cyan",
}
STATE_COLORS = {"streaming": "green", "snapshotting": "cyan", "starting": "yellow", "failed": "red"}


class SourceLine(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    seen: int = 0
    state: str | None = None
    lag_changes: int | None = None
    lag_bytes: int | None = None
    lag_seconds: float | None = None


class Count(msgspec.Struct, frozen=True):
    value: str | None
    count: int


class Overview(msgspec.Struct, frozen=True):
    """The answer to OVERVIEW."""

    sources: tuple[SourceLine, ...] = ()
    display: tuple[Count, ...] = ()
    fulfillment: tuple[Count, ...] = ()
    delivery: tuple[Count, ...] = ()
    financial: tuple[Count, ...] = ()
    health: tuple[Count, ...] = ()


class Name(msgspec.Struct, frozen=True):
    name: str | None


class OrderLine(msgspec.Struct, frozen=True, rename="camel"):
    number: str | None
    display_status: str | None
    customer: Name | None = None


class EventLine(msgspec.Struct, frozen=True, rename="camel"):
    """An OrderEvent of EVENTS."""

    cursor: str
    type: str
    detail: str | None = None
    occurred_at: datetime | None = None
    order: OrderLine | None = None


@dataclass(slots=True)
class Rate:
    """How fast a count rises, a second, over the last seconds."""

    readings: deque[tuple[float, int]] = field(default_factory=deque)

    def read(self, at: float, total: int) -> None:
        """`at` is in seconds of any clock that only rises."""
        self.readings.append((at, total))
        while self.readings[0][0] < at - WINDOW:
            self.readings.popleft()

    @property
    def per_second(self) -> float:
        (first, before), (last, after) = self.readings[0], self.readings[-1]
        return (after - before) / (last - first) if last > first else 0.0


@dataclass(slots=True)
class BoardState:
    """`trouble` says why the board may be out of date; `cursor` is where the feed goes on."""

    title: str = "Milepost"
    overview: Overview = field(default_factory=Overview)
    events: deque[EventLine] = field(default_factory=lambda: deque(maxlen=LAST_EVENTS))
    seen_events: int = 0
    changes_per_second: float = 0.0
    events_per_second: float = 0.0
    cursor: str | None = None
    trouble: str | None = None
    _changes: Rate = field(default_factory=Rate)
    _events: Rate = field(default_factory=Rate)

    def take_overview(self, data: Any, at: float) -> None:
        """The data of OVERVIEW, read `at` (seconds). Raises msgspec.ValidationError."""
        self.overview = msgspec.convert(data, Overview)
        self._changes.read(at, sum(source.seen for source in self.overview.sources))
        self._events.read(at, self.seen_events)
        self.changes_per_second = self._changes.per_second
        self.events_per_second = self._events.per_second

    def take_event(self, data: Any) -> None:
        """The data of one result of EVENTS. Raises msgspec.ValidationError."""
        item = data["orderEvents"]
        if item["__typename"] == "Gap":
            self.cursor = item["resumeAfter"]
        else:
            event = msgspec.convert(item, EventLine)
            self.events.appendleft(event)
            self.seen_events += 1
            self.cursor = event.cursor


def render(state: BoardState) -> RenderableType:
    """The whole board."""
    top = Table.grid(expand=True, padding=(0, 1))
    top.add_column(ratio=1)
    top.add_column(ratio=1)
    top.add_row(_statuses(state.overview), _sources(state))
    return Group(_headline(state), top, _facets(state.overview), _feed(state.events))


def _headline(state: BoardState) -> RenderableType:
    total = sum(count.count for count in state.overview.display)
    line = Text.assemble((state.title, "bold"), f"   {total:,} orders   {state.seen_events:,} events")
    line.append(f"   {state.changes_per_second:,.0f} changes/s   {state.events_per_second:,.0f} events/s")
    if state.trouble:
        line.append(f"   {state.trouble}", style="red")
    return line


def _statuses(overview: Overview) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    most = max((count.count for count in overview.display), default=1)
    for count in overview.display:
        bar = Text("█" * max(1, round(BAR * count.count / most)), style=_color(count.value))
        table.add_row(_words(count.value), Text(f"{count.count:,}", justify="right"), bar)
    return Panel(table, title="orders", title_align="left")


def _sources(state: BoardState) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    table.add_column("source")
    table.add_column("state")
    for column in ("changes", "bytes", "seconds"):
        table.add_column(column, justify="right")
    for source in state.overview.sources:
        table.add_row(*_source(source))
    return Panel(table, title="lag", title_align="left")


def _source(source: SourceLine) -> Sequence[RenderableType]:
    name = source.state or "not captured"
    numbers = (_number(source.lag_changes), _number(source.lag_bytes), _number(source.lag_seconds, ",.1f"))
    return Text(source.name), Text(name, style=STATE_COLORS.get(name, "")), *numbers


def _facets(overview: Overview) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for facet in FACETS:
        table.add_row(Text(facet, style="bold"), _tally(getattr(overview, facet)))
    return Panel(table, title="facets", title_align="left")


def _tally(counts: Sequence[Count]) -> Text:
    parts = [Text.assemble((_plain(count.value), _color(count.value)), f" {count.count:,}") for count in counts]
    return Text("   ").join(parts)


def _feed(events: Sequence[EventLine] | deque[EventLine]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for event in events:
        table.add_row(*_event(event))
    return Panel(table, title="feed", title_align="left")


def _event(event: EventLine) -> Sequence[RenderableType]:
    at = f"{event.occurred_at:%b %d %H:%M}" if event.occurred_at else ""
    what = Text.assemble((_plain(event.type), _color(event.type)), f" {_plain(event.detail)}" if event.detail else "")
    order = event.order or OrderLine(None, None)
    customer = order.customer.name if order.customer else None
    return Text(at), Text(order.number or ""), what, _words(order.display_status), Text(customer or "")


def _number(value: float | None, form: str = ",") -> Text:
    return Text("-" if value is None else format(value, form))


def _words(value: str | None) -> Text:
    return Text(_plain(value), style=_color(value))


def _plain(value: str | None) -> str:
    return (value or "unknown").replace("_", " ").lower()


def _color(value: str | None, colors: Mapping[str, str] = COLORS) -> str:
    return colors.get(value or "", "")

"""The feed as it grows: read once per process, fanned out to bounded queues."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import asyncpg
from msgspec import Struct

from gateway.statements import SQL
from gateway.visibility import Sight
from orders.errors import TransientError
from orders.outages import FAILED

CHANNEL = "milepost_feed"
PAGE = 500
"""Rows that are read at a time."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
log = logging.getLogger("milepost.gateway.feed")


class GapReason(StrEnum):
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    CURSOR_UNKNOWN = "CURSOR_UNKNOWN"
    TOO_SLOW = "TOO_SLOW"


class Missing(NamedTuple):
    """Events are missing; what follows is behind `resume_after`."""

    reason: GapReason
    resume_after: int


class Bounds(NamedTuple):
    """`head` is the last position given out, `first` the earliest that is still there (head + 1: none is)."""

    head: int
    first: int

    def judge(self, position: int) -> Missing | None:
        """Whether one can go on behind `position` and miss nothing."""
        if position > self.head:
            return Missing(GapReason.CURSOR_UNKNOWN, self.head)
        if position < self.first - 1:
            return Missing(GapReason.CURSOR_EXPIRED, self.first - 1)
        return None


class Wanted(Struct, frozen=True):
    """Which of the events in sight a subscriber wants; None asks for nothing. A row is of feed_tail."""

    sight: Sight
    order_id: str | None = None
    customer_id: str | None = None
    types: frozenset[str] | None = None

    def takes(self, row: asyncpg.Record) -> bool:
        return (
            (self.order_id is None or row["order_id"] == self.order_id)
            and (self.customer_id is None or row["customer_id"] == self.customer_id)
            and (self.types is None or row["type"] in self.types)
            and self.sight.takes(row)
        )

    def arguments(self) -> tuple[str | None, str | None, list[str] | None]:
        """$3 to $5 of feed_page."""
        return self.order_id, self.customer_id, None if self.types is None else sorted(self.types)


class Subscriber:
    """A queue of at most `limit` events behind `after`. It overflows once, and then takes nothing more."""

    def __init__(self, wanted: Wanted, after: int, limit: int) -> None:
        self._wanted = wanted
        self._after = after
        self._limit = limit
        self._rows: deque[asyncpg.Record] = deque()
        self._missing: Missing | None = None
        self._overflown = False
        self._wake = asyncio.Event()

    def offer(self, row: asyncpg.Record) -> None:
        if self._overflown or row["position"] <= self._after or not self._wanted.takes(row):
            return
        if len(self._rows) == self._limit:
            self._overflown = True
        else:
            self._rows.append(row)
        self._wake.set()

    def skip(self, missing: Missing) -> None:
        """What was queued is not delivered."""
        self._rows.clear()
        self._missing, self._after = missing, missing.resume_after
        self._wake.set()

    async def next(self) -> asyncpg.Record | Missing | None:
        """Waits until there is something; None when all that was queued before an overflow is delivered."""
        await self._wake.wait()
        missing, self._missing = self._missing, None
        if missing is None and not self._rows:
            return None
        item = missing or self._rows.popleft()
        if not self._rows and not self._overflown:
            self._wake.clear()
        return item


class Feed:
    """The one reader of this process: starting → live ⇄ down → stopped. It loses nothing while it is down."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], *, queue: int = 1000, poll: float = 2.0) -> None:
        """`queue` is how many events may wait for one subscriber, `poll` how many seconds a wake-up may be lost."""
        self.state = "starting"
        self.page = min(PAGE, queue)
        self._connect = connect
        self._queue = queue
        self._poll = poll
        self._position: int | None = None
        self._subscribers: set[Subscriber] = set()
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def position(self) -> int:
        """Of the last event that was fanned out. Raises TransientError before the feed was read for the first time."""
        if self._position is None:
            raise TransientError("the feed cannot be reached; try again")
        return self._position

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.state = "stopped"

    async def run(self) -> None:
        """For ever, over any outage of Postgres."""
        pause = 0.1
        while True:
            try:
                await self._follow()
            except FAILED as error:
                pause = 0.1 if self.state == "live" else min(2 * pause, self._poll)
                self.state = "down"
                log.warning("the feed cannot be read (%r): trying again", error)
                await asyncio.sleep(pause)

    def subscribe(self, wanted: Wanted, after: int) -> Subscriber:
        """From here on gets every event behind `after` that it wants and that is not fanned out yet."""
        subscriber = Subscriber(wanted, after, self._queue)
        self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)

    async def moved(self, timeout: float) -> None:
        """Waits for the feed to grow, at most `timeout` seconds."""
        moved = self._moved
        with suppress(TimeoutError):
            await asyncio.wait_for(moved.wait(), timeout)

    async def _follow(self) -> None:
        connection = await self._connect()
        try:
            connection.add_termination_listener(lambda _: self._wake.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            await self._begin(connection)
            self.state = "live"
            while True:
                self._wake.clear()
                await self._drain(connection)
                await self._sleep()
        finally:
            with suppress(*FAILED):
                await connection.close(timeout=1)

    async def _begin(self, connection: Connection) -> None:
        bounds = await read_bounds(connection)
        if self._position is None:
            self._position = bounds.head
        elif missing := bounds.judge(self._position):
            self._position = missing.resume_after
            for subscriber in self._subscribers:
                subscriber.skip(missing)
        self._announce()

    async def _drain(self, connection: Connection) -> None:
        while rows := await connection.fetch(SQL["feed_tail"], self._position, PAGE):
            for row in rows:
                self._fan_out(row)
            self._announce()

    def _announce(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _fan_out(self, row: asyncpg.Record) -> None:
        self._position = row["position"]
        for subscriber in self._subscribers:
            subscriber.offer(row)

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._poll)


async def read_bounds(connection: Connection) -> Bounds:
    row = await connection.fetchrow(SQL["feed_bounds"])
    assert row is not None
    return Bounds(row["head"], row["first"])

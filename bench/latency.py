"""How long from a commit in the ERP until a query finds it, and until a subscriber has it.

A clerk changes the promised day of one order after the other, at a steady pace. What is asked and what is pushed goes
through the gateway's public API, over sockets, on the same machine and by the same clock. A change's time begins when
the clerk sends the statement that commits it.
"""

import asyncio
import contextlib
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg

from app.demo import make_sources
from app.keys import token
from app.runtime import running
from app.settings import Config, Settings
from bench.report import Case, conclude, percentiles, postgres_version
from bench.start import free_port
from demo.client import Client
from demo.player import play
from demo.statements import STATEMENTS
from demo.story import Story

PACES = (10, 100)
"""Changes a second."""
ORDERS = 100
WARM_UP = 50
"""Changes that are not counted."""
PROMISED, CHANGED = date(2026, 6, 1), datetime(2026, 6, 1)
QUERY = "query ($after: String) { events(after: $after, first: 500) { cursor events { orderId key } } }"
FOLLOW = "subscription ($after: String) { orderEvents(after: $after) { ... on OrderEvent { orderId key } } }"
HEAD = "{ orders(first: 1) { edges { node { id } } } }"


@dataclass
class Watch:
    """Matches what comes out with what went in: an order's changes come in their order."""

    begun: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    took: list[float] = field(default_factory=list)

    def begin(self, order: str, at: float) -> None:
        self.begun[order].append(at)

    def end(self, order: str) -> None:
        if waiting := self.begun.get(order):
            self.took.append(time.perf_counter() - waiting.popleft())


async def measure(samples: int) -> None:
    cases: list[Case] = []
    async with milepost() as settings:
        client = Client(f"http://{settings.host}:{settings.port}/graphql", token(settings.data, "bench", "admin"))
        for pace in PACES:
            queried, pushed = await one_pace(settings, client, pace, samples)
            cases += percentiles(f"commit to query, {pace} changes/s", queried)
            cases += percentiles(f"commit to subscriber, {pace} changes/s", pushed)
        version = await postgres_version(settings.graph_dsn)
    conclude("latency", cases, version)


@asynccontextmanager
async def milepost() -> AsyncIterator[Settings]:
    """All of it, over a told story."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        data = Path(name)
        async with running(data, Config(port=free_port()), lambda _: None, partial(make_sources, data)):
            settings = Settings.load(data)
            erp, east = (source.write_dsn for source in settings.sources)
            assert erp
            assert east
            await play(Story(1, ORDERS), erp, east, rate=None)
            await at_rest(settings)
            yield settings


async def at_rest(settings: Settings) -> None:
    """Until nothing more comes for a second."""
    db = await asyncpg.connect(settings.graph_dsn)
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 1 or seen <= 0:
        now = await db.fetchval("select coalesce(sum(seen), 0) from record.checkpoint")
        if now != seen:
            seen, since = now, time.monotonic()
        await asyncio.sleep(0.05)
    await db.close()


async def one_pace(settings: Settings, client: Client, pace: int, samples: int) -> tuple[list[float], list[float]]:
    """Seconds until each change was found by a query, and until it was pushed."""
    queried, pushed = Watch(), Watch()
    cursor = await head(client)
    watching = [asyncio.create_task(poll(client, cursor, queried)), asyncio.create_task(follow(client, cursor, pushed))]
    await write(settings, pace, samples + WARM_UP, (queried, pushed))
    async with asyncio.timeout(60):
        while min(len(queried.took), len(pushed.took)) < samples + WARM_UP:  # noqa: ASYNC110 (nothing announces it)
            await asyncio.sleep(0.05)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return queried.took[WARM_UP:], pushed.took[WARM_UP:]


async def head(client: Client) -> str:
    """The feed's end."""
    cursor, more = None, True
    while more:
        page = (await client.ask(QUERY, {"after": cursor}))["events"]
        cursor, more = page["cursor"], bool(page["events"])
    assert cursor is not None
    return str(cursor)


async def poll(client: Client, cursor: str, watch: Watch) -> None:
    while True:
        page = (await client.ask(QUERY, {"after": cursor}))["events"]
        cursor = page["cursor"]
        for event in page["events"]:
            watch.end(event["orderId"])
        await asyncio.sleep(0.005)


async def follow(client: Client, cursor: str, watch: Watch) -> None:
    async for found in client.follow(FOLLOW, {"after": cursor}):
        watch.end(found["orderEvents"]["orderId"])


async def write(settings: Settings, pace: int, changes: int, watches: tuple[Watch, Watch]) -> None:
    """Each change in a transaction of its own, when it is due."""
    db = await asyncpg.connect(settings.sources[0].write_dsn)
    promise = await db.prepare(STATEMENTS["erp"]["order_promise"])
    orders = [row["ordno"] for row in await db.fetch("select ordno from ordhdr order by ordno")]
    begun = time.perf_counter()
    for number in range(changes):
        await asyncio.sleep(begun + number / pace - time.perf_counter())
        order, now = orders[number % len(orders)], time.perf_counter()
        for watch in watches:
            watch.begin(str(order), now)
        await promise.fetch(order, PROMISED + timedelta(days=number), CHANGED + timedelta(seconds=number))
    with contextlib.suppress(asyncpg.InterfaceError, asyncpg.InternalClientError):
        await db.close()

"""How long from a commit in the ERP until a query finds it and until a subscriber has it, and where that time goes.

Clerks change the promised day of one order after the other, at a steady pace. What is asked and what is pushed goes
through the gateway's public API, over sockets, on the same machine and by the same clock. A change's time begins when
a clerk sends the statement that commits it. The engine captures, or Debezium on Kafka Connect.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg

from app.connectors import captured
from app.demo import make_sources
from app.folder import open_folder
from app.keys import passwords, token
from app.postgres import Postgres
from app.runtime import running
from app.settings import Config, KafkaConfig, Settings
from bench.hops import Moments, entries, hops, last_entry, pairs
from bench.report import Case, conclude, percentiles, postgres_version
from bench.start import free_port
from bench.topics import apply, config_of, kafka_running
from demo.client import Client
from demo.player import play
from demo.statements import STATEMENTS
from demo.story import Story
from tests.controls.kafka import DEPLOY

PACES = (10, 100, 500)
"""Changes a second."""
SECONDS = 10
"""Of each pace, at least."""
ORDERS = 100
CLERKS = 4
"""Each has orders of their own, so an order's changes are committed in the order in which they began."""
WARM_UP = 50
"""Changes that are not counted."""
PROMISED, CHANGED = date(2026, 6, 1), datetime(2026, 6, 1)
QUERY = "query ($after: String) { events(after: $after, first: 500) { cursor events { orderId key } } }"
FOLLOW = "subscription ($after: String) { orderEvents(after: $after) { ... on OrderEvent { orderId key } } }"


async def measure(samples: int, kafka: bool) -> None:
    cases: list[Case] = []
    for name, running_by in (("embedded", milepost), ("Kafka", milepost_by_kafka))[: 1 + kafka]:
        async with running_by() as settings:
            client = Client(f"http://{settings.host}:{settings.port}/graphql", token(settings.data, "bench", "admin"))
            for pace in PACES:
                found = await one_pace(settings, client, pace, WARM_UP + max(samples, pace * SECONDS))
                for what, took in found.items():
                    cases += percentiles(f"{name}, {pace} changes/s, {what}", took[WARM_UP:])
            version = await postgres_version(settings.graph_dsn)
    conclude("latency", cases, version)


@asynccontextmanager
async def milepost(kafka: KafkaConfig | None = None, data: Path | None = None) -> AsyncIterator[Settings]:
    """All of it, over a told story."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        data = data or Path(name)
        await note_commits(data)
        config = Config(port=free_port(), kafka=kafka)
        async with running(data, config, lambda _: None, partial(make_sources, data)):
            settings = Settings.load(data)
            if kafka is not None:
                await apply(kafka, [captured(source, kafka) for source in settings.sources])
            erp, east = (source.write_dsn for source in settings.sources)
            assert erp
            assert east
            await play(Story(1, ORDERS), erp, east, rate=None)
            await at_rest(settings)
            yield settings


@asynccontextmanager
async def milepost_by_kafka() -> AsyncIterator[Settings]:
    """The same, by a broker and a worker of Connect that run beside it."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        data = open_folder(Path(name) / "data")
        password = passwords(data, ("erp", "east", "capture"))["capture"]
        async with kafka_running(Path(name) / "kafka", password) as kafka:
            config = config_of(kafka, "milepost", DEPLOY / "connect")
            async with milepost(config, data) as settings:
                yield settings


async def note_commits(data: Path) -> None:
    """Let the Postgres of this folder remember when each transaction was committed."""
    postgres = Postgres(open_folder(data))
    await postgres.start()
    try:
        db = await asyncpg.connect(postgres.dsn("postgres"))
        await db.execute("alter system set track_commit_timestamp = on")
        await db.close()
    finally:
        await postgres.stop()


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


async def one_pace(settings: Settings, client: Client, pace: int, changes: int) -> dict[str, list[float]]:
    """What → seconds that it took, change by change."""
    written, queried, pushed = Moments(), Moments(), Moments()
    cursor, last = await head(client), await last_entry(settings)
    watching = [asyncio.create_task(poll(client, cursor, queried)), asyncio.create_task(follow(client, cursor, pushed))]
    await write(settings, pace, changes, written)
    async with asyncio.timeout(60):
        while min(queried.noted, pushed.noted) < changes:  # noqa: ASYNC110 (nothing announces it)
            await asyncio.sleep(0.05)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return {
        "commit to query": [after - before for before, after in pairs(written, queried)],
        "commit to subscriber": [after - before for before, after in pairs(written, pushed)],
        **hops(written, await entries(settings, last), pushed),
    }


async def head(client: Client) -> str:
    """The feed's end."""
    cursor, more = None, True
    while more:
        page = (await client.ask(QUERY, {"after": cursor}))["events"]
        cursor, more = page["cursor"], bool(page["events"])
    assert cursor is not None
    return str(cursor)


async def poll(client: Client, cursor: str, queried: Moments) -> None:
    while True:
        page = (await client.ask(QUERY, {"after": cursor}))["events"]
        cursor = page["cursor"]
        for event in page["events"]:
            queried.note(event["orderId"])
        await asyncio.sleep(0.005)


async def follow(client: Client, cursor: str, pushed: Moments) -> None:
    async for found in client.follow(FOLLOW, {"after": cursor}):
        pushed.note(found["orderEvents"]["orderId"])


async def write(settings: Settings, pace: int, changes: int, written: Moments) -> None:
    """Each change in a transaction of its own, when it is due."""
    dsn, begun = settings.sources[0].write_dsn, time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as clerks:
        for first in range(CLERKS):
            due = [(begun + number / pace, number) for number in range(first, changes, CLERKS)]
            clerks.create_task(one_clerk(dsn, due, written))


async def one_clerk(dsn: str | None, due: Sequence[tuple[float, int]], written: Moments) -> None:
    db = await asyncpg.connect(dsn)
    promise = await db.prepare(STATEMENTS["erp"]["order_promise"])
    orders = [row["ordno"] for row in await db.fetch("select ordno from ordhdr order by ordno limit $1", ORDERS)]
    for at, number in due:
        await asyncio.sleep(at - time.perf_counter())
        order = orders[number % len(orders)]
        written.note(str(order))
        await promise.fetch(order, PROMISED + timedelta(days=number), CHANGED + timedelta(seconds=number))
    with contextlib.suppress(asyncpg.InterfaceError, asyncpg.InternalClientError):
        await db.close()

"""F1, F9, F15, F27: kill -9 of each process at each named point, while both sources write. Checkers C1, C2, C3, C10."""

import asyncio
import contextlib
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from websockets.exceptions import WebSocketException

from app.demo import make_sources
from app.folder import open_folder
from app.postgres import Postgres
from app.settings import Settings, SourceSettings
from demo.player import play
from demo.story import Story
from gateway.cursors import feed_cursor, feed_position
from orders.crash import CrashPoint
from tests.controls.milepost import MILEPOST, SECONDS, Milepost, free_port, kill, milepost
from tests.controls.waiting import until

STORY = Story(seed=3, orders=8)
POINTS = [
    CrashPoint.RECEIVED,
    CrashPoint.DECODED,
    CrashPoint.BEGUN,
    CrashPoint.WRITTEN,
    CrashPoint.COMMITTED,
    CrashPoint.TOLD,
]
LEDGER = "select source, split_part(transaction, ':', 1) as txid, tbl, op from record.ledger where snapshot = 'no'"
DISORDER = """
select order_id from record.feed group by order_id
having min(version) <> 1 or max(version) <> count(*) or count(distinct key) <> count(*)
"""
FEED = "select position, order_id, version from record.feed order by position"
PROGRESS = "select coalesce(sum(seen), 0) from record.checkpoint"
FOLLOW = """
subscription ($after: String) { orderEvents(after: $after) {
    ... on OrderEvent { cursor orderId version }
    ... on Gap { reason }
} }
"""


async def tell(settings: Callable[[], Sequence[SourceSettings]]) -> None:
    """The story, to its end; the player is started again when its databases go away."""

    async def told() -> bool:
        erp, east = (source.write_dsn for source in settings())
        assert erp
        assert east
        try:
            await play(STORY, erp, east, rate=None)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    await until(told, SECONDS)


def sources(whole: Milepost) -> Callable[[], Sequence[SourceSettings]]:
    """Where they are now: Postgres may come back at another port."""
    return lambda: Settings.load(whole.data).sources


async def check(whole: Milepost) -> None:
    """Nothing lost, nothing doubled, in order, accounted for."""
    verdict = await whole.verdict()
    assert (verdict.replay, verdict.direct) == ([], [])
    assert all(account.balanced for account in verdict.accounts), verdict.accounts
    ledger = Counter(tuple(row) for row in await whole.fetch(LEDGER))
    written = await whole.audited()
    assert (ledger - written, written - ledger) == (Counter(), Counter())
    assert await whole.fetch(DISORDER) == []
    assert await whole.fetch("select from record.dead_letter") == []


def died(whole: Milepost, name: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return any(line.startswith(f"{name} (pid") and "SIGKILL" in line for line in whole.said)

    return ask


@pytest.mark.parametrize("point", POINTS)
async def test_the_projector_dies_while_orders_move(data: Path, point: CrashPoint) -> None:
    async with milepost(data, f"{point}:5") as whole:
        await whole.audit()
        await tell(sources(whole))
        await until(died(whole, "projector"), SECONDS)
        await check(whole)


@pytest.mark.parametrize("point", POINTS)
async def test_the_projector_dies_in_the_snapshot(data: Path, point: CrashPoint) -> None:
    async with told_before(data, f"{point}:2") as whole:
        await until(died(whole, "projector"), SECONDS)
        await whole.audit()
        await check(whole)
        assert await whole.fetch("select count(*) from graph.orders where number is not null") == [(STORY.orders,)]


@asynccontextmanager
async def told_before(data: Path, crash_at: str) -> AsyncIterator[Milepost]:
    """Started over sources in which the story has been told."""
    postgres = Postgres(open_folder(data))
    await postgres.start()
    try:
        made = await make_sources(data, postgres)
        await tell(lambda: made)
    finally:
        await postgres.stop()
    async with milepost(data, crash_at) as whole:
        yield whole


@pytest.mark.parametrize("victim", ["projector", "engine", "worker", "gateway", "postgres"])
async def test_a_process_is_killed_while_orders_move(data: Path, victim: str) -> None:
    async with milepost(data) as whole:
        await whole.audit()
        telling = asyncio.create_task(tell(sources(whole)))
        heard: list[tuple[object, ...]] = []
        following = asyncio.create_task(follow(whole, heard))
        await until(projected(whole, 400), SECONDS)
        kill(whole.engine() if victim == "engine" else whole.pid(victim))
        await telling
        await check(whole)
        feed = [tuple(row) for row in await whole.fetch(FEED)]
        await until(lambda: heard_of(heard, len(feed)), SECONDS)
        following.cancel()
        assert heard == feed


async def heard_of(heard: Sequence[object], count: int) -> bool:
    return len(heard) >= count


def projected(whole: Milepost, changes: int) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        [[seen]] = await whole.fetch(PROGRESS)
        return bool(seen >= changes)

    return ask


async def follow(whole: Milepost, found: list[tuple[object, ...]]) -> None:
    """All events, as one subscriber gets them who comes back with its cursor whenever the line breaks."""
    after = feed_cursor(0)
    while True:
        with contextlib.suppress(OSError, TimeoutError, WebSocketException):
            async with whole.client.subscribed(FOLLOW, after=after) as stream:
                while event := await stream.next():
                    after = event["cursor"]
                    found.append((feed_position(after), event["orderId"], event["version"]))


def test_the_supervisor_is_killed_while_orders_move(data: Path) -> None:
    command = [*MILEPOST, "demo", "--orders", "8", "--until-done", "--json", "--data", str(data)]
    command += ["--port", str(free_port())]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr
        assert any(line.startswith("Milepost") for line in iter(first.stderr.readline, ""))
        orders_move(data)
        first.kill()
    second = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    summary = json.loads(second.stdout)
    assert (summary["orders"], summary["verified"], summary["dead_letters"]) == (8, True, 0)


def orders_move(data: Path) -> None:
    """Returns once some of the story is in the graph, and not yet all."""

    async def asked() -> None:
        async def ask() -> bool:
            db = await asyncpg.connect(Settings.load(data).graph_dsn)
            try:
                return bool(await db.fetchval("select count(*) > 400 from record.ledger"))
            finally:
                await db.close()

        await until(ask, SECONDS)

    asyncio.run(asked())

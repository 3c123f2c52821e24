"""F1, F9, F15, F27: kill -9 of each process at each named point, while both sources write. Checkers C1, C2, C3, C10."""

import asyncio
import contextlib
import json
import subprocess
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from websockets.exceptions import WebSocketException

from app.cluster import free_port
from app.settings import Settings
from demo.story import Story
from gateway.cursors import feed_cursor, feed_position
from orders.crash import CrashPoint
from tests.controls.accounting import check, check_so_far, streamed, tell
from tests.controls.crash_projector import dies, installed, parts, points, projector
from tests.controls.milepost import MILEPOST, SECONDS, Installed, Milepost, kill, milepost, streaming
from tests.controls.serving import receive
from tests.controls.story import MAPPINGS
from tests.controls.waiting import until

STORY = Story(seed=3, orders=12)
FEED = "select position, order_id, version from record.feed order by position"
PROGRESS = "select coalesce(sum(seen), 0) from record.checkpoint"
FOLLOW = """
subscription ($after: String) { orderEvents(after: $after) {
    ... on OrderEvent { cursor orderId version }
    ... on Gap { reason }
} }
"""


async def test_the_projector_dies_at_each_point_while_orders_move(data: Path) -> None:
    untold = iter(parts(STORY, 60))
    async with installed(data) as whole:
        await whole.audit()
        async with projector(data):
            await until(partial(streaming, whole), SECONDS)
        for point, count in [*points(batch=4), (CrashPoint.FOLDED, 2)]:
            with noted(f"after a kill at {point}:{count}"):
                async with projector(data, f"{point}:{count}") as process:
                    await tell_on(whole, untold, process)
                    await dies(process)
                await check_so_far(whole)
        await tell(whole, STORY)
        async with projector(data):
            await check(whole)


async def tell_on(whole: Installed, untold: Iterator[Story], process: Process) -> None:
    """Until the projector dies: step by step, each when the one before it is in the ledger."""

    async def done() -> bool:
        return process.returncode is not None or await caught_up(whole)

    while process.returncode is None and (part := next(untold, None)):
        await tell(whole, part)
        await until(done, SECONDS)


async def caught_up(whole: Installed) -> bool:
    return all([await streamed(whole, source) == await whole.audited(source) for source in MAPPINGS])


async def test_the_projector_dies_at_each_point_in_the_snapshot(data: Path) -> None:
    async with installed(data) as whole:
        await tell(whole, STORY)
        await whole.audit()
        for point, count in points(batch=2):
            with noted(f"after a kill at {point}:{count}"):
                async with projector(data, f"{point}:{count}") as process:
                    await dies(process)
                await check_so_far(whole)
        async with projector(data):
            await check(whole)
        [[orders]] = await whole.fetch("select count(*) from graph.orders where number is not null")
        assert orders == STORY.orders


@contextmanager
def noted(text: str) -> Iterator[None]:
    """Whatever fails says where."""
    try:
        yield
    except Exception as error:
        error.add_note(text)
        raise


@pytest.mark.parametrize("victims", [["projector"], ["engine"], ["worker", "gateway"], ["postgres"]], ids=" and ".join)
async def test_processes_are_killed_while_orders_move(data: Path, victims: list[str]) -> None:
    half, _ = parts(STORY, 2)
    async with milepost(data) as whole:
        await whole.audit()
        await tell(whole, half)
        heard: list[tuple[object, ...]] = []
        following = asyncio.create_task(follow(whole, heard))
        await until(partial(is_projected, whole), SECONDS)
        telling = asyncio.create_task(tell(whole, STORY))
        for victim in victims:
            kill(whole.engine() if victim == "engine" else whole.pid(victim))
        await telling
        await check(whole)
        feed = [tuple(row) for row in await whole.fetch(FEED)]
        await until(lambda: all_heard(following, heard, len(feed)), SECONDS)
        following.cancel()
        assert heard == feed


async def is_projected(whole: Installed) -> bool:
    """Whether something is."""
    [[seen]] = await whole.fetch(PROGRESS)
    return bool(seen > 0)


async def follow(whole: Milepost, found: list[tuple[object, ...]]) -> None:
    """All events, as one subscriber gets them who comes back with its cursor whenever the line breaks."""
    after = feed_cursor(0)
    while True:
        with contextlib.suppress(OSError, TimeoutError, WebSocketException):
            async with whole.client.subscribed(FOLLOW, after=after) as stream:
                while event := event_of(await receive(stream.socket)):
                    after = event["cursor"]
                    found.append((feed_position(after), event["orderId"], event["version"]))


def event_of(message: dict[str, Any]) -> dict[str, Any] | None:
    """None when the gateway asks to be tried again later."""
    assert message["type"] in ("next", "error"), message
    payload = message["payload"]
    if errors := payload if message["type"] == "error" else payload.get("errors"):
        assert [error["extensions"]["code"] for error in errors] == ["UNAVAILABLE"], errors
        return None
    event: dict[str, Any] = payload["data"]["orderEvents"]
    return event


async def all_heard(following: "asyncio.Task[None]", heard: Sequence[object], count: int) -> bool:
    if following.done():
        following.result()
    return len(heard) >= count


def test_the_supervisor_is_killed_while_orders_move(data: Path) -> None:
    command = [*MILEPOST, "demo", "--orders", "8", "--until-done", "--json", "--data", str(data)]
    command += ["--port", str(free_port())]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr
        assert any(line.startswith("Milepost") for line in iter(first.stderr.readline, ""))
        orders_move(data, first)
        first.kill()
    second = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    summary = json.loads(second.stdout)
    assert (summary["orders"], summary["verified"], summary["dead_letters"]) == (8, True, 0)


def orders_move(data: Path, demo: "subprocess.Popen[str]") -> None:
    """Returns once some of the story is in the graph, or when all has been told."""

    async def asked() -> None:
        async def ask() -> bool:
            try:
                db = await asyncpg.connect(Settings.load(data).graph_dsn)
            except (OSError, asyncpg.PostgresError):
                return demo.poll() is not None
            try:
                return bool(await db.fetchval("select count(*) > 400 from record.ledger"))
            finally:
                await db.close()

        await until(ask, SECONDS)

    asyncio.run(asked())

"""A rebuild under load: a subscriber of the real gateway sees each version once, and nothing else."""

import asyncio
import itertools
import sys
from collections import defaultdict
from typing import Any

import pytest

from gateway.cursors import feed_cursor
from tests.controls.milepost import SECONDS, Milepost
from tests.controls.selling import accepted, entered, new_number, worked
from tests.controls.serving import Stream
from tests.controls.waiting import until
from tests.e2e.test_visible import seen

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMAND = [sys.executable, "-c", "from app.entry import main; main()", "rebuild"]
FOLLOW = """
subscription ($after: String) { orderEvents(after: $after) {
    ... on OrderEvent { orderId version type order { version displayStatus } }
    ... on Gap { reason }
} }
"""
FEED = "select count(*), count(*) filter (where type = 'ORDER_CORRECTED') from record.feed"


async def test_a_subscriber_notices_nothing(whole: Milepost) -> None:
    stopped, numbers, heard = asyncio.Event(), list[int](), list[dict[str, Any]]()

    async def sell() -> None:
        while not stopped.is_set():
            numbers.append(new_number())
            await whole.write("erp", *entered(numbers[-1]), accepted(numbers[-1]))
            await whole.write("east", *worked(numbers[-1], numbers[-1]))

    async def listen(stream: Stream) -> None:
        while True:
            heard.append(await stream.next())

    selling = asyncio.create_task(sell())
    async with whole.client.subscribed(FOLLOW, after=feed_cursor(0)) as stream:
        listening = asyncio.create_task(listen(stream))
        await until(lambda: told(whole, 5), SECONDS)
        for arguments in ([], ["--drop-old"], []):
            process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, "--data", str(whole.data))
            assert await asyncio.wait_for(process.wait(), SECONDS) == 0
            before = len(numbers)
            await until(lambda at=before: asyncio.sleep(0, len(numbers) > at + 2), SECONDS)  # type: ignore[misc]
        stopped.set()
        await selling
        for number in numbers:
            await seen(whole, number, lambda order: order["shipments"])
        [[events, corrections]] = await whole.fetch(FEED)
        await until(lambda: asyncio.sleep(0, listening.done() or len(heard) >= events), SECONDS)
        listening.cancel()
    assert len(heard) == events
    assert corrections == 0
    versions = defaultdict[str, list[int]](list)
    for event in heard:
        versions[event["orderId"]].append(event["version"])
        assert event["order"]["version"] >= event["version"]
    assert all(found == list(itertools.islice(itertools.count(1), len(found))) for found in versions.values())
    assert {str(number) for number in numbers} <= versions.keys()
    verdict = await whole.verdict()
    assert (verdict.replay, verdict.direct) == ([], [])


async def told(whole: Milepost, orders: int) -> bool:
    return len(await whole.fetch("select from graph.orders")) >= orders


async def test_a_source_is_read_anew(whole: Milepost) -> None:
    number = new_number()
    await whole.write("erp", *entered(number), accepted(number))
    await seen(whole, number)
    [[before]] = await whole.fetch("select epoch from record.checkpoint where source = 'erp'")
    feed = await whole.fetch(FEED)
    arguments = ["--snapshot", "erp", "--data", str(whole.data)]
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments)
    assert await asyncio.wait_for(process.wait(), SECONDS) == 0
    checkpoint = await whole.fetch("select epoch, snapshotting, anew from record.checkpoint where source = 'erp'")
    assert [tuple(row) for row in checkpoint] == [(before + 1, False, False)]
    assert await whole.fetch(FEED) == feed
    later = new_number()
    await whole.write("erp", *entered(later), accepted(later))
    await seen(whole, later)
    verdict = await whole.verdict()
    assert (verdict.replay, verdict.direct) == ([], [])

"""F1, F28, F29 with Kafka: projectors die in the middle of a batch, join, leave, and wake up too late."""

import asyncio
import signal
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from demo.story import Story
from orders.crash import CrashPoint
from tests.controls.accounting import check, check_so_far, tell
from tests.controls.crash_projector import dies, parts, projector
from tests.controls.distributed import Distributed, distributed
from tests.controls.kafka import Kafka
from tests.controls.living import is_stopped
from tests.controls.milepost import SECONDS, streaming
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka
STORY = Story(seed=3, orders=12)
POINTS = (CrashPoint.RECEIVED, CrashPoint.BEGUN, CrashPoint.WRITTEN, CrashPoint.COMMITTED, CrashPoint.TOLD)


async def claims(found: Distributed) -> dict[str, int]:
    return {row["source"]: row["claim"] for row in await found.fetch("select source, claim from record.claim")}


async def has_projected(found: Distributed) -> bool:
    """All that the sources have written by their own account."""
    [[ledger]] = await found.fetch("select count(*) from record.ledger where snapshot = 'no'")
    return bool(ledger == sum([len(await found.audited(source)) for source in ("erp", "east")]))


async def test_it_dies_at_each_point(kafka: Kafka, data: Path) -> None:
    untold = parts(STORY, len(POINTS) + 1)
    async with distributed(kafka, data) as found:
        await found.apply()
        await found.audit()
        async with projector(data):
            await until(partial(streaming, found), SECONDS)
        for point, part in zip(POINTS, untold, strict=False):
            await tell(found, part)
            async with projector(data, point) as process:
                await dies(process)
            await check_so_far(found)
        await tell(found, STORY)
        async with projector(data):
            await check(found)


async def test_projectors_join_and_leave_while_orders_move(kafka: Kafka, data: Path) -> None:
    async with distributed(kafka, data) as found, AsyncExitStack() as first:
        await found.apply()
        await found.audit()
        await first.enter_async_context(projector(data, name="first"))
        await until(partial(streaming, found), SECONDS)
        telling = asyncio.create_task(tell(found, Story(seed=4, orders=60)))
        alone = await claims(found)
        async with projector(data, name="second"):
            await until(lambda: _moved(found, alone), SECONDS)
            both = await claims(found)
            await first.aclose()
            await until(lambda: _moved(found, both), SECONDS)
            await telling
            await until(partial(has_projected, found), SECONDS)
            await check(found)


async def _moved(found: Distributed, before: dict[str, int]) -> bool:
    """Every source was shared out anew."""
    now = await claims(found)
    return all(now[source] > claim for source, claim in before.items())


async def test_a_zombie_with_a_batch_in_hand_is_fenced(kafka: Kafka, data: Path) -> None:
    first, second, third = parts(STORY, 3)
    async with distributed(kafka, data) as found:
        await tell(found, first)
        await found.apply()
        await found.audit()
        async with projector(data, name="first"):
            await until(partial(streaming, found), SECONDS)
        async with projector(data, f"{CrashPoint.DECODED}:1:{signal.SIGSTOP.name}", name="first") as zombie:
            await tell(found, second)
            await until(lambda: asyncio.sleep(0, is_stopped(zombie.pid)), SECONDS)
            async with projector(data, name="heir"):
                await until(partial(has_projected, found), SECONDS)
                zombie.send_signal(signal.SIGCONT)
                await tell(found, third)
                await until(partial(has_projected, found), SECONDS)
                await check(found)


async def test_all_of_it_once_more_is_nothing_new(kafka: Kafka, data: Path) -> None:
    async with distributed(kafka, data) as found:
        await found.apply()
        await found.audit()
        async with projector(data):
            await until(partial(streaming, found), SECONDS)
            await tell(found, STORY)
            await check(found)
        before = await found.fetch(EVERYTHING)
        await found.fetch('update record.checkpoint set resume = \'{"kafka": 0, "epoch": 0}\'')
        await found.fetch("truncate record.source_state")
        async with projector(data):
            await until(partial(all_read, found), SECONDS)
            await check(found)
        assert await found.fetch(EVERYTHING) == before


EVERYTHING = """
select 'ledger' as kind, id as place, source || key::text || outcome as what from record.ledger
union all select 'feed', position, order_id || key from record.feed
union all select 'dead', id, source from record.dead_letter order by 1, 2
"""


async def all_read(found: Distributed) -> bool:
    states = await found.fetch("select state, lag_changes from record.source_state")
    return [tuple(row) for row in states] == [("streaming", 0)] * 2

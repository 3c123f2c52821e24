"""The same story by the engine and by Kafka: the same graph, and the same happenings."""

from functools import partial
from pathlib import Path

import pytest

from demo.story import Story
from tests.controls.accounting import check, tell
from tests.controls.crash_projector import parts, projector
from tests.controls.distributed import distributed
from tests.controls.kafka import Kafka
from tests.controls.milepost import SECONDS, streaming
from tests.controls.modes import all_said, beside, embedded_streaming
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka
STORY = Story(seed=5, orders=30)


async def test_half_snapshot_half_streamed(kafka: Kafka, data: Path) -> None:
    first, whole = parts(STORY, 2)
    async with distributed(kafka, data) as found:
        await tell(found, first)
        await found.apply()
        embedded = await beside(found, data / "engine")
        async with projector(found.data), projector(embedded.data):
            await until(partial(streaming, found), SECONDS)
            await until(partial(embedded_streaming, embedded), SECONDS)
            await found.audit()
            await tell(found, whole)
            await check(found)
            verdict = await embedded.verdict()
            assert (verdict.replay, verdict.direct) == ([], [])
        for by_kafka, by_engine in zip(await all_said(found), await all_said(embedded), strict=True):
            assert by_kafka == by_engine != []

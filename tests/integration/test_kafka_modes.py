"""The same story by the engine and by Kafka: the same graph, and the same happenings."""

from functools import partial
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace

from app.folder import open_folder
from app.schema import prepare_schema
from demo.story import Story
from projections.replay import Rows, stored
from tests.controls.accounting import check, tell
from tests.controls.crash_projector import parts, projector
from tests.controls.distributed import Distributed, distributed
from tests.controls.folding import TRANSIENT
from tests.controls.kafka import Kafka
from tests.controls.milepost import SECONDS, Installed, owner, streaming
from tests.controls.projecting import connected
from tests.controls.waiting import until

pytestmark = pytest.mark.kafka
STORY = Story(seed=5, orders=30)
EMBEDDED = "embedded"
FEED = """
select order_id, key from record.feed
where type <> all($1::text[]) and not starts_with(key, 'late/') order by order_id, key
"""
"""Which source's change tells a happening first depends on how they interleave; that it is told does not."""
LEDGER = """
select source, log, ordinal, transaction, tbl, op, key::text, before::text, after::text, committed_at
from record.ledger where snapshot = 'no' order by source, log, ordinal
"""


async def beside(found: Distributed, data: Path) -> Installed:
    """Over the same sources, with an engine and a graph of its own."""
    await found.fetch(f"create database {EMBEDDED}")
    graph = owner(found.settings, EMBEDDED)
    await prepare_schema(graph)
    settings = replace(found.settings, data=open_folder(data), graph_dsn=graph, gateway_dsn=graph, kafka=None)
    settings.save()
    return Installed(settings)


async def all_said(installed: Installed) -> tuple[Rows, list[asyncpg.Record], list[asyncpg.Record]]:
    """What is the same whenever it was captured: the graph, lasting events, and what was streamed."""
    db = await connected(installed.settings.graph_dsn)
    try:
        transient = [kind.value for kind in TRANSIENT]
        return await stored(db), await db.fetch(FEED, transient), await db.fetch(LEDGER)
    finally:
        await db.close()


async def test_half_snapshot_half_streamed(kafka: Kafka, data: Path) -> None:
    first, whole = parts(STORY, 2)
    async with distributed(kafka, data) as found:
        await tell(found, first)
        await found.apply()
        embedded = await beside(found, data / "engine")
        async with projector(found.data), projector(embedded.data):
            await until(partial(streaming, found), SECONDS)
            await until(partial(_streaming, embedded), SECONDS)
            await found.audit()
            await tell(found, whole)
            await check(found)
            verdict = await embedded.verdict()
            assert (verdict.replay, verdict.direct) == ([], [])
        for by_kafka, by_engine in zip(await all_said(found), await all_said(embedded), strict=True):
            assert by_kafka == by_engine != []


async def _streaming(embedded: Installed) -> bool:
    db = await connected(embedded.settings.graph_dsn)
    try:
        return bool(await db.fetchval("select count(*) = 2 and bool_and(not snapshotting) from record.checkpoint"))
    finally:
        await db.close()

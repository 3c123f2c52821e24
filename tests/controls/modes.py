"""The same sources by the engine and by Kafka, each with a graph of its own, and all that both say of them."""

from pathlib import Path

import asyncpg
from msgspec.structs import replace

from app.folder import open_folder
from app.schema import prepare_schema
from projections.replay import Rows, stored
from tests.controls.distributed import Distributed
from tests.controls.folding import TRANSIENT
from tests.controls.milepost import Installed, owner
from tests.controls.projecting import connected

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


async def embedded_streaming(embedded: Installed) -> bool:
    """Whether every snapshot is over."""
    db = await connected(embedded.settings.graph_dsn)
    try:
        [begun, whole] = await db.fetchrow("select count(*), bool_and(not snapshotting) from record.checkpoint")
        return bool(whole and begun == len(embedded.settings.sources))
    finally:
        await db.close()

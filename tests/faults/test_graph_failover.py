"""F31: the graph's Postgres dies, and a standby that does not know the last of it takes its place. The checkpoints in
it lie before what the sources were told to forget: all is read anew, and what was lost is there again. C1, C3."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from app.folder import open_folder
from app.postgres import Postgres
from app.schema import prepare_schema
from demo.story import Story
from tests.controls.accounting import DISORDER, REMAINDERS, tell
from tests.controls.crash_projector import installed, parts, projector
from tests.controls.living import running
from tests.controls.milepost import SECONDS, Installed
from tests.controls.replacing import by_standby, copied, is_primary
from tests.controls.waiting import until

STORY = Story(seed=9, orders=12)
EPOCHS = "select source, epoch, snapshotting from record.checkpoint order by source"
ORDERS = "select count(*) from graph.orders"


@asynccontextmanager
async def apart(whole: Installed, data: Path) -> AsyncIterator[tuple[Installed, Postgres]]:
    """Over the same sources, with a graph in a server of its own."""
    folder = open_folder(data)
    server = Postgres(folder)
    await server.start()
    try:
        await server.create_database("milepost")
        graph = server.dsn("milepost")
        await prepare_schema(graph)
        settings = replace(whole.settings, data=folder, graph_dsn=graph, gateway_dsn=graph)
        settings.save()
        yield Installed(settings), server
    finally:
        await server.stop()


async def is_right(found: Installed) -> None:
    verdict = await found.verdict()
    assert verdict.verified, verdict
    assert await found.fetch(DISORDER) == []
    assert await found.fetch(REMAINDERS) == []


async def test_a_standby_that_lags_takes_its_place(data: Path) -> None:
    first, second, _ = parts(STORY, 3)
    async with installed(data / "sources") as whole, apart(whole, data / "graph") as (found, server):
        files, backup = server.folder, data / "backup"
        async with projector(found.data):
            await tell(whole, first)
            await is_right(found)
            await server.stop()
            copied(files, backup)
            await server.start()
            await tell(whole, second)
            await is_right(found)
            [[known]] = await found.fetch(ORDERS)
            os.kill(running(server.pid), signal.SIGKILL)
            await server.stop()
            by_standby(files, backup)
            await server.start()
            await until(lambda: is_primary(server.dsn("postgres")), SECONDS)
            await until(partial(read_anew, found), SECONDS)
            assert (await found.fetch(ORDERS))[0][0] >= known
            await tell(whole, STORY)
            await is_right(found)


async def read_anew(found: Installed) -> bool:
    return [tuple(row) for row in await found.fetch(EPOCHS)] == [("east", 2, False), ("erp", 2, False)]

"""kill -9 of a rebuild at each of its points: the graph is as it was, or whole and new, and the next run is clean."""

import asyncio
import os
import signal
import sys

import pytest

from orders.crash import ENVIRONMENT, CrashPoint
from projections.database import Connection
from projections.projector import Advanced, Projector
from projections.rebuild.run import drop_old
from tests.controls import projecting
from tests.controls.projecting import header, order, transaction
from tests.controls.rebuilding import rebuilt, whole
from tests.controls.story import MAPPINGS
from tests.controls.waiting import until

SECONDS = 60
FEED = "select order_id, version, type from record.feed order by position"
REBUILD = "import asyncio, sys; from tests.controls.rebuilding import rebuilt; asyncio.run(rebuilt(sys.argv[1]))"
FREE = "select not exists (select from pg_locks where locktype = 'advisory' and (classid, objid) = (742511, 3))"
POINTS = [point for point in CrashPoint if point.startswith("rebuild_")]


@pytest.mark.parametrize("point", POINTS)
async def test_a_rebuild_dies(graph: Connection, database: str, point: CrashPoint) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    assert isinstance(await projector.project([order(1, 1), order(2, 2)]), Advanced)
    before, told = await whole(graph), await graph.fetch(FEED)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", REBUILD, database, env={**os.environ, ENVIRONMENT: point.value}
    )
    assert await asyncio.wait_for(process.wait(), SECONDS) == -signal.SIGKILL
    assert await whole(graph) == before
    assert await graph.fetch(FEED) == told
    assert isinstance(await projector.project([transaction(3, header(2, cuspo="PO-3"))]), Advanced)
    await projecting.check(graph)
    await until(lambda: graph.fetchval(FREE))
    assert await drop_old(graph) == (point is CrashPoint.REBUILD_SWAPPED)
    await graph.execute("select pg_advisory_unlock_all()")
    assert (await rebuilt(database)).counts == (0, 0, 0)
    await projecting.check(graph)

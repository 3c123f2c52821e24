"""kill -9 of a rebuild at each of its points: the graph is as it was, or whole and new, and the next run is clean."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import psutil
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
REBUILD = """
import sys
from app.cli.common import finish
from tests.controls.rebuilding import rebuilt
finish(lambda: rebuilt(sys.argv[1], workers=int(sys.argv[2])))
"""
FREE = "select not exists (select from pg_locks where locktype = 'advisory' and (classid, objid) = (742511, 3))"
POINTS = [point for point in CrashPoint if point.startswith("rebuild_")]
OF_WORKERS = [CrashPoint.REBUILD_STAGED, CrashPoint.REBUILD_DERIVED]
CASES = [(point, 0) for point in POINTS] + [(point, 2) for point in POINTS if point not in OF_WORKERS]
SESSIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"
)


async def told(graph: Connection) -> Projector:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    assert isinstance(await projector.project([order(1, 1), order(2, 2)]), Advanced)
    return projector


async def started(database: str, workers: int, at: str) -> Process:
    """A rebuild; at which of its points it, or a worker of its, is killed or stopped."""
    command = [sys.executable, "-c", REBUILD, database, str(workers)]
    return await asyncio.create_subprocess_exec(*command, env={**os.environ, ENVIRONMENT: at}, stderr=PIPE)


async def rebuilt_after_all(graph: Connection, database: str, *, swapped: bool = False) -> None:
    """Nothing is left of the one that ended, and another one finds a clean place."""
    await until(lambda: graph.fetchval(FREE))
    assert await drop_old(graph) == swapped
    assert await graph.fetchval("select to_regnamespace('graph_next')") is None
    await graph.execute("select pg_advisory_unlock_all()")
    assert (await rebuilt(database)).counts == (0, 0, 0)
    await projecting.check(graph)


@pytest.mark.parametrize(("point", "workers"), CASES)
async def test_a_rebuild_dies(graph: Connection, database: str, point: CrashPoint, workers: int) -> None:
    projector, alone = await told(graph), await graph.fetchval(SESSIONS)
    before, feed = await whole(graph), await graph.fetch(FEED)
    process = await started(database, workers, point.value)
    assert await asyncio.wait_for(process.wait(), SECONDS) == -signal.SIGKILL
    assert await whole(graph) == before
    assert await graph.fetch(FEED) == feed
    assert isinstance(await projector.project([transaction(3, header(2, cuspo="PO-3"))]), Advanced)
    await projecting.check(graph)
    await until(lambda: sessions(graph, alone))
    await rebuilt_after_all(graph, database, swapped=point is CrashPoint.REBUILD_SWAPPED)


async def sessions(graph: Connection, count: int) -> bool:
    found: int = await graph.fetchval(SESSIONS)
    return found == count


@pytest.mark.parametrize("point", OF_WORKERS)
async def test_a_worker_of_a_rebuild_dies(graph: Connection, database: str, point: CrashPoint) -> None:
    await told(graph)
    before, feed = await whole(graph), await graph.fetch(FEED)
    process = await started(database, 2, point.value)
    _, said = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 2
    assert (
        said.decode()
        .splitlines()[-1]
        .endswith("a worker of the rebuild was ended by SIGKILL: the graph is as it was, start it again")
    )
    assert await whole(graph) == before
    assert await graph.fetch(FEED) == feed
    await rebuilt_after_all(graph, database)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_workers_end_with_their_rebuild(graph: Connection, database: str, end: signal.Signals) -> None:
    """Ctrl-C reaches the rebuild alone; its worker stands still just then."""
    await told(graph)
    process = await started(database, 1, f"{CrashPoint.REBUILD_DERIVED.value}:1:SIGSTOP")
    rebuild = psutil.Process(process.pid)
    await until(lambda: stopped(rebuild), SECONDS)
    [worker] = rebuild.children()
    try:
        process.send_signal(end)
        if end is signal.SIGKILL:
            worker.resume()
        await asyncio.wait_for(process.communicate(), SECONDS)
        assert process.returncode == (130 if end is signal.SIGINT else -signal.SIGKILL)
        await until(lambda: asyncio.sleep(0, not is_alive(worker)), SECONDS)
    finally:
        with suppress(psutil.NoSuchProcess):
            worker.kill()
    await rebuilt_after_all(graph, database)


@pytest.mark.parametrize(
    ("point", "number"),
    [
        (CrashPoint.REBUILD_FACTS, signal.SIGINT),
        (CrashPoint.REBUILD_COMPARED, signal.SIGTERM),
        (CrashPoint.REBUILD_SWAPPING, signal.SIGINT),
        (CrashPoint.REBUILD_SWAPPED, signal.SIGTERM),
    ],
)
async def test_a_rebuild_is_told_to_end(
    graph: Connection, database: str, point: CrashPoint, number: signal.Signals
) -> None:
    """Again and again, as who is in a hurry does: the first time counts, and all is left as it should be."""
    await told(graph)
    before, feed, alone = await whole(graph), await graph.fetch(FEED), await graph.fetchval(SESSIONS)
    process = await started(database, 0, f"{point.value}:1:SIGSTOP")
    await until(lambda: stands(psutil.Process(process.pid)), SECONDS)
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    ended = asyncio.create_task(process.communicate())
    while not ended.done():
        with suppress(ProcessLookupError):
            process.send_signal(number)
        await asyncio.wait([ended], timeout=0.01)
    assert (process.returncode, (await ended)[1].decode()) == (128 + number, "")
    assert await whole(graph) == before
    assert await graph.fetch(FEED) == feed
    await until(lambda: sessions(graph, alone))
    await rebuilt_after_all(graph, database, swapped=point is CrashPoint.REBUILD_SWAPPED)


async def stands(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_STOPPED


async def stopped(rebuild: psutil.Process) -> bool:
    return [child.status() for child in rebuild.children()] == [psutil.STATUS_STOPPED]


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False

"""F36: a gateway that may open no more files goes on with the connections that it has, and takes others later. C9."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from app.gateway import connections_of
from app.settings import Config
from tests.controls.waiting import until
from tests.controls.workers import ONE, Workers, gateways

SPARE = 8
"""Files that it may open beyond those that it has."""
MORE = 24
"""Connections that are made, of which most find none left."""
SECONDS = 60


@pytest.fixture(params=[1, 2], ids=["one", "sharing"])
async def workers(data: Path, database: str, request: pytest.FixtureRequest) -> AsyncIterator[Workers]:
    """The listener of one gateway is the event loop's, that of several is ours."""
    async with gateways(data, database, Config(workers=request.param)) as found:
        yield found


def limit(pid: int, most: int) -> None:
    _, hard = psutil.Process(pid).rlimit(resource.RLIMIT_NOFILE)
    psutil.Process(pid).rlimit(resource.RLIMIT_NOFILE, (most, hard))


def clients(pid: int, workers: Workers) -> list[object]:
    """Connections to the gateway's own port."""
    port = httpx.URL(workers.url).port
    return [each for each in psutil.Process(pid).net_connections("tcp") if each.raddr and each.laddr.port == port]


async def asked(http: httpx.AsyncClient, workers: Workers) -> int:
    return (await http.post(workers.url, json=ONE, headers=workers.auth)).status_code


async def test_it_goes_on_and_recovers(workers: Workers) -> None:
    pids = workers.pids()
    async with AsyncExitStack() as stack:
        early, *late = [await stack.enter_async_context(httpx.AsyncClient(timeout=SECONDS)) for _ in range(MORE)]
        assert await asked(early, workers) == 200
        files = {pid: psutil.Process(pid).num_fds() for pid in pids.values()}
        for pid, count in files.items():
            limit(pid, count + SPARE)
        waiting = [asyncio.create_task(asked(each, workers)) for each in late]

        async def exhausted() -> bool:
            full = [psutil.Process(pid).num_fds() >= files[pid] + SPARE for pid in files]
            return all(full) and not all(task.done() for task in waiting)

        await until(exhausted, SECONDS)
        # A connection to Postgres is a file, too: it may have to be refused, but in order.
        assert await asked(early, workers) in (200, 503)
        for pid in files:
            limit(pid, 1024)
        assert set(await asyncio.gather(*waiting)) <= {200, 503}

        async def answered() -> bool:
            return await asyncio.gather(*(asked(each, workers) for each in (early, *late[:3]))) == [200] * 4

        await until(answered, SECONDS)
        assert any(clients(pid, workers) for pid in files)
    assert workers.pids() == pids
    assert workers.said == []

    async def back() -> bool:
        """But for connections to Postgres, which the pools keep for a while."""
        return all(
            psutil.Process(pid).num_fds() <= count + connections_of(1) and not clients(pid, workers)
            for pid, count in files.items()
        )

    await until(back, SECONDS)

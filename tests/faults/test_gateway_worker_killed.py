"""Several gateway processes on one port: they share the work, and the death of one is nobody's loss."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.gateway import connections_of
from app.settings import Config
from app.status import processes
from tests.controls import serving
from tests.controls.milepost import kill
from tests.controls.waiting import until
from tests.controls.workers import ONE, Workers, gateways

WORKERS = 3


@pytest.fixture
async def workers(data: Path, database: str) -> AsyncIterator[Workers]:
    async with gateways(data, database, Config(workers=WORKERS)) as found:
        yield found


async def test_a_worker_that_is_killed_loses_no_service(workers: Workers) -> None:
    """Each is killed in turn while clients ask; each comes back."""
    stop = asyncio.Event()
    answers: Counter[int] = Counter()

    async def client() -> None:
        async with httpx.AsyncClient(timeout=serving.SECONDS) as http:
            while not stop.is_set():
                answers[await workers.ask(http)] += 1

    clients = [asyncio.create_task(client()) for _ in range(6)]
    for name, pid in workers.pids().items():
        before = answers[200]
        kill(pid)

        async def back(name: str = name, pid: int = pid, before: int = before) -> bool:
            return workers.pids().get(name, pid) != pid and answers[200] > before + 20

        await until(back, 60)
    stop.set()
    await asyncio.gather(*clients)
    assert set(answers) == {200}


async def test_status_shows_each_and_their_connections_to_postgres_are_bounded(workers: Workers, database: str) -> None:
    found = {each.name: each for each in processes(workers.data) if each.name != "supervisor"}
    assert sorted(found) == ["gateway-1", "gateway-2", "gateway-3"]
    assert {each.address for each in found.values()} == {workers.url}
    async with httpx.AsyncClient(timeout=serving.SECONDS) as http:
        assert set(await asyncio.gather(*(workers.ask(http) for _ in range(60)))) <= {200, 503}
    db = await asyncpg.connect(database)
    held = await db.fetchval("select count(*) from pg_stat_activity where application_name like 'milepost gateway%'")
    await db.close()
    assert WORKERS < held <= connections_of(WORKERS)


async def test_a_worker_that_is_asked_to_end_answers_what_it_has(workers: Workers, database: str) -> None:
    """Drained: a request that is under way is answered."""
    db = await asyncpg.connect(database)
    await db.execute("begin; lock table graph.orders")
    async with httpx.AsyncClient(timeout=serving.SECONDS) as http:
        asked = asyncio.create_task(http.post(workers.url, json=ONE, headers=workers.auth))

        async def waits() -> bool:
            return bool(await db.fetchval("select count(*) from pg_locks where not granted"))

        await until(waits)
        for pid in workers.pids().values():
            os.kill(pid, signal.SIGTERM)
        await db.execute("commit")
        assert (await asked).status_code == 200
    await db.close()

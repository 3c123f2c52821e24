"""What nobody waits for is not worked on: a statement ends in Postgres when its client goes or its time is over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from gateway import database as settings
from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.waiting import until

COMPILED = '{ order(id: "1042") { id } }'
ORDINARY = '{ order(id: "1042") { id events { key } } sources { name } }'
WAITING = (
    "select count(*) from pg_stat_activity where application_name = 'milepost gateway' and wait_event_type = 'Lock'"
)


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


@pytest.fixture
async def lock(dsn: str) -> AsyncIterator[Callable[[int], Callable[[], Awaitable[bool]]]]:
    """Orders cannot be read. Gives the condition that so many statements of the gateway wait for them."""
    db, watch = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await db.execute("begin; lock table graph.orders")

    def waiting(count: int) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return bool(await watch.fetchval(WAITING) == count)

        return holds

    yield waiting
    await db.close()
    await watch.close()


async def free(client: Client) -> bool:
    assert client.server is not None
    gate = client.server.gateway.gate
    return (gate.here, gate.running) == (0, 0)


@pytest.mark.parametrize("query", [COMPILED, ORDINARY], ids=["compiled", "ordinary"])
async def test_a_client_that_goes_ends_its_statement(
    client: Client, lock: Callable[[int], Callable[[], Awaitable[bool]]], query: str
) -> None:
    asked = asyncio.create_task(client.post(query))
    await until(lock(1))
    asked.cancel()
    await until(lock(0))
    await until(lambda: free(client))


async def test_by_get_too(client: Client, lock: Callable[[int], Callable[[], Awaitable[bool]]]) -> None:
    asked = asyncio.create_task(client.http.get("/graphql", params={"query": COMPILED}, headers=client.auth))
    await until(lock(1))
    asked.cancel()
    await until(lock(0))


async def test_a_socket_that_closes_ends_its_statement(
    client: Client, lock: Callable[[int], Callable[[], Awaitable[bool]]]
) -> None:
    async with client.subscribed(COMPILED):
        await until(lock(1))
    await until(lock(0))


@pytest.mark.parametrize("query", [COMPILED, ORDINARY], ids=["compiled", "ordinary"])
async def test_a_statement_whose_time_is_over_is_ended(
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lock: Callable[[int], Callable[[], Awaitable[bool]]],
    query: str,
) -> None:
    monkeypatch.setitem(settings._SETTINGS, "statement_timeout", "100ms")
    async with serving.running(dsn, tmp_path) as client:
        answer = await client.post(query)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        await until(lock(0))


async def test_who_waits_is_answered(client: Client, dsn: str) -> None:
    """Longer than it takes until clients are looked after."""
    db = await asyncpg.connect(dsn)
    await db.execute("begin; lock table graph.orders")
    asked = asyncio.create_task(client.post(COMPILED))

    async def watched() -> bool:
        return any("Watched._cancel" in repr(task) for task in asyncio.all_tasks())

    await until(watched)
    await db.execute("commit")
    assert (await asked).json()["data"] == {"order": {"id": "1042"}}
    await db.close()

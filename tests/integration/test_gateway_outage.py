"""Without Postgres: requests are refused at once, subscribers wait and miss nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from app.postgres import Postgres
from gateway.cursors import feed_cursor, feed_position
from tests.controls import serving
from tests.controls.serving import Client, Stream
from tests.controls.waiting import until

ONE = '{ order(id: "1042") { id } }'
FOLLOW = """
subscription ($after: String) { orderEvents(after: $after) {
  ... on OrderEvent { cursor } ... on Gap { reason resumeAfter }
} }
"""
CUT = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1"
HOLD = 'mutation { holdOrder(input: {orderId: "1042", reason: CREDIT, idempotencyKey: "k"}) { id } }'


@pytest.fixture
async def own(data: Path) -> AsyncIterator[Postgres]:
    """A server of this test's, which it may kill."""
    server = Postgres(data, {"fsync": "off"})
    await server.start()
    await server.create_database("graph")
    await serving.create_graph(server.dsn("graph"))
    yield server
    await server.stop()


async def kill(server: Postgres) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await server.wait()
    await server.stop()


async def append(dsn: str, *orders: str) -> list[int]:
    db = await asyncpg.connect(dsn)
    try:
        return await serving.append(db, *orders)
    finally:
        await db.close()


async def cut(dsn: str, application: str) -> int:
    """How many connections were cut."""
    db = await asyncpg.connect(dsn)
    try:
        return len(await db.fetch(CUT, application))
    finally:
        await db.close()


async def positions(stream: Stream, count: int) -> list[int]:
    return [feed_position(event["cursor"]) for event in await stream.take(count)]


def ready(client: Client, status: int) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return (await client.http.get("/ready")).status_code == status

    return asked


async def test_a_postgres_that_dies_and_comes_back(own: Postgres, tmp_path: Path) -> None:
    async with serving.running(own.dsn("graph"), tmp_path) as client:
        await client.ask(ONE)
        async with client.subscribed(FOLLOW, after=feed_cursor(0)) as stream:
            assert await positions(stream, 3) == [1, 2, 3]
            await kill(own)
            await refused(client)
            await own.start()
            assert await append(own.dsn("graph"), "1042", "1043") == [4, 5]
            assert await positions(stream, 2) == [4, 5]
            await until(ready(client, 200))
            assert await client.ask(ONE) == {"order": {"id": "1042"}}
            await append(own.dsn("graph"), "1042")
            assert await positions(stream, 1) == [6]


async def refused(client: Client) -> None:
    for query in (ONE, "{ orders { nodes { id } } }", HOLD):
        answer = await client.post(query)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert "data" not in answer.json()
    async with client.subscribed(FOLLOW) as stream:
        message = await serving.receive(stream.socket)
        assert message["type"] == "error"
        assert [error["extensions"]["code"] for error in message["payload"]] == ["UNAVAILABLE"]
    await until(ready(client, 503))
    assert (await client.http.get("/health")).status_code == 200


async def test_a_gateway_that_starts_before_its_postgres(own: Postgres, tmp_path: Path) -> None:
    dsn = own.dsn("graph")
    await kill(own)
    async with serving.running(dsn, tmp_path) as client:
        await refused(client)
        await own.start()
        await until(ready(client, 200))
        assert await client.ask(ONE) == {"order": {"id": "1042"}}


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


async def test_a_listener_that_is_cut_again_and_again(client: Client, database: str) -> None:
    async with client.subscribed(FOLLOW, after=feed_cursor(3)) as stream:
        for n in range(4, 10):
            assert await cut(database, "milepost gateway feed") <= 1
            assert await append(database, "1042") == [n]
        assert await positions(stream, 6) == list(range(4, 10))


async def test_connections_that_are_cut_are_made_anew(client: Client, database: str) -> None:
    await asyncio.gather(*(client.ask(ONE) for _ in range(10)))
    assert await cut(database, "milepost gateway") >= 1

    async def answered() -> bool:
        return (await client.post(ONE)).status_code == 200

    await until(answered)


async def test_a_wake_up_that_is_lost_is_made_up_for(client: Client, database: str) -> None:
    """The feed grows and nobody says so: a slow look finds it."""
    async with client.subscribed(FOLLOW, after=feed_cursor(3)) as stream:
        db = await asyncpg.connect(database)
        await db.execute(SILENT)
        await db.close()
        assert await positions(stream, 1) == [4]


SILENT = """
with head as (update record.feed_head set position = 4)
insert into record.feed select (json_populate_record(f, '{"position": 4, "version": 9, "key": "silent"}')).*
from record.feed f where position = 3
"""


async def test_a_feed_that_starts_over_is_a_gap(client: Client, database: str) -> None:
    """Postgres was restored from an older backup: what one has seen is not there any more."""
    async with client.subscribed(FOLLOW, after=feed_cursor(3)) as stream:
        await append(database, "1042")
        assert await positions(stream, 1) == [4]
        db = await asyncpg.connect(database)
        await db.execute("delete from record.feed where position > 2")
        await db.execute("update record.feed_head set position = 2")
        await db.close()
        await cut(database, "milepost gateway feed")
        assert await stream.next() == {"reason": "CURSOR_UNKNOWN", "resumeAfter": feed_cursor(2)}
        await append(database, "1042")
        assert await positions(stream, 1) == [3]


async def test_a_statement_that_takes_too_long_is_ended(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database_settings(), "statement_timeout", "500ms")
    await serving.create_schemas(database)
    async with serving.running(database, tmp_path) as client:
        db = await asyncpg.connect(database)
        async with db.transaction():
            await db.execute("lock table graph.orders")
            answer = await client.post(ONE)
        await db.close()
        assert answer.status_code == 503

        async def answered() -> bool:
            """A machine may be so slow that even this takes too long."""
            return (await client.post(ONE)).status_code == 200

        await until(answered)


def database_settings() -> dict[str, str]:
    from gateway import database

    return database._SETTINGS

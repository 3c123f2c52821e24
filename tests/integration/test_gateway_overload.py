"""More requests than can be answered: refused at once, unread; and heads that never end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from gateway import protocol
from gateway.admission import BURST, RUNNING
from gateway.cursors import feed_cursor
from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.waiting import until

ONE = '{ order(id: "1042") { id } }'
POST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
BODY = b'{"query": "{ __typename }"}'
WHOLE = POST + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


async def answer(client: Client, *parts: bytes) -> bytes:
    """All that comes back until the server closes, or an answer is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        async with asyncio.timeout(serving.SECONDS):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            return await read(reader)
    finally:
        writer.close()


async def read(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(length)


async def test_what_has_no_room_is_refused_before_it_is_read(client: Client, database: str) -> None:
    """Overload: whoever asks, whatever it asks, and however it is sent."""
    assert client.server is not None
    gate = client.server.gateway.gate
    db = await asyncpg.connect(database)
    async with db.transaction():
        await db.execute("lock table graph.orders")
        asked = [asyncio.create_task(client.post(ONE)) for _ in range(BURST)]

        async def full() -> bool:
            return gate.full

        await until(full)
        for parts in (
            [WHOLE],
            [WHOLE[:40], WHOLE[40:]],
            [POST + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n0\r\n\r\n"],
            [POST + b"connection: close\r\ncontent-length: 1\r\n\r\n", b"x"],
            [b"GET /graphql?query={__typename} HTTP/1.1\r\nhost: x\r\n\r\n"],
        ):
            refused = await answer(client, *parts)
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 1\r\n" in refused
            assert refused.endswith(b'"code":"UNAVAILABLE"}}]}')
    await db.close()
    answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} <= {200, 503}
    assert sum(each.status_code == 200 for each in answers) >= 8
    assert (gate.here, gate.running) == (0, 0)
    assert await client.ask(ONE) == {"order": {"id": "1042"}}


async def test_a_connection_that_was_refused_is_served_when_there_is_room(client: Client) -> None:
    assert client.server is not None
    gate = client.server.gateway.gate
    authorized = WHOLE.replace(b"host: x", b"host: x\r\nauthorization: " + client.auth["authorization"].encode())
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    for room in (False, True, False, True):
        gate.here += 0 if room else BURST
        writer.write(authorized)
        assert (await read(reader)).startswith(b"HTTP/1.1 200" if room else b"HTTP/1.1 503")
        gate.here -= 0 if room else BURST
    writer.close()


async def test_a_read_that_waits_is_in_nobodys_way(client: Client) -> None:
    """More than may run at once wait for what is not there yet, and a query is answered all the same."""
    query = "query ($t: String) { order(id: 1042, after: $t, waitSeconds: 30) { id } }"
    server, waiting = client.server, list[asyncio.Task[httpx.Response]]()
    assert server is not None

    async def aside() -> bool:
        return len(server.server_state.tasks) >= len(waiting) and server.gateway.gate.running == 0

    for _ in range(4):  # as many at once as there is room for, however slow the machine
        waiting += [asyncio.create_task(client.post(query, t=feed_cursor(10**6))) for _ in range(10)]
        await until(aside)
    assert await client.ask(ONE) == {"order": {"id": "1042"}}
    for task in waiting:
        task.cancel()


async def test_what_has_no_room_is_refused_over_a_socket_too(client: Client) -> None:
    """Each operation for itself; a subscription that has begun is in nobody's way, and goes on."""
    assert client.server is not None
    gate = client.server.gateway.gate
    following = "subscription { orderEvents { ... on OrderEvent { orderId } } }"

    async def begun() -> bool:
        return client.server is not None and client.server.gateway.parts.feed.subscribers == 1

    async def idle() -> bool:
        return (gate.here, gate.running) == (0, 0)

    async with client.subscribed(following) as stream:
        await until(begun)
        await until(idle)
        gate.here += BURST
        for query in (ONE, following):
            await serving.send(stream.socket, type="subscribe", id="2", payload={"query": query})
            refused = await serving.receive(stream.socket)
            assert (refused["type"], refused["id"]) == ("error", "2")
            assert [error["extensions"] for error in refused["payload"]] == [{"code": "UNAVAILABLE"}]
        await serving.append_to(client, "1042")
        assert await stream.next() == {"orderId": "1042"}
        gate.here -= BURST
        await serving.send(stream.socket, type="subscribe", id="2", payload={"query": ONE})
        assert (await serving.receive(stream.socket))["payload"]["data"] == {"order": {"id": "1042"}}
        assert (await serving.receive(stream.socket))["type"] == "complete"
        await until(idle)
        waiting = "query ($t: String) { order(id: 1042, after: $t, waitSeconds: 30) { id } }"
        payload = {"query": waiting, "variables": {"t": feed_cursor(10**6)}}
        await serving.send(stream.socket, type="subscribe", id="3", payload=payload)
        await serving.send(stream.socket, type="complete", id="3")
    await until(idle)


async def test_operations_of_sockets_take_turns_with_requests(client: Client, database: str) -> None:
    """No more of them run at once than of requests; those that do not get their turn in time are refused."""
    assert client.server is not None
    gate = client.server.gateway.gate
    db = await asyncpg.connect(database)
    async with client.socket() as socket:
        await serving.send(socket, type="connection_init", payload=client.auth)
        await serving.receive(socket)
        async with db.transaction():
            await db.execute("lock table graph.orders")
            for n in range(BURST + 1):
                await serving.send(socket, type="subscribe", id=str(n), payload={"query": ONE})
            refused = await serving.receive(socket)
            assert refused["type"] == "error"
            assert gate.running == RUNNING

        async def over() -> bool:
            return (gate.here, gate.running) == (0, 0)

        await until(over)
    await db.close()


async def test_a_head_that_does_not_end_is_closed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """S16: a slow loris, at each point where it may stop."""
    monkeypatch.setattr(protocol, "WHOLE_WITHIN", 0.2)
    for part in (b"", POST[:30], POST, WHOLE[:-1]):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(part)
        async with asyncio.timeout(serving.SECONDS):
            await reader.read()
        writer.close()
    monkeypatch.undo()
    assert await client.ask(ONE) == {"order": {"id": "1042"}}


@pytest.mark.parametrize(
    "parts",
    [
        [POST + b"x-big: " + b"a" * 100_000 + b"\r\n\r\n"],
        [POST + b"x-big: " + b"a" * 50_000, b"a" * 50_000],
        [b"GET /graphql?query=" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"],
        [POST + b"host: y\r\ncontent-length: 0\r\n\r\n"],
        [POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
        [POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\n"],
        [POST + b"content-length: -1\r\n\r\n"],
        [POST.replace(b"host", b"ho st") + b"\r\n"],
    ],
    ids=["header", "header in parts", "url", "hosts", "lengths and chunks", "lengths", "negative", "name"],
)
async def test_a_head_that_is_none_is_refused(client: Client, parts: list[bytes]) -> None:
    """S16: too large, or to be read in two ways."""
    assert (await answer(client, *parts)).startswith(b"HTTP/1.1 400 ")
    assert await client.ask(ONE) == {"order": {"id": "1042"}}

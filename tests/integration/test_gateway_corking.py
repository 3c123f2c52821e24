"""Heads and bodies over a real connection, in one write or in two."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn

from gateway.asgi import Receive, Scope, Send
from gateway.corking import CorkedProtocol
from gateway.server import listen
from tests.controls.waiting import until

HEADERS = [(b"content-length", b"4")]
SECONDS = 60
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class App:
    """Answers `body`; of /slow only when it is told."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        if scope["path"] == "/slow":
            await self.go_on.wait()
        await send({"type": "http.response.body", "body": b"body"})


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def client(app: App) -> AsyncIterator[Client]:
    server = uvicorn.Server(uvicorn.Config(app, http=CorkedProtocol, lifespan="off", log_config=None))
    listener = listen("127.0.0.1", 0)
    task = asyncio.create_task(server.serve(sockets=[listener]))

    async def started() -> bool:
        return server.started

    async with asyncio.timeout(SECONDS):
        await until(started)
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
    yield reader, writer
    writer.close()
    server.should_exit = server.force_exit = True
    await task


async def ask(client: Client, *lines: str) -> bytes:
    """The head of the answer to the last one."""
    client[1].write("".join(f"{line} HTTP/1.1\r\nhost: x\r\n\r\n" for line in lines).encode())
    return await head(client)


async def head(client: Client) -> bytes:
    async with asyncio.timeout(SECONDS):
        return await client[0].readuntil(b"\r\n\r\n")


async def body(client: Client) -> bytes:
    async with asyncio.timeout(SECONDS):
        return await client[0].readexactly(4)


async def test_a_body_follows_its_head(client: Client) -> None:
    for _ in range(3):
        assert (await ask(client, "GET /")).startswith(b"HTTP/1.1 200 ")
        assert await body(client) == b"body"


async def test_a_head_does_not_wait_for_a_slow_body(client: Client, app: App) -> None:
    assert (await ask(client, "GET /slow")).startswith(b"HTTP/1.1 200 ")
    app.go_on.set()
    assert await body(client) == b"body"


async def test_a_head_alone_is_sent(client: Client) -> None:
    assert (await ask(client, "HEAD /")).startswith(b"HTTP/1.1 200 ")


async def test_answers_come_in_the_order_of_requests(client: Client) -> None:
    assert (await ask(client, "GET /", "HEAD /", "GET /")).startswith(b"HTTP/1.1 200 ")
    assert await body(client) == b"body"
    for _ in range(2):
        assert (await head(client)).startswith(b"HTTP/1.1 200 ")
    assert await body(client) == b"body"

"""A socket that several processes share."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.accepting import accept
from gateway.server import listen


class Taken(asyncio.Protocol):
    """Counts the connections of one process."""

    def __init__(self, count: Callable[[], None]) -> None:
        self._count = count

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._count()
        transport.close()


@pytest.fixture
async def listener() -> AsyncIterator[socket.socket]:
    with listen("127.0.0.1", 0) as found:
        found.listen()
        yield found


async def test_who_holds_fewer_takes_the_next(listener: socket.socket) -> None:
    taken: list[str] = []
    holds = {"busy": 50, "idle": 0}
    accepting = [
        asyncio.create_task(accept(listener, lambda n=name: holds[n], lambda n=name: Taken(lambda: taken.append(n))))
        for name in holds
    ]
    for _ in range(5):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await reader.read()
        writer.close()
    assert taken == ["idle"] * 5
    for task in accepting:
        task.cancel()


async def test_many_at_once_are_all_taken(listener: socket.socket) -> None:
    taken: list[None] = []
    accepting = asyncio.create_task(accept(listener, lambda: len(taken), lambda: Taken(lambda: taken.append(None))))
    ends = await asyncio.gather(*(asyncio.open_connection(*listener.getsockname()) for _ in range(80)))
    for reader, writer in ends:
        await reader.read()
        writer.close()
    assert len(taken) == 80
    accepting.cancel()

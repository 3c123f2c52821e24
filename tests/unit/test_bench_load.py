"""The load generator, against servers of real sockets."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load import Job, Load, Result, whole

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"data":{}}'
WRONG = b'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{"errors":[{}]'
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\nno"
CLOSED = b""


@asynccontextmanager
async def serving(replies: Iterator[bytes], asked: list[bytes]) -> AsyncIterator[int]:
    """Answers the requests, whatever the connection, with one reply after the other, in two pieces each."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while head := await head_of(reader):
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                asked.append(await reader.readexactly(length))
                reply = next(replies)
                if reply == CLOSED:
                    return
                for piece in (reply[:30], reply[30:]):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def head_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def load(
    replies: Iterator[bytes],
    asked: list[bytes],
    *,
    connections: int = 4,
    rate: float | None = None,
    before: float | None = None,
) -> Result:
    async with serving(replies, asked) as port:
        job = Job(port, "/graphql", "none", ["one", "two"], 0.3, connections, rate, before)
        return await asyncio.to_thread(lambda: Load(job).run())


async def test_each_request_is_counted_once() -> None:
    asked: list[bytes] = []
    found = await load(itertools.repeat(OK), asked)
    assert found.answers == len(asked) > 4
    assert (found.refused, found.failed, found.unsent) == (0, 0, 0)
    assert 0 < found.took.p50 <= found.took.p99
    assert set(asked) == {b"one", b"two"}


async def test_what_is_refused_or_fails_is_told_apart() -> None:
    asked: list[bytes] = []
    found = await load(itertools.cycle([OK, BUSY, BROKEN, WRONG]), asked)
    assert found.answers + found.refused + found.failed == len(asked)
    assert abs(found.failed - 2 * found.refused) <= 2
    assert abs(found.answers - found.refused) <= 1
    assert found.refusals.p99 > 0


async def test_a_connection_that_the_server_closes_fails_once_and_is_made_anew() -> None:
    asked: list[bytes] = []
    found = await load(itertools.chain([CLOSED] * 3, itertools.repeat(OK)), asked)
    assert found.failed == 3
    assert found.answers == len(asked) - 3 > 4


async def test_an_open_loop_asks_when_it_is_due() -> None:
    asked: list[bytes] = []
    found = await load(itertools.repeat(OK), asked, rate=100)
    assert found.answers + found.unsent == 30
    assert len(asked) == found.answers


async def test_an_open_loop_tells_what_it_could_not_send() -> None:
    """More is due than one connection can carry."""
    found = await load(itertools.repeat(OK), [], connections=1, rate=1_000_000)
    assert found.unsent > 0
    assert found.answers + found.unsent == 300_000
    assert found.took.p50 >= found.late.p50 > 0


async def test_what_is_asked_before_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.load.LEAD", 0.2)
    asked: list[bytes] = []
    found = await load(itertools.chain([BUSY] * 5, itertools.repeat(OK)), asked, rate=100, before=50)
    assert (found.answers + found.unsent, found.refused) == (30, 0)
    assert found.asked == len(asked) > found.answers


@given(st.binary(max_size=50))
def test_an_answer_is_whole_at_its_last_byte(body: bytes) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length:%d\r\n\r\n" % len(body) + body
    assert [whole(reply[:end]) for end in range(len(reply))] == [None] * len(reply)
    assert whole(reply) == 200


def test_an_answer_must_say_its_length() -> None:
    with pytest.raises(ValueError, match="content-length"):
        whole(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")

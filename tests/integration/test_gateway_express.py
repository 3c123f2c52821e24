"""The short way answers as the ordinary one, however the bytes of a request arrive."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest

from gateway.auth import Principal, Role
from gateway.express import Express
from gateway.protocol import Protocol
from projections.revisions import move_on
from tests.controls import serving
from tests.controls.serving import SECONDS, Client
from tests.controls.waiting import until

ONE = '{ order(id: "1042") { id number shipments { id milestone } } }'
ENTITY = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Order { id } } }"
FOUND = {"of": [{"__typename": "Order", "id": "1042"}]}
UNKNOWN = {"of": [{"__typename": "Order", "id": "1042"}, {"__typename": "Order", "id": "9"}]}
ORDINARY = b"te: trailers\r\n"
"""A field that changes nothing, but sends a request the ordinary way."""


class Answer(NamedTuple):
    """`fields` without the date."""

    status: bytes
    fields: dict[bytes, bytes]
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        """Without what moves on with time."""
        found: dict[str, Any] = json.loads(self.body)
        found.get("extensions", {}).get("cost", {}).pop("throttle", None)
        return found


class Connection:
    """Of one client, who sends just these bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: bytes) -> None:
        self.reader, self.writer, self.token = reader, writer, token

    def request(self, query: str, variables: object = None, more: bytes = b"") -> bytes:
        body = json.dumps({"query": query, "variables": variables}).encode()
        return (
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: %b\r\n%b"
            b"content-length: %d\r\n\r\n%b" % (self.token, more, len(body), body)
        )

    async def ask(self, *pieces: bytes) -> Answer:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
        return await self.answer()

    async def answer(self) -> Answer:
        async with asyncio.timeout(SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, *lines = head.strip().split(b"\r\n")
            fields = dict(line.split(b": ", 1) for line in lines)
            fields.pop(b"date", None)
            body = await self.reader.readexactly(int(fields[b"content-length"]))
        return Answer(status, fields, body)


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        await client.ask("{ __typename }")  # the token is known from here on
        yield client


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    try:
        yield Connection(reader, writer, client.auth["authorization"].encode())
    finally:
        writer.close()


def protocols(client: Client) -> list[Protocol]:
    assert client.server is not None
    return [each for each in client.server.server_state.connections if isinstance(each, Protocol)]


def shortly(client: Client) -> int:
    """Connections on which nothing took the ordinary way."""
    return sum(each.cycle is None for each in protocols(client))


@pytest.mark.parametrize("more", [b"", b"accept: application/graphql-response+json\r\n", b"accept-encoding: gzip\r\n"])
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (ONE, None),
        ('{ order(id: "none") { id } }', None),
        ('{ a: order(id: "1042") { ...F } } fragment F on Order { lines { line product { description } } }', None),
        (ENTITY, FOUND),
        ("{ orders(first: 2) { totalCount nodes { number charges { kind } } } }", None),
    ],
)
async def test_both_ways_answer_the_same(client: Client, query: str, variables: object, more: bytes) -> None:
    async with connected(client) as short, connected(client) as ordinary:
        for _ in range(4):  # first, and then from what is kept
            expected = await ordinary.ask(ordinary.request(query, variables, more + ORDINARY))
            found = await short.ask(short.request(query, variables, more))
            if b"content-encoding" in found.fields:
                assert found.fields.keys() == expected.fields.keys()
                continue
            assert (found.status, found.content) == (expected.status, expected.content)
            assert found.fields == expected.fields
        assert shortly(client) == 1


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{", None),
        ("{ order { id } }", None),
        ("{ nothing }", None),
        ("", None),
        (ENTITY, UNKNOWN),
        (ENTITY, {}),
        (ONE, 1),
    ],
)
async def test_what_is_wrong_is_said_by_the_ordinary_way(client: Client, query: str, variables: object) -> None:
    async with connected(client) as short, connected(client) as ordinary:
        for _ in range(2):
            expected = await ordinary.ask(ordinary.request(query, variables, ORDINARY))
            found = await short.ask(short.request(query, variables))
            assert (found.status, found.content) == (expected.status, expected.content)
        assert shortly(client) == 0


async def test_a_request_may_come_in_pieces(client: Client) -> None:
    async with connected(client) as connection:
        whole = connection.request(ONE)
        expected = (await connection.ask(whole)).content
        head = whole.index(b"\r\n\r\n") + 4
        for cuts in ([head], [head, head + 10], [20], [20, head], [head - 2, head + 1], [len(whole) - 1]):
            pieces = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
            assert (await connection.ask(*pieces)).content == expected


async def test_requests_at_once_are_answered_in_order(client: Client) -> None:
    async with connected(client) as connection:
        queries = [f'{{ n{n}: order(id: "1042") {{ id }} }}' for n in range(6)]
        for _ in range(3):
            connection.writer.write(b"".join(connection.request(query) for query in queries))
            for n in range(6):
                assert (await connection.answer()).content["data"] == {f"n{n}": {"id": "1042"}}


async def test_the_next_request_waits_for_the_answer(client: Client, dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    async with connected(client) as connection:
        async with db.transaction():
            await db.execute("lock table graph.orders")
            connection.writer.write(connection.request(ONE))
            await until(lambda: riding(client, 1))
            for n in range(3):
                connection.writer.write(connection.request(f"{{ n{n}: __typename }}"))
            await connection.writer.drain()
        assert (await connection.answer()).content["data"]["order"]["id"] == "1042"
        for n in range(3):
            assert (await connection.answer()).content["data"] == {f"n{n}": "Query"}
    await until(lambda: riding(client, 0))
    await db.close()


async def riding(client: Client, count: int) -> bool:
    assert client.server is not None
    return client.server.gateway.gate.here == count


async def test_heads_that_are_remembered_are_bounded(client: Client) -> None:
    assert client.server is not None
    express = client.server.gateway.express()
    assert isinstance(express, Express)
    async with connected(client) as connection:
        for n in range(30):
            await connection.ask(connection.request(ONE, more=b"x-%d: y\r\n" % n))
        before = len(express._heads)
        await connection.ask(connection.request(ONE, more=b"x: " + b"y" * 5000 + b"\r\n"))
        assert len(express._heads) == before >= 30


async def test_what_has_changed_is_read_anew(client: Client, dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    query = '{ order(id: "1042") { customerPo } }'
    async with connected(client) as connection:
        for n in range(4):
            await db.execute("update graph.orders set customer_po = $1 where id = '1042'", f"PO-{n}")
            await move_on(db, {"order/1042"})
            for _ in range(3):
                answer = await connection.ask(connection.request(query))
                assert answer.content["data"] == {"order": {"customerPo": f"PO-{n}"}}
        assert shortly(client) == 1
    await db.close()


async def test_who_has_no_turn_pays_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.server is not None
    gate, throttle = client.server.gateway.gate, client.server.gateway.parts.express._throttle
    lease = throttle.lease(Principal("ann@example.com", Role.OPERATIONS, 0))
    monkeypatch.setattr(gate, "_patience", 0)
    async with connected(client) as connection:
        await connection.ask(connection.request("{ __typename }"))  # it has points at hand from here on
        before = lease.points
        monkeypatch.setattr(gate, "running", 1000)
        assert (await connection.ask(connection.request(ONE))).status == b"HTTP/1.1 503 Service Unavailable"
        assert lease.points == before
        assert shortly(client) == 1

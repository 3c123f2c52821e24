"""WebSockets: graphql-transport-ws and nothing else; who may in, and when it is over."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import OKPAlgorithm
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from gateway.auth import Trust, new_key_pair
from gateway.database import Snapshot
from gateway.sockets import MAX_MESSAGE, MAX_OPERATIONS
from tests.controls import serving
from tests.controls.serving import PUBLIC_KEY, Client
from tests.controls.strangers import AUTHORIZATIONS
from tests.controls.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYTHING = "subscription { orderEvents { __typename } }"


async def closed(socket: ClientConnection) -> int | None:
    """The code that it is closed with."""
    async with asyncio.timeout(serving.SECONDS):
        await socket.wait_closed()
    return socket.close_code


async def greet(client: Client, socket: ClientConnection) -> None:
    await serving.send(socket, type="connection_init", payload=client.auth)
    assert await serving.receive(socket) == {"type": "connection_ack"}


def subscribe(query: str = EVERYTHING, key: str = "1") -> dict[str, Any]:
    return {"type": "subscribe", "id": key, "payload": {"query": query}}


async def test_a_query_over_a_socket(client: Client) -> None:
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, **subscribe('{ order(id: "1042") { id } }'))
        answer = await serving.receive(socket)
        assert (answer["type"], answer["id"]) == ("next", "1")
        assert answer["payload"]["data"] == {"order": {"id": "1042"}}
        assert await serving.receive(socket) == {"type": "complete", "id": "1"}


async def test_each_operation_reads_anew(client: Client) -> None:
    """Nothing that one has loaded is shown to the next."""
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, **subscribe('{ order(id: "1043") { version } }', "1"))
        assert (await serving.receive(socket))["payload"]["data"] == {"order": {"version": 1}}
        await serving.receive(socket)
        await serving.append_to(client, "1043")
        await serving.send(socket, **subscribe('{ order(id: "1043") { version } }', "2"))
        assert (await serving.receive(socket))["payload"]["data"] == {"order": {"version": 2}}


async def test_ping_is_answered(client: Client) -> None:
    async with client.socket() as socket:
        await serving.send(socket, type="ping")
        assert await serving.receive(socket) == {"type": "pong"}
        await serving.send(socket, type="pong")
        await greet(client, socket)


@pytest.mark.parametrize("protocols", [None, [Subprotocol("graphql-ws")]])
async def test_another_protocol_is_not_spoken(client: Client, protocols: list[Subprotocol] | None) -> None:
    """S21: nor is the legacy one, which would start before it is greeted."""
    async with client.socket(subprotocols=protocols) as socket:
        assert await closed(socket) == 4406


async def test_a_page_of_another_origin_is_refused(client: Client) -> None:
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{client.port}.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            async with client.socket(origin=Origin(origin)):
                pass
        assert refused.value.response.status_code == 403
    async with client.socket(origin=Origin(f"http://127.0.0.1:{client.port}")) as socket:
        await greet(client, socket)


async def test_another_path_is_refused(client: Client) -> None:
    with pytest.raises(InvalidStatus):
        async with client.socket("/other"):
            pass


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"authorization": None},
        {"authorization": ["Bearer x"]},
        *({"authorization": each} for each in AUTHORIZATIONS.values()),
        {"authorization": f"Bearer {serving.token()}", "Authorization": f"Bearer {serving.token()}"},
        {"token": serving.token()},
    ],
)
async def test_a_stranger_is_shut_out(client: Client, payload: dict[str, Any] | None) -> None:
    async with client.socket() as socket:
        more = {} if payload is None else {"payload": payload}
        await serving.send(socket, type="connection_init", **more)
        assert await closed(socket) == 4403


async def test_the_handshake_s_header_is_not_the_connection_s_token(client: Client) -> None:
    async with client.socket(additional_headers=client.auth) as socket:
        await serving.send(socket, **subscribe())
        assert await closed(socket) == 4401


async def test_nothing_is_followed_before_the_greeting(client: Client) -> None:
    """S22, as the four tests after it."""
    async with client.socket() as socket:
        await serving.send(socket, **subscribe())
        assert await closed(socket) == 4401


async def test_one_greets_once(client: Client) -> None:
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, type="connection_init", payload=client.auth)
        assert await closed(socket) == 4429


async def test_who_does_not_greet_in_time_is_shut_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    init = BaseGraphQLTransportWSHandler.__init__

    def hurried(self: Any, *args: Any, **more: Any) -> None:
        init(self, *args, **more | {"connection_init_wait_timeout": timedelta(milliseconds=50)})

    monkeypatch.setattr(BaseGraphQLTransportWSHandler, "__init__", hurried)
    async with client.socket() as socket:
        assert await closed(socket) == 4408


async def test_a_name_is_given_once(client: Client) -> None:
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, **subscribe())
        await serving.send(socket, **subscribe())
        assert await closed(socket) == 4409


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"ping"',
        "{}",
        '{"type": "start"}',
        '{"type": ["ping"]}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": {}, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "connection_init", "payload": 5}',
        b"\x00",
        "[" * 50_000,
    ],
    ids=lambda frame: str(frame)[:40],
)
async def test_what_is_no_message_ends_it(client: Client, frame: str | bytes) -> None:
    async with client.socket() as socket:
        if b"connection_init" not in (frame if isinstance(frame, bytes) else frame.encode()):
            await greet(client, socket)
        await socket.send(frame)
        assert await closed(socket) == 4400


async def test_a_huge_message_ends_it(client: Client) -> None:
    async with client.socket() as socket:
        await socket.send("x" * (MAX_MESSAGE + 1))
        assert await closed(socket) == 1009


async def followed_by(client: Client, count: int) -> None:
    """Waits until the gateway has so many subscribers."""
    assert client.server is not None
    feed = client.server.gateway.parts.feed

    async def reached() -> bool:
        return feed.subscribers == count

    await until(reached)


async def test_so_many_operations_at_a_time(client: Client) -> None:
    await followed_by(client, 0)
    async with client.socket() as socket:
        await greet(client, socket)
        for n in range(MAX_OPERATIONS):
            await serving.send(socket, **subscribe(key=str(n)))
            if n % 10 == 9:  # fewer at once than there is room for, however slow the machine
                await followed_by(client, n + 1)
        await serving.send(socket, **subscribe(key=str(MAX_OPERATIONS)))
        refused = await serving.receive(socket)
        assert (refused["type"], refused["id"]) == ("error", str(MAX_OPERATIONS))


async def test_the_token_s_end_is_the_socket_s(client: Client) -> None:
    """S25."""
    async with client.socket() as socket:
        payload = {"authorization": f"Bearer {serving.token(lifetime=1)}"}
        await serving.send(socket, type="connection_init", payload=payload)
        await serving.send(socket, **subscribe())
        assert await closed(socket) == 4403


async def test_a_token_whose_key_is_withdrawn_loses_its_socket(
    shared_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S25: one that does nothing but listen, too."""
    monkeypatch.setattr("gateway.auth.BELIEVED", 0.05)
    monkeypatch.setattr("gateway.sockets.BELIEVED", 0.05)
    with published_keys(PUBLIC_KEY) as (url, withdraw):
        monkeypatch.setattr("gateway.keys.FRESH", 0.05)
        monkeypatch.setattr("gateway.keys.AGAIN", 0.05)
        async with serving.running(shared_dsn, tmp_path, Trust(jwks=url)) as client, client.socket() as socket:
            await greet(client, socket)
            await serving.send(socket, **subscribe())
            withdraw()
            assert await closed(socket) == 4403
            async with client.socket() as another:
                await serving.send(another, type="connection_init", payload=client.auth)
                assert await closed(another) in (4403, 1013)


@contextmanager
def published_keys(pem: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """The URL of a JWKS with this key, and what puts another key in its place."""
    keys = [pem]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            found = OKPAlgorithm.to_jwk(load_pem_public_key(keys[-1].encode()), as_dict=True)
            self.wfile.write(json.dumps({"keys": [found]}).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json", lambda: keys.append(new_key_pair()[1])
        server.shutdown()


async def test_an_end_of_either_side_leaves_nothing(client: Client) -> None:
    await followed_by(client, 0)
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, **subscribe(key="a"))
        await serving.send(socket, **subscribe(key="b"))
        await followed_by(client, 2)
        await serving.send(socket, type="complete", id="a")
        await followed_by(client, 1)
        await serving.send(socket, **subscribe(key="a"))
        await followed_by(client, 2)
    await followed_by(client, 0)


@pytest.mark.parametrize("query", ["{", "{ nothing }", "subscription { orderEvents }", "subscription A { a }"])
async def test_a_document_that_does_not_fit_ends_its_operation_only(client: Client, query: str) -> None:
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, **subscribe(query))
        error = await serving.receive(socket)
        assert (error["type"], error["id"]) == ("error", "1")
        assert error["payload"][0]["extensions"] == {"code": "BAD_REQUEST"}
        await serving.send(socket, **subscribe("{ __typename }"))
        assert (await serving.receive(socket))["type"] == "next"


async def test_errors_are_masked_here_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("password")

    monkeypatch.setattr(Snapshot, "fetch", fail)
    query = '{ order(id: "1042") { id } }'
    async with client.socket() as socket:
        await greet(client, socket)
        await serving.send(socket, **subscribe(query))
        answer = json.dumps(await serving.receive(socket))
        assert "internal error" in answer
        assert "KeyError" not in answer
        assert "password" not in answer

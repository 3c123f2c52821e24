"""The board against a gateway that speaks HTTP and graphql-transport-ws, goes away, and comes back."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import pytest
import uvicorn
from rich.console import Console

from demo import watching
from demo.board import BoardState
from demo.client import Client, GraphQLError
from demo.watching import Watcher, watch
from tests.unit.test_story_board import OVERVIEW_DATA, event_data

TOKEN = "a-token"  # noqa: S105
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Eventually = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]


@dataclass
class GatewayTwin:
    """Answers every query with the same data, every subscription with the events behind its cursor.

    `drops` lines break after one event each; `pings` is how often the client answered a ping.
    """

    last: int = 3
    drops: int = 0
    pings: int = 0
    asked_after: list[str | None] = field(default_factory=list)
    errors: list[dict[str, str]] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await {"http": self._answer, "websocket": self._serve}[scope["type"]](scope, receive, send)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        allowed = dict(scope["headers"]).get(b"authorization") == f"Bearer {TOKEN}".encode()
        data = {"errors": self.errors} if self.errors else {"data": OVERVIEW_DATA}
        body = data if allowed else {"errors": [{"message": "who are you?"}]}
        status = 200 if allowed else 401
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        init = json.loads((await receive())["text"])
        if init["payload"] != {"authorization": f"Bearer {TOKEN}"}:
            return await send({"type": "websocket.close", "code": 4403})
        await _say(send, {"type": "connection_ack"})
        await self._subscribed(json.loads((await receive())["text"]), receive, send)
        return None

    async def _subscribed(self, subscribe: Message, receive: Receive, send: Send) -> None:
        after = subscribe["payload"]["variables"].get("after")
        self.asked_after.append(after)
        await _say(send, {"type": "ping"})
        self.pings += json.loads((await receive())["text"])["type"] == "pong"
        for number in range(int(after[1:]) + 1 if after else 1, self.last + 1):
            await _say(send, {"id": subscribe["id"], "type": "next", "payload": {"data": event_data(number)}})
            if self.drops:
                self.drops -= 1
                return await send({"type": "websocket.close", "code": 1011})
        await _say(send, {"id": subscribe["id"], "type": "complete"})
        return None


async def _say(send: Send, message: Message) -> None:
    await send({"type": "websocket.send", "text": json.dumps(message)})


@asynccontextmanager
async def serving(twin: GatewayTwin) -> AsyncIterator[str]:
    """The URL of the twin, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(twin, lifespan="off", log_level="warning"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "RETRY", 0.0)


async def test_a_query_is_answered() -> None:
    async with serving(GatewayTwin()) as url:
        assert await Client(url, TOKEN).ask("query { x }") == OVERVIEW_DATA


async def test_a_wrong_token_is_an_error_on_both_ways() -> None:
    async with serving(GatewayTwin()) as url:
        with pytest.raises(GraphQLError, match="who are you"):
            await Client(url, "wrong").ask("query { x }")
        with pytest.raises(watching.FAILURES):
            await anext(Client(url, "wrong").follow("subscription { x }"))


async def test_a_subscription_is_followed_to_its_end() -> None:
    twin = GatewayTwin()
    async with serving(twin) as url:
        results = [data async for data in Client(url, TOKEN).follow("subscription { x }")]
    assert results == [event_data(number) for number in (1, 2, 3)]
    assert twin.pings == 1


async def test_a_broken_line_is_taken_up_behind_the_last_event(eventually: Eventually) -> None:
    twin = GatewayTwin(last=6, drops=3)
    async with serving(twin) as url:
        watcher = Watcher(Client(url, TOKEN), BoardState())
        async with running(watcher.follow()):
            await eventually(lambda: _is(watcher.state.cursor == "c6"))
    assert [event.cursor for event in watcher.state.events] == ["c6", "c5", "c4", "c3", "c2", "c1"]
    assert twin.asked_after[:4] == [None, "c1", "c2", "c3"]


async def test_what_is_wrong_is_shown_until_it_is_mended(eventually: Eventually) -> None:
    twin = GatewayTwin(errors=[{"message": "the graph is away"}])
    async with serving(twin) as url:
        watcher = Watcher(Client(url, TOKEN), BoardState())
        async with running(watcher.poll(0.0, lambda: None)):
            await eventually(lambda: _is(watcher.state.trouble == "the graph is away"))
            twin.errors = None
            await eventually(lambda: _is(watcher.state.trouble is None))
    assert watcher.state.overview.display[0].count == 1200


async def test_nobody_there_is_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
    watcher, drawn = Watcher(Client(url, TOKEN), BoardState()), asyncio.Event()
    async with running(watcher.poll(0.0, drawn.set)):
        await asyncio.wait_for(drawn.wait(), 60)
    assert watcher.state.trouble


async def test_the_board_is_drawn_as_it_moves(eventually: Eventually) -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    async with (
        serving(GatewayTwin()) as url,
        running(watch(url, TOKEN, console=console, title="Corvane", refresh=0.01)),
    ):
        await eventually(lambda: _is("3 events" in out.getvalue() and "1,203 orders" in out.getvalue()))
    assert "Corvane" in out.getvalue()


async def _is(condition: bool) -> bool:
    return condition

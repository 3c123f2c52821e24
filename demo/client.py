"""A small client of the public GraphQL API: queries over HTTP, subscriptions over graphql-transport-ws."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


class GraphQLError(Exception):
    """The API answered with errors; the message holds theirs."""


@dataclass(frozen=True, slots=True)
class Client:
    """`url` is that of the GraphQL endpoint, http or https; `timeout` in seconds, of one query."""

    url: str
    token: str = field(repr=False)
    timeout: float = 10.0

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of a query. Raises GraphQLError, and OSError when nobody answers."""
        body = msgspec.json.encode({"query": document, "variables": variables or {}})
        return _data(msgspec.json.decode(await asyncio.to_thread(self._post, body)))

    async def follow(self, document: str, variables: Mapping[str, Any] | None = None) -> AsyncIterator[Any]:
        """The data of each result of a subscription, until the API completes it.

        Raises GraphQLError, OSError, and websockets' ConnectionClosed when the line breaks.
        """
        async with connect(self.url.replace("http", "ws", 1), subprotocols=[PROTOCOL], max_size=None) as socket:
            await self._open(socket)
            payload = {"query": document, "variables": variables or {}}
            await _send(socket, {"id": "1", "type": "subscribe", "payload": payload})
            async for result in _results(socket):
                yield result

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        try:
            with urlopen(Request(self.url, body, headers), timeout=self.timeout) as answer:  # noqa: S310 (the caller's own URL)
                return bytes(answer.read())
        except HTTPError as error:
            # GraphQL over HTTP puts its errors in the body, whatever the status
            return error.read() or msgspec.json.encode({"errors": [{"message": str(error)}]})

    async def _open(self, socket: ClientConnection) -> None:
        await _send(socket, {"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}})
        answer = msgspec.json.decode(await socket.recv())
        if answer["type"] != "connection_ack":
            raise GraphQLError(f"instead of connection_ack came {answer['type']}")


async def _results(socket: ClientConnection) -> AsyncIterator[Any]:
    async for frame in socket:
        message = msgspec.json.decode(frame)
        match message["type"]:
            case "next":
                yield _data(message["payload"])
            case "error":
                raise GraphQLError(_said(message["payload"]))
            case "complete":
                return
            case "ping":
                await _send(socket, {"type": "pong"})


async def _send(socket: ClientConnection, message: Mapping[str, Any]) -> None:
    await socket.send(msgspec.json.encode(message).decode())


def _data(answer: Any) -> Any:
    if answer.get("errors"):
        raise GraphQLError(_said(answer["errors"]))
    return answer["data"]


def _said(errors: Any) -> str:
    return "; ".join(error["message"] for error in errors)

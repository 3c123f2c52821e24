"""GraphQL over WebSocket: the protocol graphql-transport-ws, spoken by Strawberry over plain ASGI."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

import msgspec
from graphql import GraphQLError
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.async_base_view import AsyncBaseHTTPView, AsyncWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.http.websocket_origin import is_same_origin
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message as ProtocolMessage
from strawberry.subscriptions.protocols.graphql_transport_ws.types import SubscribeMessage
from strawberry.types.unset import UNSET

from gateway.admission import TOLD, BusyError, Gate
from gateway.asgi import Receive, Scope, Send, header
from gateway.auth import BELIEVED, Principal, TokenCheck
from gateway.context import Context
from gateway.cost import REFUSED
from gateway.documents import Documents
from gateway.errors import UnauthenticatedError
from gateway.schema import GatewaySchema
from gateway.throttle import Lease
from orders.errors import MilepostError, TransientError

MAX_MESSAGE = 256 * 1024
"""Bytes."""

MAX_OPERATIONS = 100
"""On one socket at a time."""


@dataclass(frozen=True)
class SocketView:
    """Serves one WebSocket until either side closes it."""

    schema: GatewaySchema
    tokens: TokenCheck
    documents: Documents
    context: Context
    gate: Gate
    origins: Collection[str] = ()
    init_timeout: float = 10.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if not self._is_welcome(scope):
            await send({"type": "websocket.close", "code": 1008})
        elif GRAPHQL_TRANSPORT_WS_PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
        else:
            await send({"type": "websocket.accept", "subprotocol": GRAPHQL_TRANSPORT_WS_PROTOCOL})
            await self._serve(Socket(receive, send))

    def _is_welcome(self, scope: Scope) -> bool:
        """Programs send no origin; a page is of ours, or of one that is named."""
        origin = header(scope, b"origin")
        return origin is None or origin in self.origins or is_same_origin(origin, header(scope, b"host"))

    async def _serve(self, socket: "Socket") -> None:
        handler = _Handler(
            view=cast("AsyncBaseHTTPView[Any, Any, Any, Any, Any, Context, None]", _Door(self.tokens, socket)),
            websocket=socket,
            context=self.context.fork(),
            root_value=None,
            schema=self.schema,
            connection_init_wait_timeout=timedelta(seconds=self.init_timeout),
            max_subscriptions_per_connection=MAX_OPERATIONS,
        )
        handler.documents, handler.gate = self.documents, self.gate
        try:
            await handler.handle()
        finally:
            socket.forget()


class _Handler(BaseGraphQLTransportWSHandler[Context, None]):
    documents: Documents
    gate: Gate

    async def handle_message(self, message: ProtocolMessage) -> None:
        try:
            await super().handle_message(message)
        except (TypeError, AttributeError):
            # Strawberry looks into a message without asking what it is.
            await self.handle_invalid_message("Failed to parse message")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        payload: Any = message["payload"]
        named = payload.get("documentId"), payload.get("extensions")
        if self.connection_acknowledged and (any(named) or self.documents.only):
            try:
                payload["query"] = await self.documents.text(payload.get("query"), *named)
            except MilepostError as error:
                return await self._refuse(message["id"], error)
        return await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """When it has its turn, as a request over HTTP. A subscription steps aside once it has begun."""
        try:
            async with self.gate.place():
                await super().run_operation(operation)
        except BusyError:
            with suppress(WebSocketDisconnected):
                await operation.send_initial_errors([GraphQLError(**TOLD)])

    async def _refuse(self, id_: str, error: MilepostError) -> None:
        self.context.lease.settle(0, REFUSED)
        told = GraphQLError(str(error), extensions={"code": error.code})
        await self.send_message({"id": id_, "type": "error", "payload": [told.formatted]})


@dataclass(frozen=True)
class _Door:
    """What Strawberry's handler asks of its view."""

    tokens: TokenCheck
    socket: "Socket"

    async def on_ws_connect(self, context: Context) -> Any:
        """The connection is the token's as long as the token is good."""
        token = _authorization(context.connection_params or {})
        try:
            context.principal = await self.tokens.bearer(token)
        except UnauthenticatedError:
            raise ConnectionRejectionError from None
        except TransientError as error:
            await self.socket.close(1013, f"Try again later: {error}")
            raise ConnectionRejectionError from None
        if not self.socket.enter(context.lease):
            await self.socket.close(1013, "Try again later: this caller has too many sockets")
            raise ConnectionRejectionError
        self.socket.watch(context.principal, partial(self.tokens.bearer, token))
        return UNSET


class Socket(AsyncWebSocketAdapter):
    """One accepted WebSocket. After `close` nothing is sent."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._closed = False
        self._expiry: asyncio.Task[None] | None = None
        self._lease: Lease | None = None

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        while (message := await self._receive())["type"] == "websocket.receive":
            if message.get("text") is None:
                raise NonTextMessageReceived
            try:
                yield msgspec.json.decode(message["text"])
            except (msgspec.DecodeError, RecursionError) as error:
                raise NonJsonMessageReceived from error

    async def send_json(self, message: Mapping[str, object]) -> None:
        if self._closed:
            raise WebSocketDisconnected
        await self._send_or_leave({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})

    async def close(self, code: int, reason: str) -> None:
        if not self._closed:
            self._closed = True
            await self._send_or_leave({"type": "websocket.close", "code": code, "reason": reason[:120]})

    def watch(self, principal: Principal, again: Callable[[], Awaitable[Principal]]) -> None:
        """Closes it when the token expires, or is not good any more when it is looked at `again`."""
        self._expiry = asyncio.create_task(self._watch(principal.expires_at, again))

    def enter(self, lease: Lease) -> bool:
        """Counts as one of the caller's sockets, if it may have one more."""
        if lease.sockets >= lease.allowance.sockets:
            return False
        lease.sockets += 1
        self._lease = lease
        return True

    def forget(self) -> None:
        if self._lease is not None:
            self._lease.sockets -= 1
        if self._expiry is not None:
            self._expiry.cancel()

    async def _watch(self, expires_at: float, again: Callable[[], Awaitable[Principal]]) -> None:
        reason = "the token has expired"
        try:
            while (left := expires_at - time.time()) > 0:
                await asyncio.sleep(min(left, BELIEVED))
                with suppress(TransientError):
                    await again()
        except UnauthenticatedError as error:
            reason = str(error)
        with suppress(WebSocketDisconnected):
            await self.close(4403, f"Forbidden: {reason}")

    async def _send_or_leave(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except OSError as error:
            raise WebSocketDisconnected from error


def _authorization(params: Mapping[str, object]) -> str | None:
    values = [value for key, value in params.items() if key.lower() == "authorization"]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None

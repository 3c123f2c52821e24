"""The gateway's process: uvicorn on one address, drained on SIGTERM."""

import asyncio
import gc
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.middleware.cors import CORSMiddleware

from gateway.accepting import accept
from gateway.app import Gateway
from gateway.auth import Role, Trust
from gateway.protocol import Protocol
from gateway.sockets import MAX_MESSAGE
from gateway.throttle import ALLOWED, Allowance
from orders.errors import StartError

DRAIN = 2
"""Seconds that requests may still take after SIGTERM; sockets are closed at once, with 1012."""


@dataclass(frozen=True)
class GatewayConfig:
    """`port` 0 is any free one. `queue` is in events, for one subscriber.

    `origins` are those of pages elsewhere that may ask. `documents_only`: nothing but trusted documents runs.
    `listener` is a socket that listens already, by its descriptor; `shared` says that other processes have it too.
    In production nobody gets GraphiQL, introspection or suggestions.
    """

    dsn: str
    host: str
    port: int
    trust: Trust
    pool_max: int = 8
    production: bool = False
    queue: int = 1000
    documents_only: bool = False
    origins: tuple[str, ...] = ()
    listener: int | None = None
    shared: bool = False
    allowed: Mapping[Role, Allowance] = field(default_factory=lambda: ALLOWED)


async def serve(config: GatewayConfig, ready: Callable[[], None] | None = None) -> None:
    """Until SIGTERM or SIGINT. Calls `ready` once it listens. Raises StartError."""
    server = GatewayServer(config, ready)
    with closing(_listener(config)) as listener:
        await server.serve(sockets=[listener])


def _listener(config: GatewayConfig) -> socket.socket:
    return listen(config.host, config.port) if config.listener is None else socket.socket(fileno=config.listener)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises StartError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise StartError(f"cannot listen on {host} port {port}: {error}; choose another with --port") from None
    return listener


class GatewayServer(uvicorn.Server):
    """`serve` it on sockets that are bound already; `should_exit = True` drains it as SIGTERM does."""

    def __init__(self, config: GatewayConfig, ready: Callable[[], None] | None = None) -> None:
        """Raises StartError."""
        self.gateway = _gateway(config)
        super().__init__(_uvicorn(self.gateway, config.origins))
        self._ready = ready
        self._shared = config.shared
        self._accepting: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([] if self._shared else sockets)
        if self._shared:
            self._accepting = [asyncio.create_task(self._accept(each)) for each in sockets or ()]
        if self.started and self._ready is not None:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for accepting in self._accepting:
            accepting.cancel()
        await super().shutdown(sockets)

    async def _accept(self, listener: socket.socket) -> None:
        make: Callable[[], asyncio.Protocol] = partial(
            cast("Any", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        await accept(listener, lambda: len(self.server_state.connections), make)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own would raise the signal again after the drain, and the process would end as if killed.
        self.should_exit = True


def _gateway(config: GatewayConfig) -> Gateway:
    return Gateway(
        config.dsn,
        config.trust,
        pool_max=config.pool_max,
        production=config.production,
        queue=config.queue,
        allowed=config.allowed,
        documents_only=config.documents_only,
        origins=config.origins,
    )


def _uvicorn(gateway: Gateway, origins: Sequence[str]) -> uvicorn.Config:
    return uvicorn.Config(
        _shared_with(gateway, origins) if origins else gateway,
        interface="asgi3",
        http=cast("type[asyncio.Protocol]", partial(Protocol, gateway.gate, gateway.work, gateway.express)),
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN,
    )


def _shared_with(gateway: Gateway, origins: Sequence[str]) -> CORSMiddleware:
    return CORSMiddleware(
        cast("Any", gateway),
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "apollo-require-preflight", "x-apollo-operation-name"],
        expose_headers=["retry-after"],
    )


def run(config: GatewayConfig, ready: Callable[[], None] | None = None) -> None:
    """`serve` in an event loop of its own, uvloop where there is one. The process is the gateway's alone."""

    def begun() -> None:
        # What is there now stays. Looking through it for garbage would hold all requests up for 0.1 s, again and again.
        gc.collect()
        gc.freeze()
        if ready is not None:
            ready()

    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(config, begun))


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()

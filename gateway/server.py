"""The gateway's process: uvicorn on one address, drained on SIGTERM."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from types import FrameType

import uvicorn

from gateway.app import Gateway
from gateway.auth import Trust
from gateway.corking import CorkedProtocol
from gateway.sockets import MAX_MESSAGE
from orders.errors import StartError

DRAIN = 2
"""Seconds that requests may still take after SIGTERM; sockets are closed at once, with 1012."""


@dataclass(frozen=True)
class GatewayConfig:
    """`port` 0 is any free one. `queue` is in events, for one subscriber.

    In production nobody gets GraphiQL, introspection or suggestions.
    """

    dsn: str
    host: str
    port: int
    trust: Trust
    pool_max: int = 8
    production: bool = False
    queue: int = 1000


async def serve(config: GatewayConfig, ready: Callable[[], None] | None = None) -> None:
    """Until SIGTERM or SIGINT. Calls `ready` once it listens. Raises StartError."""
    server = GatewayServer(config, ready)
    with closing(listen(config.host, config.port)) as listener:
        await server.serve(sockets=[listener])


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
        super().__init__(_uvicorn(self.gateway))
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()

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
    )


def _uvicorn(gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        gateway,
        interface="asgi3",
        http=CorkedProtocol,
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


def run(config: GatewayConfig, ready: Callable[[], None] | None = None) -> None:
    """`serve` in an event loop of its own, uvloop where there is one."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(config, ready))


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()

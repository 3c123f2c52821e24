"""The gateway as an ASGI application: what is where, and what lives as long as it does."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from gateway import pages
from gateway.admission import ADMITTED, BUSY, BusyError, Gate
from gateway.asgi import NO_STORE, Receive, Scope, Send, respond, respond_json
from gateway.auth import Role, TokenCheck, Trust
from gateway.context import Context
from gateway.database import Pool, connect, open_plan_pool, open_pool
from gateway.documents import Documents
from gateway.express import Express
from gateway.feed import Feed
from gateway.http import HttpView
from gateway.lanes import Lanes
from gateway.metrics import Metrics, Own
from gateway.plan.answers import Answers
from gateway.schema import build_plans, build_schema
from gateway.sockets import SocketView
from gateway.statements import SQL
from gateway.throttle import ALLOWED, Allowance, Throttle
from gateway.work import Work
from orders.outages import FAILED

READY_TIMEOUT = 2.0
"""Seconds that Postgres may take to answer, and that the start waits for the feed."""


@dataclass(frozen=True)
class Parts:
    """What is there between start-up and shutdown."""

    pool: Pool
    feed: Feed
    http: HttpView
    express: Express
    sockets: SocketView
    metrics: Metrics


class Gateway:
    """`queue` is how many events may wait for one subscriber. Raises StartError for a key that cannot be used."""

    def __init__(
        self,
        dsn: str,
        trust: Trust,
        *,
        pool_max: int = 8,
        production: bool = False,
        queue: int = 1000,
        allowed: Mapping[Role, Allowance] = ALLOWED,
        documents_only: bool = False,
        origins: Collection[str] = (),
    ) -> None:
        self._dsn = dsn
        self._pool_max = pool_max
        self._queue = queue
        self._production = production
        self._allowed = allowed
        self._documents_only = documents_only
        self._origins = origins
        self.gate = Gate()
        self.work = Work()
        self._schema = build_schema(production)
        self._plans = build_plans(self._schema, production)
        self._tokens = TokenCheck(trust)
        self._parts: Parts | None = None

    def express(self) -> Express | None:
        return None if self._parts is None else self._parts.express

    @property
    def parts(self) -> Parts:
        assert self._parts is not None, "the application has not been started"
        return self._parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                try:
                    await self._http(scope, receive, send)
                finally:
                    if ADMITTED in scope:
                        self.gate.left()
            case "websocket":
                await self._websocket(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        match path.rstrip("/"):
            case "/graphql" if scope["method"] == "POST":
                await self._graphql(scope, receive, send)
            case "/graphql" if pages.wants_page(scope) and not self._production:
                await pages.send_page(send)
            case "/graphql" if scope["method"] == "GET" and _asks(scope["query_string"]):
                await self._graphql(scope, receive, send)
            case "/graphql":
                await respond(send, 405, b"text/plain", b"POST a GraphQL request", ((b"allow", b"GET, POST"),))
            case "/health":
                await respond_json(send, 200, {"healthy": True})
            case "/ready":
                await self._ready(send)
            case "/metrics" if scope["method"] == "GET":
                await self.parts.metrics(scope, send)
            case _ if path.startswith(pages.STATIC) and not self._production:
                await pages.send_file(scope, send)
            case _:
                await respond(send, 404, b"text/plain", b"not found")

    async def _graphql(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = self.work.watched(send)
        try:
            await self.gate.enter()
        except BusyError:
            return await respond(send, 503, b"application/json", BUSY, ((b"retry-after", b"1"), NO_STORE))
        try:
            await self.parts.http(scope, receive, send)
        finally:
            self.gate.leave()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") == "/graphql":
            await self.parts.sockets(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    async def _ready(self, send: Send) -> None:
        postgres, feed = await _answers(self.parts.pool), self.parts.feed.state
        ready = postgres and feed == "live"
        await respond_json(send, 200 if ready else 503, {"ready": ready, "postgres": postgres, "feed": feed})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._running() as self._parts:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[Parts]:
        async with AsyncExitStack() as stack:
            pool = await open_pool(self._dsn, self._pool_max)
            stack.push_async_callback(_close, pool)
            plan_pool = await open_plan_pool(self._dsn, self._pool_max)
            stack.push_async_callback(_close, plan_pool)
            lanes = Lanes(plan_pool, self._pool_max)
            stack.push_async_callback(lanes.close)
            throttle_pool = await open_pool(self._dsn, 1)
            stack.push_async_callback(_close, throttle_pool)
            throttle = Throttle(throttle_pool, self._allowed)
            await stack.enter_async_context(throttle.running())
            feed = Feed(partial(connect, self._dsn), queue=self._queue)
            await stack.enter_async_context(feed.running())
            # So that the first subscriber need not come again; without Postgres the start goes on all the same.
            await feed.moved(READY_TIMEOUT)
            context = Context(pool, feed, throttle, gate=self.gate)
            documents = Documents(pool, only=self._documents_only)
            answers = Answers(lanes, self._plans)
            http = HttpView(self._schema, answers, self._tokens, documents, context)
            express = Express(self._tokens, throttle, answers, documents)
            sockets = SocketView(self._schema, self._tokens, documents, context, self.gate, self._origins)
            metrics = Metrics(self._tokens, pool, Own(self.work, self.gate, feed, answers))
            yield Parts(pool, feed, http, express, sockets, metrics)


def _asks(query_string: bytes) -> bool:
    return any(name in query_string for name in (b"query=", b"documentId=", b"extensions="))


async def _answers(pool: Pool) -> bool:
    try:
        async with asyncio.timeout(READY_TIMEOUT), pool.acquire() as connection:
            return bool(await connection.fetchval(SQL["ready"]))
    except FAILED:
        return False


async def _close(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), 0.5)
    except TimeoutError:
        pool.terminate()

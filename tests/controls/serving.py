"""A gateway over a graph whose rows were put in by hand, and its clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import httpx
from asyncpg.pool import PoolConnectionProxy
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.auth import Role, Trust, issue_token, new_key_pair
from gateway.server import GatewayConfig, GatewayServer, listen
from gateway.throttle import Allowance
from tests.controls.sql import run

ROOT = Path(__file__).parents[2]
SCHEMAS = (
    "projections/sql/graph.sql",
    "projections/sql/record.sql",
    "commands/sql/commands.sql",
    "gateway/sql/schema.sql",
)
INSTANT = datetime(2026, 3, 1, 10, tzinfo=UTC)
"""When order 1042 was placed."""
ROWS = ROOT / "tests/integration/gateway_rows.sql"
PROTOCOL = Subprotocol("graphql-transport-ws")
SECONDS = 60
"""Longest wait for anything."""

PLENTY = dict.fromkeys(Role, Allowance(10**9, 10**9, 1000))
"""What clients may ask for where that is not the question."""

PRIVATE_KEY, PUBLIC_KEY = new_key_pair()

FACETS = json.dumps(
    {
        "commercial": "ACCEPTED",
        "fulfillment": "RELEASED",
        "delivery": "NONE",
        "financial": "NOT_INVOICED",
        "return": "NONE",
        "health": "OK",
        "display": "PREPARING",
    }
)

# As the projector does it: positions are given out under a lock that is held until commit.
_LOCK = "select from record.feed_head for update"
_APPEND = """
with head as (
    update record.feed_head set position = position + cardinality($1::text[]), events = events + cardinality($1::text[])
    returning position
)
insert into record.feed (position, order_id, version, type, key, subject, subject_id, facets, snapshot,
                         cause_source, cause_table, cause_op, cause_key, cause_position)
select head.position - cardinality($1::text[]) + n, order_id,
       coalesce((select max(version) from record.feed f where f.order_id = e.order_id), 0)
           + row_number() over (partition by order_id order by n),
       $2, gen_random_uuid()::text, 'order', order_id, $3::json, false,
       'erp', 'public.ordhdr', 'u', '{"ordno": 1}', '0/0/1/0'
from head, unnest($1::text[]) with ordinality as e (order_id, n)
returning position
"""

_ORDERS = """
insert into graph.orders (id, source, number, currency, total, ordered_at, commercial, fulfillment, delivery, financial,
                          return_state, health, display_status)
select id, 'erp', id, 'USD', 10, at, 'ACCEPTED', 'NOT_RELEASED', 'NONE', 'NOT_INVOICED', 'NONE', 'OK', 'RECEIVED'
from unnest($1::text[], $2::timestamptz[]) as o (id, at)
"""
_MOVE = """
insert into graph.revision values ('orders', pg_current_xact_id()::text::bigint)
on conflict (subject) do update set revision = excluded.revision
"""

Db: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


async def create_schemas(dsn: str) -> None:
    await run(dsn, *((ROOT / path).read_text() for path in SCHEMAS))


async def create_graph(dsn: str) -> None:
    """The schemas, with the canonical orders 1042, 1043 and 1044."""
    await create_schemas(dsn)
    await run(dsn, ROWS.read_text())


async def create_orders(db: Db, orders: Sequence[tuple[str, datetime | None]]) -> None:
    """Of (id, ordered_at)."""
    await db.execute(_ORDERS, [key for key, _ in orders], [at for _, at in orders])
    await db.execute(_MOVE)


async def append(db: Db, *orders: str, type_: str = "ORDER_CHANGED") -> list[int]:
    """An event for each order named, in one transaction that wakes the gateway. Returns the positions."""
    async with db.transaction():
        await db.execute(_LOCK)
        rows = await db.fetch(_APPEND, list(orders), type_, FACETS)
        await db.execute("notify milepost_feed")
    return sorted(row["position"] for row in rows)


async def append_to(client: "Client", *orders: str) -> None:
    """As `append`, in the client's gateway's database."""
    assert client.server is not None
    async with client.server.gateway.parts.pool.acquire() as db:
        await append(db, *orders)


def token(
    role: str = "operations", subject: str = "ann@example.com", lifetime: float = 600, scope: Collection[str] = ()
) -> str:
    return issue_token(PRIVATE_KEY, subject, role, lifetime, scope)


@dataclass
class Client:
    """Asks a running gateway."""

    port: int
    http: httpx.AsyncClient
    server: GatewayServer | None = None
    auth: dict[str, str] = field(default_factory=lambda: {"authorization": f"Bearer {token()}"})

    async def post(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=self.auth if headers is None else headers)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data; there must be no error."""
        answer = (await self.post(query, **variables)).json()
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def refused(self, query: str, **variables: Any) -> str:
        """The code of the first error."""
        answer = (await self.post(query, **variables)).json()
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    def as_(self, role: str, *scope: str) -> "Client":
        """The same gateway, asked by another one."""
        return replace(self, auth={"authorization": f"Bearer {token(role, scope=scope)}"})

    @asynccontextmanager
    async def socket(self, path: str = "/graphql", **more: Any) -> AsyncIterator[ClientConnection]:
        """A WebSocket of the right protocol, not yet initialized."""
        url = f"ws://127.0.0.1:{self.port}{path}"
        options = {"subprotocols": [PROTOCOL], "compression": None} | more
        async with connect(url, **options) as socket:
            yield socket

    @asynccontextmanager
    async def subscribed(self, query: str, **variables: Any) -> AsyncIterator["Stream"]:
        async with self.socket() as socket:
            await send(socket, type="connection_init", payload=self.auth)
            assert (await receive(socket))["type"] == "connection_ack"
            await send(socket, type="subscribe", id="1", payload={"query": query, "variables": variables})
            yield Stream(socket)


@dataclass
class Stream:
    """What comes out of one subscription."""

    socket: ClientConnection

    async def next(self) -> dict[str, Any]:
        """The next item of the subscription's only field."""
        message = await receive(self.socket)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (item,) = message["payload"]["data"].values()
        assert isinstance(item, dict)
        return item

    async def take(self, count: int) -> list[dict[str, Any]]:
        return [await self.next() for _ in range(count)]


async def send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def receive(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        message: dict[str, Any] = json.loads(await socket.recv())
    return message


@asynccontextmanager
async def running(dsn: str, folder: Path, trust: Trust | None = None, **settings: Any) -> AsyncIterator[Client]:
    """A gateway in this process, on uvicorn, at a free port."""
    key = folder / "public.pem"
    key.write_text(PUBLIC_KEY)
    trust = trust or Trust(public_key=str(key))
    config = GatewayConfig(dsn=dsn, host="127.0.0.1", port=0, trust=trust, **({"allowed": PLENTY} | settings))
    ready = asyncio.Event()
    server = GatewayServer(config, ready.set)
    listener = listen(config.host, config.port)
    port = listener.getsockname()[1]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(SECONDS):
            await ready.wait()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as http:
            yield Client(port, http, server)
    finally:
        server.should_exit = True
        await task

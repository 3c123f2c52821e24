"""One server of `bench query`: `python -m bench.serve ours|resolvers|by-hand DSN PORT KEY`."""

import sys
from pathlib import Path

import asyncpg
import msgspec
import uvicorn

from gateway.asgi import Receive, Scope, Send, read_body, respond
from gateway.auth import Role, Trust
from gateway.database import open_plan_pool
from gateway.plan.plans import Plans
from gateway.server import GatewayConfig, run
from gateway.throttle import Allowance
from orders.statements import named_statements

SQL = named_statements("bench", "sql/by_hand.sql")


class ByHand:
    """An endpoint for each case, with no GraphQL, no token and no limits."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pool is None:
            self._pool = await open_plan_pool(self._dsn, 8)
        account, key = msgspec.json.decode(await read_body(receive, 100_000), type=tuple[str, str])
        async with self._pool.acquire() as connection:
            text = await connection.fetchval(SQL[scope["path"][1:]], account, key)
        await respond(send, 200, b"application/json", text.encode())


def main(kind: str, dsn: str, port: int, key: str) -> None:
    if kind == "by-hand":
        uvicorn.run(ByHand(dsn), port=port, http="httptools", loop="uvloop", lifespan="off", log_level="warning")
        return
    if kind == "resolvers":
        Plans.plan = lambda *_: None  # type: ignore[method-assign]
    # One client asks for all of it.
    plenty = dict.fromkeys(Role, Allowance(10**9, 10**9))
    run(GatewayConfig(dsn=dsn, host="127.0.0.1", port=port, trust=Trust(public_key=key), pool_max=8, allowed=plenty))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), str(Path(sys.argv[4])))

"""A server that is measured: `python -m bench.serve ours|resolvers|"by hand" DSN PORT KEY [PROFILE]`.

`PROFILE` is a file: cProfile watches, and writes it at SIGTERM.
"""

import cProfile
import sys

import asyncpg
import msgspec
import uvicorn

from bench.questions import BY_HAND
from gateway.asgi import Receive, Scope, Send, read_body, respond
from gateway.auth import Role, Trust
from gateway.database import open_plan_pool
from gateway.plan.plans import Plans
from gateway.server import GatewayConfig, run
from gateway.throttle import Allowance


class ByHand:
    """An endpoint for each operation, without GraphQL, token and limits. The body is the statement's parameters."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pool is None:
            self._pool = await open_plan_pool(self._dsn, 8)
        parameters = msgspec.json.decode(await read_body(receive, 100_000), type=list[str | list[str]])
        async with self._pool.acquire() as connection:
            text = await connection.fetchval(BY_HAND[scope["path"][1:]], *parameters)
        await respond(send, 200, b"application/json", text.encode())


def main(kind: str, dsn: str, port: int, key: str) -> None:
    if kind == "by hand":
        uvicorn.run(ByHand(dsn), port=port, http="httptools", loop="uvloop", lifespan="off", log_level="warning")
        return
    if kind == "resolvers":
        Plans.plan = lambda *_: None  # type: ignore[method-assign]
    # One client asks for all of it.
    plenty = dict.fromkeys(Role, Allowance(10**9, 10**9))
    run(GatewayConfig(dsn=dsn, host="127.0.0.1", port=port, trust=Trust(public_key=key), pool_max=8, allowed=plenty))


def profiled(kind: str, dsn: str, port: int, key: str, file: str) -> None:
    profile = cProfile.Profile()
    profile.runcall(main, kind, dsn, port, key)
    profile.dump_stats(file)


if __name__ == "__main__":
    kind, dsn, port, key, *file = sys.argv[1:]
    profiled(kind, dsn, int(port), key, *file) if file else main(kind, dsn, int(port), key)

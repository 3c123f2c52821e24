"""The gateway as a process of its own: it drains on SIGTERM, stays small, and says why it cannot start."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from app import supervisor
from app.cluster import free_port
from gateway.admission import ROOM
from gateway.auth import Trust
from gateway.server import DRAIN, GatewayConfig, listen, serve
from orders.errors import StartError
from tests.controls import serving
from tests.controls.serving import Client, Db
from tests.controls.waiting import until

RUN = """
import sys
from gateway import server
from gateway.auth import Trust
from gateway.server import GatewayConfig, run
dsn, port, key, drain = sys.argv[1:]
server.DRAIN = int(drain)
run(GatewayConfig(dsn=dsn, host="127.0.0.1", port=int(port), trust=Trust(key)), lambda: print("ready", flush=True))
print("drained", flush=True)
"""
COMMAND = (sys.executable, "-c", RUN)
FOLLOW = "subscription { orderEvents { ... on OrderEvent { cursor } } }"
ONE = '{ order(id: "1042") { id lines { sku } events { key } } }'
MOST = 120
"""Megabytes of memory that a gateway may take when it has answered a little."""


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "public.pem"
    path.write_text(serving.PUBLIC_KEY)
    return str(path)


@pytest.fixture
def drain(request: pytest.FixtureRequest) -> int:
    """Seconds that a drain may take."""
    seconds: int = getattr(request, "param", DRAIN)
    return seconds


@pytest.fixture
async def process(dsn: str, key: str, drain: int) -> AsyncIterator[tuple[Process, Client]]:
    port = free_port()
    started = await asyncio.create_subprocess_exec(
        *COMMAND, dsn, str(port), key, str(drain), stdout=PIPE, stderr=PIPE, cwd=serving.ROOT
    )
    assert started.stdout is not None
    try:
        async with asyncio.timeout(serving.SECONDS):
            assert await started.stdout.readline() == b"ready\n"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=serving.SECONDS) as http:
            yield started, Client(port, http)
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


def waits(db: Db) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        """Somebody waits for a lock."""
        return bool(await db.fetchval("select count(*) from pg_locks where not granted"))

    return asked


@pytest.mark.parametrize("drain", [60], indirect=True)
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_it_drains(process: tuple[Process, Client], dsn: str, stop: signal.Signals) -> None:
    """A request under way is answered, a socket is closed with 1012, and then it is over."""
    gateway, client = process
    assert gateway.stdout is not None
    db = await asyncpg.connect(dsn)
    async with client.subscribed(FOLLOW) as stream:
        async with db.transaction():
            await db.execute("lock table graph.orders")
            slow = asyncio.create_task(client.ask(ONE))
            await until(waits(db))
            gateway.send_signal(stop)
            async with asyncio.timeout(serving.SECONDS):
                await stream.socket.wait_closed()
        assert (await slow)["order"]["id"] == "1042"
        async with asyncio.timeout(serving.SECONDS):
            assert await gateway.wait() == 0
        assert stream.socket.close_code == 1012
        assert await gateway.stdout.read() == b"drained\n"
    await db.close()


async def test_a_request_that_does_not_end_is_not_waited_for(process: tuple[Process, Client], dsn: str) -> None:
    """For longer than its supervisor leaves it."""
    assert DRAIN < supervisor._GRACE
    gateway, client = process
    db = await asyncpg.connect(dsn)
    async with db.transaction():
        await db.execute("lock table graph.orders")
        slow = asyncio.create_task(client.post(ONE))
        await until(waits(db))
        gateway.terminate()
        async with asyncio.timeout(serving.SECONDS):
            assert await gateway.wait() == 0
    assert (await slow).status_code == 500
    await db.close()


async def test_it_stays_small(process: tuple[Process, Client]) -> None:
    gateway, client = process
    for _ in range(10):
        await asyncio.gather(*(client.ask(ONE) for _ in range(ROOM)))
    assert psutil.Process(gateway.pid).memory_info().rss < MOST * 10**6


async def test_a_port_in_use_is_said_in_one_line(dsn: str, key: str) -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1 port {port}"):
            await serve(GatewayConfig(dsn=dsn, host="127.0.0.1", port=port, trust=Trust(key)))


async def test_a_key_that_is_not_there_is_said_in_one_line(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="public key"):
        await serve(GatewayConfig(dsn=dsn, host="127.0.0.1", port=0, trust=Trust(str(tmp_path / "no.pem"))))

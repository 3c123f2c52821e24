"""`milepost demo`, started as its user does: cold over an empty folder, then warm over the stopped one."""

import asyncio
import contextlib
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.keys import token
from app.processes import records
from app.settings import Settings
from app.status import processes
from bench.report import Case, case, conclude, over_rounds, postgres_version
from demo.client import Client, GraphQLError
from orders.errors import StartError

MEGABYTE = 1_000_000
LIVE_FOR = 15.0
"""Seconds that orders move while memory is watched."""
FIRST = "{ orders(first: 1) { edges { node { number } } } }"
WHOLE, FIRST_ORDER = "everything", "first order visible"

Seconds = dict[str, float]
Bytes = dict[str, int]


async def measure(rounds: int) -> None:
    cold: list[Seconds] = []
    warm: list[Seconds] = []
    memory: Bytes = {}
    postgres = ""
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
            data = Path(name)
            async with demo(data) as begun:
                cold.append(await started(data, begun))
                peaks = await peak_memory(data)
                postgres = await postgres_version(Settings.load(data).graph_dsn)
            async with demo(data) as begun:
                warm.append(await started(data, begun))
        memory.update({name: max(size, memory.get(name, 0)) for name, size in peaks.items()})
    conclude("start", cases(cold, warm, memory), postgres)


def cases(cold: list[Seconds], warm: list[Seconds], memory: Bytes) -> list[Case]:
    found: list[Case] = []
    for kind, rounds in (("cold", cold), ("warm", warm)):
        for step in rounds[0]:
            values = [each[step] for each in rounds]
            found += (
                over_rounds(f"{kind} start, {step}", "s", values)
                if step == FIRST_ORDER
                else [case(f"{kind} start, {step}", "s", values)]
            )
    return found + [Case(f"peak memory, {name}", "MB", round(size / MEGABYTE)) for name, size in memory.items()]


@asynccontextmanager
async def demo(data: Path) -> AsyncIterator[float]:
    """A live demo; gives the moment of its start."""
    port = free_port()
    command = [sys.executable, "-c", "from app.entry import main; main()", "demo", "--data", str(data)]
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, "--port", str(port), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield begun
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def started(data: Path, begun: float) -> Seconds:
    """Seconds until each process serves, and until an order can be queried."""
    found: Seconds = {}
    while len(found) < 3 or not await first_order(data):
        for each in records(data / "run"):
            if each.address and each.name in ("postgres", "projector", "gateway"):
                found.setdefault(f"{each.name} ready", time.monotonic() - begun)
        await asyncio.sleep(0.02)
    return {**dict(sorted(found.items(), key=lambda item: item[1])), FIRST_ORDER: time.monotonic() - begun}


async def first_order(data: Path) -> bool:
    with contextlib.suppress(StartError, OSError, GraphQLError):
        settings = Settings.load(data)
        client = Client(f"http://{settings.host}:{settings.port}/graphql", token(data, "bench", "admin"))
        return bool((await client.ask(FIRST))["orders"]["edges"])
    return False


async def peak_memory(data: Path) -> Bytes:
    """Peaks of each process with its children, and of their sum, in bytes."""
    peaks: Bytes = {}
    end = time.monotonic() + LIVE_FOR
    while time.monotonic() < end:
        now = {each.name: each.memory for each in processes(data) if each.memory}
        for name, size in {**now, WHOLE: sum(now.values())}.items():
            peaks[name] = max(size, peaks.get(name, 0))
        await asyncio.sleep(0.25)
    return peaks

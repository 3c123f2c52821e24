"""A rebuild of the graph beside the projector's own catching up over the same changes, and what memory it takes.

The ledger holds copies of a recorded story. It is filled by one projector, whose rate is the peer's; then the graph is
rebuilt from it by a process of its own and its workers. The larger ledger tells whether memory grows with it. Minutes
for a million orders are computed from the larger one's rate in orders.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from app.rebuilding import connected, workers_of
from bench.copies import Story
from bench.machinery import MAPPINGS, Bench, bench, connect
from bench.recording import assembled, batches, in_order, recorded
from bench.report import Case, case, conclude, postgres_version
from projections.projector import Projector
from projections.rebuild.run import Rebuild

BATCH = 2000
"""Changes."""
MILLION = 1_000_000
LOOK = 0.1
"""Seconds."""
_ORDERS = "select count(*) from graph.orders"


class Made(Struct):
    """What a rebuild said of itself."""

    changes: int
    seconds: float
    peak_mb: float
    differ: int


class Round(Struct):
    """`projected` is the projector's rate in changes a second."""

    orders: int
    projected: float
    made: Made


async def measure(orders: int, sizes: tuple[int, ...], recording: Path | None) -> None:
    async with bench() as place:
        frames = await recorded(place, orders, recording or place.data / "recording")
        await place.forget_slots()
        story = Story([*in_order(assembled(frames))])
        rounds = [await one_round(place, story, copies) for copies in sizes]
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("rebuild", [each for found in rounds for each in cases(found)], version)


async def one_round(place: Bench, story: Story, copies: int) -> Round:
    name = f"rebuilt_{copies}"
    db = await connect(await place.graph(name))
    try:
        projector = Projector(db, MAPPINGS)
        await projector.start()
        changes, begun = 0, time.perf_counter()
        for number in range(copies):
            for batch in batches(story.copy(number), BATCH):
                changes += sum(each.seen for each in batch)
                await projector.project(batch)
        rate = changes / (time.perf_counter() - begun)
        orders: int = await db.fetchval(_ORDERS)
    finally:
        await db.close()
    await place.checkpoint()
    made = await made_by_process(place.postgres.dsn(name))
    await place.drop(name)
    if made.differ:
        raise RuntimeError(f"{made.differ} orders differ after a rebuild")
    return Round(orders, rate, made)


async def made_by_process(dsn: str) -> Made:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.rebuild", dsn, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return msgspec.json.decode(said, type=Made)


def cases(found: Round) -> list[Case]:
    made, name = found.made, f"{found.orders} orders, {found.made.changes} changes"
    minutes = made.seconds / found.orders * MILLION / 60
    return [
        case(f"rebuild of {name}", "changes/s", [made.changes / made.seconds], {"projector": [found.projected]}),
        case(f"rebuild of {name}: peak of its processes", "MB", [made.peak_mb]),
        case(f"rebuild of {name}: so much for a million orders", "minutes", [minutes]),
    ]


async def rebuild(dsn: str) -> Made:
    begun = time.perf_counter()

    def say(line: str) -> None:
        print(f"{time.perf_counter() - begun:8.1f} s  {line}", file=sys.stderr)  # noqa: T201

    async with connected(dsn) as connection, connected(dsn) as reader, peak_mb() as peak:
        report = await Rebuild(connection, reader, MAPPINGS, say, workers_of(dsn)).run()
    return Made(report.changes, time.perf_counter() - begun, max(peak), report.counts.orders)


@asynccontextmanager
async def peak_mb() -> AsyncIterator[list[float]]:
    """What this process and its workers took together, looked at again and again."""
    found, this = list[float](), psutil.Process()

    def look() -> None:
        taken = 0
        for process in (this, *this.children()):
            with suppress(psutil.NoSuchProcess):
                taken += process.memory_info().rss
        found.append(taken / 2**20)

    async def watch() -> None:
        while True:
            look()
            await asyncio.sleep(LOOK)

    watching = asyncio.create_task(watch())
    try:
        yield found
    finally:
        watching.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rebuild", description="Rebuilds one graph; says how it was.")
    parser.add_argument("dsn")
    print(msgspec.json.encode(asyncio.run(rebuild(parser.parse_args().dsn))).decode())  # noqa: T201


if __name__ == "__main__":
    main()

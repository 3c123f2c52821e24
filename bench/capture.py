"""Changes a second from the log into the graph: the whole projector beside the engine alone, on the same changes.

Alone means: captured, decoded, put together as transactions, acknowledged, and nothing else. Both read the same two
databases through slots of their own, in turns, in one process. A rate counts from the first batch to the last. The
engine's Java machine has just been started then, as after an outage.
"""

import cProfile
import pstats
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from bench.machinery import ADAPTERS, MAPPINGS, Bench, bench, connect
from bench.meter import RATE, Figures, Meter
from bench.reading import Alone, Enough, Kept, Whole, read
from bench.report import Case, case, conclude, postgres_version
from bench.servers import cpu, postmaster
from cdc.change import Transaction
from cdc.engine import EngineSource
from demo.player import play
from demo.story import Story
from projections.isolating import project_or_isolate
from projections.projector import Projector

OURS, ALONE = "ours", "engine alone"
STREAMING, SNAPSHOT = "streaming", "snapshot"
PROJECTOR, ENGINE, POSTGRES = "projector", "engine", "Postgres"
BATCH = 50
"""Transactions in a batch of the profile."""

Subject: TypeAlias = Alone | Whole
Found: TypeAlias = Mapping[str, list[Figures]]
"""Who → figures of each round."""


async def figures(source: EngineSource, reader: Subject, enough: Enough, postmaster: int | None = None) -> Figures:
    """Until it is enough; what each process needs for it if the postmaster's pid is told."""
    cpus: dict[str, Callable[[], float]] = {}
    if postmaster is not None:
        cpus = {
            PROJECTOR: time.process_time,
            ENGINE: lambda: cpu(source.child_pid or 0),
            POSTGRES: lambda: cpu(postmaster),
        }
    meter = Meter(cpus)
    if isinstance(reader, Whole):
        return await reader.project(source, enough, meter.end, first=meter.begin)
    async with source.open(await reader.start()) as batches:
        return meter.end(await read(source, batches, reader, enough, meter.begin))


async def rate(source: EngineSource, reader: Subject, enough: Enough) -> float:
    """Changes a second, until it is enough."""
    return (await figures(source, reader, enough))[RATE]


def snapshots_end(changes: int, ends: int) -> bool:
    return ends == len(ADAPTERS)


async def measure(rounds: int, orders: int) -> None:
    found: dict[str, Found] = {STREAMING: {OURS: [], ALONE: []}, SNAPSHOT: {OURS: [], ALONE: []}}
    async with bench() as place:
        for number in range(1, rounds + 1):
            await one_round(place, number, orders, found)
            await place.forget_slots()
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude(
        "capture", [each for name, of in found.items() for each in cases(f"{name} of {orders} orders", of)], version
    )


async def one_round(place: Bench, number: int, orders: int, found: Mapping[str, Found]) -> None:
    """A backlog of the whole story, drained by both; then its outcome, read by both as a snapshot."""
    name = f"round{number}"
    sources = await place.sources(name)
    readers = await both(place, f"{name}_streamed")
    for kind, reader in readers.items():
        await rate(place.engine(name, f"{name}_{kind.split()[0]}"), reader, snapshots_end)
    played = await play(Story(number, orders), sources.erp, sources.east, rate=None)
    for kind, reader in in_turn(readers, number):
        engine = place.engine(name, f"{name}_{kind.split()[0]}")
        enough = partial(told, played.changes)
        found[STREAMING][kind].append(await figures(engine, reader, enough, postmaster(place)))
    for kind, reader in in_turn(await both(place, f"{name}_read"), number):
        engine = place.engine(name, f"{name}_{kind.split()[0]}_anew")
        found[SNAPSHOT][kind].append(await figures(engine, reader, snapshots_end, postmaster(place)))


def told(wanted: int, changes: int, ends: int) -> bool:
    return changes >= wanted


def cases(name: str, found: Found) -> list[Case]:
    """The rates, and what a change costs each process."""
    made = []
    for figure in (RATE, PROJECTOR, ENGINE, POSTGRES):
        values = {kind: [each[figure] for each in rounds] for kind, rounds in found.items()}
        label, unit = (name, "changes/s") if figure == RATE else (f"{name}, CPU of {figure}", "µs a change")
        made.append(case(label, unit, values[OURS], {ALONE: values[ALONE]}))
    return made


async def both(place: Bench, graph: str) -> dict[str, Subject]:
    return {OURS: Whole(await place.graph(graph)), ALONE: Alone()}


def in_turn(readers: dict[str, Subject], number: int) -> list[tuple[str, Subject]]:
    """The other one first in every other round."""
    found = list(readers.items())
    return found if number % 2 else found[::-1]


async def measure_profile(orders: int) -> None:
    """Where the projector's time goes, without the engine: the slowest functions of ours, and of all."""
    async with bench() as place:
        sources, alone = await place.sources("profile"), Kept()
        await rate(place.engine("profile", "profile"), alone, snapshots_end)
        played = await play(Story(1, orders), sources.erp, sources.east, rate=None)
        await rate(place.engine("profile", "profile"), alone, lambda changes, _: changes >= played.changes)
        projector = Projector(await connect(await place.graph("profile_graph")), MAPPINGS)
        await projector.start()
        await profiled(lambda: project_all(projector, alone.kept), played.changes)


async def project_all(projector: Projector, transactions: Sequence[Transaction]) -> None:
    for start in range(0, len(transactions), BATCH):
        await project_or_isolate(projector, transactions[start : start + BATCH])


async def profiled(work: Callable[[], Coroutine[Any, Any, None]], changes: int) -> None:
    profile = cProfile.Profile()
    begun = time.perf_counter()
    profile.enable()
    await work()
    profile.disable()
    print(f"{changes / (time.perf_counter() - begun):.0f} changes/s under the profiler")  # noqa: T201
    stats = pstats.Stats(profile).strip_dirs()
    stats.sort_stats("cumulative").print_stats(45)
    stats.sort_stats("tottime").print_stats(25)

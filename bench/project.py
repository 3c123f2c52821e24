"""Changes a second out of Kafka: the whole projector beside Debezium's JDBC sink, logical replication, reading.

All get the same changes of one story, each in the form that it needs, out of one Kafka and into one Postgres, in turns:

- ours: reads, decodes, puts transactions together, maps, folds, derives; writes ledger, facts, graph, feed, checkpoint
- the JDBC sink: upserts the sources' rows into plain tables, by bench/jdbc_sink/sink.json, and with tuned.json
- logical replication: Postgres applies its own log to plain tables, without Kafka; the least that it takes
- reading alone: ours without the projector

Ours and reading count from when the group has given them their topics, the sink from its first row (which favors it by
a batch), replication from when the subscriptions are enabled; all to the last change. The rows of the peers are checked
each time, those of ours in the first round.

What is best for the sink was found by trying: only the last row of each key of a batch, inserts rewritten as one, and
batches of 5,000 (half the time of 1,000). Of one, two and four tasks none is clearly best. Its inserts by arrays
(dialect.postgres.unnest.insert.enabled) cannot take microseconds, and with milliseconds they take no less time.
"""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from adapters.origins import DirectSource
from app.direct import compare_direct, render
from app.garbage import search_rarely
from bench.machinery import ADAPTERS, PASSWORDS, Bench, bench, connect
from bench.meter import RATE, Figures, Meter
from bench.reading import Alone, Whole, read
from bench.report import Case, case, conclude, postgres_version
from bench.servers import cpu, postmaster
from bench.sinks import jdbc_sink, make_template, subscription
from bench.topics import SINK, Recorded, kafka_running, recorded
from tests.controls.kafka import Kafka

OURS, JDBC, PLAIN_JDBC = "ours", "JDBC sink", "JDBC sink by default"
REPLICATION, READING = "logical replication", "reading alone"
PYTHON, CONNECT, BROKER, POSTGRES = "Milepost", "Connect", "broker", "Postgres"
DOES: Mapping[str, tuple[str, ...]] = {
    OURS: (PYTHON, BROKER, POSTGRES),
    JDBC: (CONNECT, BROKER, POSTGRES),
    PLAIN_JDBC: (CONNECT, BROKER, POSTGRES),
    REPLICATION: (POSTGRES,),
    READING: (PYTHON, BROKER),
}
"""Which processes work for whom."""
WARM_UP = 2
"""Rounds that do not count: Java's compiler has made the sink thrice as fast by then."""
SETTINGS = {"max_connections": "100", "max_logical_replication_workers": "8"}

Measure: TypeAlias = Callable[[Recorded, str, Meter], Awaitable[Figures]]
Found: TypeAlias = Mapping[str, Sequence[Figures]]
"""Who → figures of each round."""


async def measure(rounds: int, orders: int) -> None:
    search_rarely()  # as the projector's process does
    found: dict[str, list[Figures]] = defaultdict(list)
    async with bench(**SETTINGS) as place, kafka_running(place.data / "kafka", PASSWORDS.capture, SINK) as kafka:
        story = await recorded(place, kafka, orders)
        await make_template(place)
        for number in range(WARM_UP + rounds):
            for place_of, (name, work) in enumerate(in_turn(number)):
                await place.checkpoint()
                figures = await work(story, f"round{number}_{place_of}", meter(place, kafka))
                found[name].append(figures)
                if name == OURS and not number:
                    await check(story, f"round{number}_{place_of}")
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("project", cases(story.changes, {name: each[WARM_UP:] for name, each in found.items()}), version)


def meter(place: Bench, kafka: Kafka) -> Meter:
    pids = {CONNECT: kafka.worker.pid, BROKER: kafka.broker.pid, POSTGRES: postmaster(place)}
    return Meter({PYTHON: time.process_time, **{name: partial(cpu, pid) for name, pid in pids.items()}})


async def ours(story: Recorded, name: str, meter: Meter) -> Figures:
    whole = Whole(await story.place.graph(name))
    async with story.source(name) as source:
        return await whole.project(source, lambda changes, _: changes >= story.changes, meter.end, opened=meter.begin)


async def reading(story: Recorded, name: str, meter: Meter) -> Figures:
    reader = Alone()
    async with story.source(name) as source, source.open(await reader.start()) as batches:
        meter.begin()
        return meter.end(await read(source, batches, reader, lambda changes, _: changes >= story.changes))


async def jdbc(story: Recorded, name: str, meter: Meter) -> Figures:
    return await jdbc_sink(story, name, meter, "sink.json", "tuned.json")


async def plain_jdbc(story: Recorded, name: str, meter: Meter) -> Figures:
    return await jdbc_sink(story, name, meter, "sink.json")


WORK: Mapping[str, Measure] = {
    OURS: ours,
    JDBC: jdbc,
    REPLICATION: subscription,
    PLAIN_JDBC: plain_jdbc,
    READING: reading,
}


def in_turn(number: int) -> list[tuple[str, Measure]]:
    """Another one first in each round."""
    found = list(WORK.items())
    return found[number % len(found) :] + found[: number % len(found)]


async def check(story: Recorded, graph: str) -> None:
    """Raises RuntimeError unless the graph is what the sources say, and no change is left over."""
    dsn = story.place.postgres.dsn(graph)
    sources = [DirectSource(n, a, story.place.postgres.dsn(f"{n}_recorded")) for n, a in ADAPTERS.items()]
    if differences := await compare_direct(dsn, sources):
        raise RuntimeError(f"the graph is not what the sources say:\n{render(differences)}")
    db = await connect(dsn)
    try:
        found = await db.fetchrow(
            "select sum(seen), sum(dead), sum(applied + superseded + filtered) from record.checkpoint"
        )
    finally:
        await db.close()
    seen, dead, rest = found or (0, 0, 0)
    if dead or seen != rest or rest < story.changes:
        raise RuntimeError(f"{story.changes} changes: {seen} seen, {dead} dead letters, {rest} projected or filtered")


def cases(changes: int, found: Found) -> list[Case]:
    """Rates of all, and what a change costs each process, and all that work for one together."""
    rates = {name: [each[RATE] for each in rounds] for name, rounds in found.items()}
    made = [beside(f"{changes} changes", "changes/s", rates)]
    for process in (PYTHON, POSTGRES, BROKER):
        costs = {name: [each[process] for each in found[name]] for name in found if process in DOES[name]}
        made.append(beside(f"CPU of {process}", "µs a change", costs))
    made += [
        case(f"CPU of {CONNECT}, {name}", "µs a change", [each[CONNECT] for each in found[name]])
        for name in found
        if CONNECT in DOES[name]
    ]
    costs = {name: [sum(each[process] for process in DOES[name]) for each in found[name]] for name in found}
    return [*made, beside("CPU of all", "µs a change", costs)]


def beside(name: str, unit: str, values: Mapping[str, Sequence[float]]) -> Case:
    return case(name, unit, values[OURS], {peer: each for peer, each in values.items() if peer != OURS})

"""Changes a second of the projector over graphs of ten and of a hundred times the orders, in turns, in one Postgres.

The graphs hold copies of a recorded story. What is projected is the second half of further copies, by a projector that
was just started: it has to bring in the open orders of the first half, customers, articles and stock. Each round begins
with fresh clones of the graphs. A ratio is that of a larger graph to the smallest one.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.copies import Story
from bench.machinery import MAPPINGS, Bench, bench, connect
from bench.recording import assembled, batches, in_order, recorded
from bench.report import Case, case, conclude, postgres_version
from cdc.change import Transaction
from projections.projector import Projector

TIMES = (1, 10, 100)
COPIES = 3
"""Whose second halves are measured in a round."""
BATCH = 2000
"""Changes."""

_HELD = """
select (select count(*) from graph.orders), (select count(*) from graph.shipment where order_id is not null),
    (select count(*) from graph.milestone where order_id is not null)
"""


async def measure(rounds: int, orders: int) -> None:
    rates: dict[int, list[float]] = defaultdict(list)
    async with bench() as place:
        frames = await recorded(place, orders, place.data / "recording")
        await place.forget_slots()
        story = Story([*in_order(assembled(frames))])
        await fill(place, story)
        for number in range(rounds):
            for times in in_turn(number):
                rates[times].append(await one_rate(place, story, times, f"graph_{times}_{number}"))
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("growth_projector", cases(orders, rates), version)


async def fill(place: Bench, story: Story) -> None:
    """A graph of each size, each one a clone of the smaller one with what it lacks."""
    told = 0
    once: tuple[int, ...] = ()
    for place_of, times in enumerate(TIMES):
        name = graph_of(times)
        if place_of:
            await place.clone(graph_of(TIMES[place_of - 1]), name)
        else:
            await place.graph(name)
        db = await connect(place.postgres.dsn(name))
        try:
            projector = Projector(db, MAPPINGS)
            await projector.start()
            for number in range(told, times):
                await project(projector, [*story.copy(number)])
            await db.execute("vacuum analyze")
            held = tuple(await db.fetchrow(_HELD) or ())
        finally:
            await db.close()
        told, once = times, once or held
        if held != tuple(times * each for each in once):
            raise RuntimeError(f"{times} copies are {held} orders, shipments, milestones of theirs, not {once} each")


def graph_of(times: int) -> str:
    return f"graph_{times}"


async def one_rate(place: Bench, story: Story, times: int, name: str) -> float:
    """Of all second halves together, over a clone that is gone afterwards."""
    await place.clone(graph_of(times), name)
    changes, seconds = 0, 0.0
    for number in range(TIMES[-1], TIMES[-1] + COPIES):
        first, second = story.halves(number)
        await projected(place, name, first)
        seconds += await projected(place, name, second)
        changes += sum(len(each.changes) for each in second)
    await place.drop(name)
    return changes / seconds


async def projected(place: Bench, graph: str, transactions: Sequence[Transaction]) -> float:
    """Seconds of a projector that remembers nothing."""
    db = await connect(place.postgres.dsn(graph))
    try:
        projector = Projector(db, MAPPINGS)
        await projector.start()
        begun = time.perf_counter()
        await project(projector, transactions)
        return time.perf_counter() - begun
    finally:
        await db.close()


async def project(projector: Projector, transactions: Sequence[Transaction]) -> None:
    for batch in batches(transactions, BATCH):
        await projector.project(batch)


def in_turn(number: int) -> list[int]:
    """Another size first in each round."""
    first = number % len(TIMES)
    return [*TIMES[first:], *TIMES[:first]]


def cases(orders: int, rates: Mapping[int, Sequence[float]]) -> list[Case]:
    """`ours` is over the larger graph."""
    smallest = {f"{orders} orders": rates[TIMES[0]]}
    return [
        case(f"projecting into {times * orders} orders", "changes/s", rates[times], smallest) for times in TIMES[1:]
    ]

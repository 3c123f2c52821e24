"""Answers a second: the gateway beside PostGraphile, resolvers, SQL by hand and pgbench, over the same rows.

One of them is asked at a time, all in turn in each round, over 16 connections. The gateway has visibility, limits and
costs on; PostGraphile sees everything. All must give the same answers, or nothing is measured. What is asked again and
what is asked first: see bench/questions.py. *Changing*: again, while each second 100 of the orders that are asked for
are changed.
"""

import asyncio
import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import httpx

from bench.floor import Floor
from bench.machinery import Bench, bench, connect
from bench.questions import ACCOUNT, ORDERS, OWN, PAGE, QUESTIONS, Question, Reading, asked, encoded
from bench.report import Case, case, conclude, postgres_version
from bench.servers import OURS, Figures, Server, filled, postmaster, serving
from projections.revisions import ALL_ORDERS, move_on

WARM_UP = 2.0
"""Seconds, of each case and server."""
ALL_CLIENTS = "120"
"""Connections that Postgres accepts: each server has a pool, and pgbench one for each client."""
CHANGES = 100
"""Orders a second."""
FIGURES = {
    "rate": "answers/s",
    "p50": "ms",
    "p99": "ms",
    "cpu": "ms of server CPU",
    "postgres": "ms of Postgres CPU",
}


class Peer(Protocol):
    """Who is measured."""

    @property
    def name(self) -> str: ...

    async def measure(self, question: Question, reading: Reading, seconds: float) -> Figures: ...


class Trial(NamedTuple):
    """What is measured of each."""

    name: str
    question: Question
    reading: Reading
    changing: bool = False


TRIALS = [Trial(f"{each.name} {reading}", each, reading) for each in QUESTIONS for reading in Reading]
TRIALS.insert(2, Trial(f"{PAGE.name} changing", PAGE, Reading.AGAIN, changing=True))


async def measure(rounds: int, seconds: float) -> None:
    async with bench(max_connections=ALL_CLIENTS) as place:
        dsn = await filled(place, "bench_query", ORDERS)
        async with serving(place, dsn, ORDERS) as servers:
            peers: list[Peer] = [*servers, Floor(dsn, postmaster(place), ORDERS)]
            announce([each.name for each in peers], len(TRIALS), rounds, seconds)
            await agree(servers)
            found = await measured(place, dsn, peers, rounds, seconds)
        version = await postgres_version(place.postgres.dsn("postgres"))
    conclude("query", cases(found), version)


def announce(peers: Sequence[str], trials: int, rounds: int, seconds: float) -> None:
    minutes = trials * len(peers) * (rounds * (seconds + 1) + WARM_UP + 1) / 60
    print(f"{trials} cases of {', '.join(peers)}: {rounds} rounds of {seconds:g} s, {minutes:.0f} minutes")  # noqa: T201


async def measured(
    place: Bench, dsn: str, peers: Sequence[Peer], rounds: int, seconds: float
) -> Mapping[str, Mapping[str, list[Figures]]]:
    """Trial → peer → figures of each round; another peer begins each round."""
    found: dict[str, dict[str, list[Figures]]] = {trial.name: defaultdict(list) for trial in TRIALS}
    for trial, peer in itertools.product(TRIALS, peers):
        await peer.measure(trial.question, trial.reading, min(seconds, WARM_UP))
    for number, trial in itertools.product(range(rounds), TRIALS):
        first = number % len(peers)
        for peer in (*peers[first:], *peers[:first]):
            async with changes(dsn, changing=trial.changing):
                found[trial.name][peer.name].append(await peer.measure(trial.question, trial.reading, seconds))
    return found


def cases(found: Mapping[str, Mapping[str, Sequence[Figures]]]) -> list[Case]:
    """A peer that has no such figure is left out."""
    made = []
    for name, peers in found.items():
        for figure, unit in FIGURES.items():
            of = {peer: [each[figure] for each in rounds if figure in each] for peer, rounds in peers.items()}
            ours = of.pop(OURS)
            made.append(case(f"{name}, {figure}", unit, ours, {peer: each for peer, each in of.items() if each}))
    return made


def changes(dsn: str, *, changing: bool) -> AbstractAsyncContextManager[None]:
    return being_changed(dsn) if changing else nullcontext()


@asynccontextmanager
async def being_changed(dsn: str) -> AsyncIterator[None]:
    """The account's orders, one after the other, as the projector tells of it."""
    task = asyncio.create_task(change(dsn))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def change(dsn: str) -> None:
    """Each in a transaction of its own, when it is due."""
    db = await connect(dsn)
    try:
        begun = time.perf_counter()
        for number, order in enumerate(itertools.cycle(OWN)):
            await asyncio.sleep(begun + number / CHANGES - time.perf_counter())
            await move_on(db, {ALL_ORDERS, f"order/{order}", f"customer/{ACCOUNT}"})
    finally:
        await db.close()


async def agree(servers: Sequence[Server]) -> None:
    """Raises RuntimeError when one answers otherwise than ours."""
    async with httpx.AsyncClient(timeout=60) as http:
        for question, reading in itertools.product(QUESTIONS, Reading):
            for of in itertools.islice(asked(reading, 0, 3, ORDERS), 3):
                operation = question.operation(reading)
                answers = {
                    each.name: await answer(http, each, operation, each.body(operation, of), each.tokens[reading])
                    for each in servers
                }
                for name, found in answers.items():
                    if found != answers[OURS]:
                        told = f"{name} answers {operation} of order {of.id} otherwise"
                        raise RuntimeError(f"{told}:\n{found}\n{answers[OURS]}")


async def answer(http: httpx.AsyncClient, server: Server, operation: str, body: str, token: str) -> Any:
    """Made plain. Raises RuntimeError for one with errors."""
    headers = {"authorization": token, "content-type": "application/json"}
    url = f"http://127.0.0.1:{server.port}{server.path(operation)}"
    found = await http.post(url, content=body, headers=headers)
    if found.status_code != 200 or '"errors":[' in found.text:
        raise RuntimeError(f"{server.name} does not answer {operation}: {found.status_code} {found.text}")
    return plain(found.json())


def plain(value: Any) -> Any:
    """Without the wrappers in which they differ, lists sorted: PostGraphile sorts by what is indexed alone."""
    if isinstance(value, dict):
        inner = {key: plain(each) for key, each in value.items() if key not in ("extensions", *_UNFOLDED)}
        for key in _UNFOLDED & value.keys():
            inner |= plain(value[key])
        for wrapper in ("data", "order", "orders", "found", "nodes"):
            if set(inner) == {wrapper}:
                return inner[wrapper]
        return inner
    if isinstance(value, list):
        return sorted((plain(each) for each in value), key=encoded)
    return datetime.fromisoformat(value) if isinstance(value, str) and value[10:11] == "T" else value


_UNFOLDED = {"quantities", "target"}

"""F33: all connections of a gateway are held by a Postgres that does not answer. What is asked waits in a queue that
has an end and is refused with 503; the process is alive, the projector projects. Then all is as it was before. C9."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from projections.database import Connection
from tests.controls import projecting, serving
from tests.controls.cutting import StandingLine, standing_line
from tests.controls.projecting import order
from tests.controls.running import running, there
from tests.controls.serving import Client
from tests.controls.waiting import until

ASKED = 100
SECONDS, ANSWERED = 60, 28
"""Longest wait for anything, and for an answer: a statement may take 12 s, and none is tried twice."""
HELD = "select count(*) from pg_stat_activity where application_name = 'milepost gateway'"
QUERIES = ('{ order(id: "1") { id } }', "{ orders { nodes { id } } }", "{ sources { name state } }")


class Resources(NamedTuple):
    """What is in use. `connections` are those to Postgres."""

    here: int
    running: int
    requests: int
    connections: int


@pytest.fixture
async def line(database: str) -> AsyncIterator[StandingLine]:
    await serving.create_schemas(database)
    async with standing_line(database) as found:
        yield found


@pytest.fixture
async def graph(database: str, line: StandingLine) -> AsyncIterator[Connection]:
    """By the short way."""
    db = await projecting.connected(database)
    yield db
    await db.close()


async def used(client: Client, graph: Connection) -> Resources:
    assert client.server
    gate, state = client.server.gateway.gate, client.server.server_state
    return Resources(gate.here, gate.running, len(state.tasks), await graph.fetchval(HELD))


async def statuses(client: Client, count: int) -> Counter[int]:
    """Of so many requests at once, each on a connection of its own."""
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=client.http.base_url, timeout=ANSWERED, limits=limits) as http:
        many = serving.Client(client.port, http, client.server, client.auth)
        answers = await asyncio.gather(*(many.post(QUERIES[n % len(QUERIES)]) for n in range(count)))
    assert all(each.headers["retry-after"] for each in answers if each.status_code == 503)
    return Counter(each.status_code for each in answers)


async def test_a_queue_with_an_end_and_all_as_before(
    line: StandingLine, graph: Connection, database: str, tmp_path: Path
) -> None:
    async with serving.running(line.dsn, tmp_path) as client:

        async def readiness(status: int) -> bool:
            return (await client.http.get("/ready")).status_code == status

        await until(lambda: readiness(200))
        assert set(await statuses(client, ASKED)) <= {200, 503}
        before, files = await used(client, graph), psutil.Process().num_fds()
        line.moves.clear()
        asking = asyncio.create_task(statuses(client, ASKED))
        await until(lambda: readiness(503))
        async with running(database, order(1, 1), order(2, 2)):
            await until(there(graph, "1", "2"))
        assert (await client.http.get("/health")).json() == {"healthy": True}
        assert await asking == {503: ASKED}
        line.moves.set()
        await until(lambda: readiness(200), SECONDS)

        async def answers() -> bool:
            return await statuses(client, 3) == {200: 3}

        await until(answers, SECONDS)

        async def as_before() -> bool:
            now = await used(client, graph)
            few = now.connections <= before.connections and psutil.Process().num_fds() <= files + 10
            return now[:3] == (0, 0, 0) and few

        await until(as_before, SECONDS)
    await projecting.check(graph)

"""Readers over the moment at which a rebuilt graph takes the place of the one that they read."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.postgres import Postgres
from demo.story import Story
from gateway.auth import Role
from gateway.database import Pool, Snapshot, open_pool
from gateway.visibility import Sight
from projections.database import Connection
from projections.projector import Advanced, Projector
from projections.rebuild import beside, run
from tests.controls import projecting
from tests.controls.projecting import order
from tests.controls.rebuilding import mended, rebuild, rebuilt
from tests.controls.story import MAPPINGS, captured_story
from tests.controls.waiting import until
from tests.integration.test_gateway_kept import check, keeping, requests
from tests.integration.test_projector import batches, interleaved
from tests.integration.test_rebuild import renamed

WAITING = "select exists (select from pg_locks where not granted)"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with await open_pool(database, 4) as found:
        yield found


def snapshot(pool: Pool) -> Snapshot:
    return Snapshot(pool, lambda: Sight(Role.OPERATIONS))


async def customer_po(reader: Snapshot) -> str:
    [row] = await reader.fetch("orders_by_id", ["2"])
    found: str = row["customer_po"]
    return found


async def two_orders(graph: Connection) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    assert isinstance(await projector.project([order(1, 1), order(2, 2, cuspo="PO-2")]), Advanced)


async def test_kept_answers_are_what_would_be_read_anew(postgres: Postgres, graph: Connection, database: str) -> None:
    _, streams = await captured_story(postgres, "keptrebuilt", Story(seed=4, orders=12))
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    async with keeping(database) as (answers, lanes):
        for batch in batches(interleaved(streams, seed=4), 50):
            await projector.project(batch)
        wanted = [each async for each in requests(graph, answers)]
        for _ in range(2):
            for each in wanted:
                await check(answers, lanes, each)
        assert sum(each.answer is not None for each in wanted) > len(wanted) / 2
        await rebuilt(database)
        await graph.execute("update graph.orders set display_status = 'DELAYED'")  # said to nobody: what is kept is old
        for each in wanted:
            await check(answers, lanes, each)


async def test_who_reads_in_several_statements_sees_the_old_graph_to_the_end(
    graph: Connection, database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WAITS", (0.01,))
    monkeypatch.setattr(run, "PAUSE", 0.01)
    await two_orders(graph)
    reader, tries = snapshot(pool), list[float]()
    replace = beside.replace

    async def counted(connection: Connection, within: float) -> None:
        tries.append(within)
        await replace(connection, within)

    monkeypatch.setattr(beside, "replace", counted)
    assert await customer_po(reader) == "PO-2"
    async with rebuild(database, mended(renamed)) as found:
        running = asyncio.create_task(found.run())

        async def tried() -> bool:
            return len(tries) > 3

        await until(tried)
        assert not running.done()
        assert await customer_po(reader) == "PO-2"
        await reader.close()
        assert (await running).swapped
    assert await customer_po(reader) == "PO-TWO"
    await reader.close()


async def test_who_comes_at_that_moment_waits_and_sees_the_new_one(
    graph: Connection, database: str, pool: Pool
) -> None:
    await two_orders(graph)
    async with rebuild(database, mended(renamed)) as found:
        await found.run()
    other = await projecting.connected(database)
    await run.drop_old(other)
    await beside.make(other)
    reader = snapshot(pool)
    async with other.transaction():
        await beside.replace(other, 1.0)
        reading = asyncio.create_task(reader.fetch("orders_by_id", ["2"]))
        single = asyncio.create_task(pool.fetchval("select count(*) from graph.orders"))
        await until(lambda: graph.fetchval(WAITING))
        await other.execute("insert into graph.customer values ('C', 'new', true, null, 'erp')")
    assert await reading == []
    assert [row["name"] for row in await reader.fetch("customers_by_id", ["C"])] == ["new"]
    assert await single == 0
    await reader.close()
    await other.close()

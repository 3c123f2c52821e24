"""F28, F29: projectors share a graph. Who lost a source writes nothing more of it; all see what the others wrote."""

import asyncio
import random

from app.postgres import Postgres
from cdc.change import Snapshot
from demo.story import Story
from projections.database import Connection
from projections.mapping import Mappings
from projections.projector import Advanced, Fenced, Projector
from projections.sharing import Share, Turn
from tests.controls import projecting
from tests.controls.projecting import header, order, transaction
from tests.controls.story import MAPPINGS, captured_story
from tests.controls.waiting import until

WAITS = "select count(*) from pg_locks where not granted"


async def joined(db: Connection, *sources: str, mappings: Mappings = MAPPINGS) -> Projector:
    projector = Projector(db, mappings, await Share.claimed(db, sources))
    await projector.start()
    return projector


async def test_a_zombie_is_refused_before_its_heir_has_written_anything(graph: Connection, database: str) -> None:
    other = await projecting.connected(database)
    zombie = await joined(graph, "erp")
    assert isinstance(await zombie.project([order(1, 1)]), Advanced)
    heir = await joined(other, "erp")
    before = await projecting.dump(graph)
    assert await zombie.project([order(2, 2)]) == Fenced("erp")
    assert await projecting.dump(graph) == before
    assert isinstance(await heir.project([order(2, 2)]), Advanced)
    await projecting.check(graph)
    await other.close()


async def test_what_was_never_claimed_is_refused(graph: Connection) -> None:
    assert await (await joined(graph, "east")).project([order(1, 1)]) == Fenced("erp")
    assert await graph.fetch("select from record.checkpoint") == []


async def test_the_heir_waits_for_a_batch_in_hand_and_goes_on_behind_it(graph: Connection, database: str) -> None:
    first, second, third = graph, await projecting.connected(database), await projecting.connected(database)
    holder = await joined(first, "erp")
    async with third.transaction():
        await third.execute("select from record.feed_head for update")
        writing = asyncio.create_task(holder.project([order(1, 1)]))
        await until(lambda: third.fetchval(WAITS))
        taking = asyncio.create_task(joined(second, "erp"))
        await until(lambda: _two_wait(third))
        assert not taking.done()
    assert isinstance(await writing, Advanced)
    heir = await taking
    assert heir.checkpoints["erp"].position == order(1, 1).position
    await second.close()
    await third.close()


async def _two_wait(db: Connection) -> bool:
    return bool(await db.fetchval(WAITS) >= 2)


async def test_each_sees_what_the_other_wrote(postgres: Postgres, graph: Connection, database: str) -> None:
    """Of the same orders: were its own memory believed, each would write them as they once were."""
    _, streams = await captured_story(postgres, "shared", Story(seed=11, orders=8))
    other = await projecting.connected(database)
    projectors = {"erp": await joined(graph, "erp"), "east": await joined(other, "east")}
    waiting = {source: iter(found) for source, found in streams.items()}
    turns = [source for source, found in streams.items() for _ in found]
    for source in random.Random(1).sample(turns, len(turns)):
        assert isinstance(await projectors[source].project([next(waiting[source])]), Advanced)
    await projecting.check(graph)
    await other.close()


async def test_the_views_wait_for_the_snapshot_of_another_ones_source(graph: Connection, database: str) -> None:
    other, mappings = await projecting.connected(database), {"erp": MAPPINGS["erp"], "second": MAPPINGS["erp"]}
    one, two = await joined(graph, "erp", mappings=mappings), await joined(other, "second", mappings=mappings)
    assert isinstance(await one.project([transaction(1, header(1), snapshot=Snapshot.PART)]), Advanced)
    assert isinstance(await two.project([transaction(1, header(2), source="second")]), Advanced)
    assert await graph.fetch("select from graph.orders") == []
    assert isinstance(await one.project([transaction(2, header(3), snapshot=Snapshot.LAST)]), Advanced)
    assert [row["id"] for row in await graph.fetch("select id from graph.orders order by id")] == ["1", "2", "3"]
    await other.close()


async def test_who_has_all_sources_believes_its_memory_no_more_when_another_wrote(graph: Connection) -> None:
    alone = Projector(graph, MAPPINGS)
    await alone.start()
    assert isinstance(await alone.project([order(1, 1)]), Advanced)
    async with graph.transaction():
        await Turn().take(graph)
        await graph.execute("delete from graph.fact where key like 'line/%'")
    assert isinstance(await alone.project([transaction(2, header(1, cuspo="PO-2"))]), Advanced)
    assert await graph.fetchval("select total from graph.orders") == 0

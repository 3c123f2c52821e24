"""F28, F29, F31: two projectors, a zombie, and a connection that is cut in the middle of a batch."""

import asyncpg
import pytest

from cdc.change import Checkpoint
from projections.database import Connection
from projections.projector import Advanced, Fenced, Projector
from projections.runner import State
from tests.controls import projecting
from tests.controls.projecting import order
from tests.controls.running import running, there
from tests.controls.story import MAPPINGS
from tests.controls.waiting import until

WAITS = "select count(*) from pg_locks where not granted and locktype in ('transactionid', 'tuple')"
CUT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and application_name = 'projector'
"""


async def test_a_zombie_writes_nothing(graph: Connection, database: str) -> None:
    zombie, other = Projector(graph, MAPPINGS), await projecting.connected(database)
    await zombie.start()
    assert isinstance(await zombie.project([order(1, 1)]), Advanced)
    heir = Projector(other, MAPPINGS)
    await heir.start()
    assert isinstance(await heir.project([order(2, 2)]), Advanced)
    before = await projecting.dump(graph)
    assert await zombie.project([order(2, 2), order(3, 3)]) == Fenced("erp")
    assert await projecting.dump(graph) == before
    assert isinstance(await heir.project([order(3, 3)]), Advanced)
    await projecting.check(graph)
    await other.close()


async def test_a_zombie_from_before_the_first_checkpoint_writes_nothing(graph: Connection, database: str) -> None:
    zombie, other = Projector(graph, MAPPINGS), await projecting.connected(database)
    heir = Projector(other, MAPPINGS)
    await zombie.start()
    await heir.start()
    assert isinstance(await heir.project([order(1, 1)]), Advanced)
    before = await projecting.dump(graph)
    assert await zombie.project([order(1, 1)]) == Fenced("erp")
    assert await projecting.dump(graph) == before
    await other.close()


async def test_the_second_projector_waits_for_the_first(graph: Connection, database: str) -> None:
    async with running(database, order(1, 1)) as first:
        await until(there(graph, "1"))
        async with running(database, order(1, 1), order(2, 2)) as second:
            await until(lambda: asked_for_the_lock(graph))
            assert (first.state, second.state) == (State.LIVE, State.STARTING)
            first.stop()
            await until(there(graph, "1", "2"))
    await projecting.check(graph)


async def asked_for_the_lock(graph: Connection) -> bool:
    return await graph.fetchval("select count(*) from pg_stat_activity where application_name = 'projector'") == 3


async def test_a_line_cut_in_the_middle_of_a_batch_loses_and_doubles_nothing(graph: Connection, database: str) -> None:
    async with running(database, order(1, 1)):
        await until(there(graph, "1"))
    other = await projecting.connected(database)
    async with other.transaction():
        await other.execute("select from record.feed_head for update")
        async with running(database, order(2, 2), order(3, 3), batch=2):
            await until(lambda: graph.fetchval(WAITS))
            await graph.execute(CUT)
            assert await there(graph, "1")()
            await other.execute("rollback; begin")
            await until(there(graph, "1", "2", "3"))
    await projecting.check(graph)
    assert [row[0] for row in await graph.fetch("select position from record.feed order by 1")] == [1, 2, 3]
    await other.close()


async def test_memory_forgets_what_was_not_committed(graph: Connection) -> None:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    await graph.execute("create function no() returns trigger language plpgsql as $$begin raise 'disk full'; end$$")
    await graph.execute("create trigger no before insert on record.feed execute function no()")
    with pytest.raises(asyncpg.RaiseError):
        await projector.project([order(1, 1)])
    await graph.execute("drop trigger no on record.feed")
    assert isinstance(await projector.project([order(1, 1)]), Advanced)
    assert projector.checkpoints == {"erp": Checkpoint("erp", order(1, 1).position, b"1")}
    await projecting.check(graph)

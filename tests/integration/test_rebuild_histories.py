"""Random histories: a rebuilt graph is the one that was folded, and a mended one what the ledger's replay gives."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.postgres import Postgres
from app.verifying import differences
from projections.database import Connection
from projections.past import order_as_of, shown_at
from projections.projector import Advanced, Projector
from projections.rebuild import facts, rows
from projections.rebuild.run import drop_old
from projections.rebuild.some import Orders
from projections.replay import replayed, stored
from tests.controls import projecting
from tests.controls.histories import ORDERS, History
from tests.controls.rebuilding import Mended, mended, rebuilt, swapped, whole
from tests.controls.story import MAPPINGS
from tests.integration.test_past import EMPTIED, of_order, seen

pytestmark = pytest.mark.asyncio(loop_scope="module")
SNAPSHOTTING = "select bool_or(snapshotting) from record.checkpoint"
FEED = "select order_id, version, type, key from record.feed order by position"
MANY = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=4, phases=[Phase.generate])
"""Each starts processes."""


@pytest.fixture(scope="module")
def dsn(postgres: Postgres) -> str:
    return postgres.dsn("histories")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def graph(postgres: Postgres) -> AsyncIterator[Connection]:
    async with projecting.made(postgres, "histories") as db:
        yield db


async def told(graph: Connection, seed: int) -> Projector:
    """A history whose snapshots are over."""
    await drop_old(graph)
    await graph.execute("select pg_advisory_unlock_all()")
    await graph.execute(EMPTIED)
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    for transaction in History(seed).transactions(25):
        assert isinstance(await projector.project([transaction]), Advanced)
    return projector


@MANY
@given(seed=st.integers(0, 2**32))
async def test_a_rebuilt_graph_is_the_same(graph: Connection, dsn: str, seed: int) -> None:
    await told(graph, seed)
    before, feed = await whole(graph), await graph.fetch(FEED)
    report = await rebuilt(dsn)
    assert report.counts == (0, 0, 0)
    after = await whole(graph)
    for table in after:
        if table != "fact":  # what was deleted long ago may have been deleted by another change
            assert after[table] == before[table], table
    alive = [row for row in before["fact"] if row[5] is not None]
    assert [row for row in after["fact"] if row[5] is not None] == alive
    assert await graph.fetch(FEED) == feed


@MANY
@given(seed=st.integers(0, 2**32))
async def test_a_mended_graph_is_the_replay_and_has_its_past(graph: Connection, dsn: str, seed: int) -> None:
    mappings = {source: Mended(swapped, mapping) for source, mapping in MAPPINGS.items()}
    await told(graph, seed)
    await rebuilt(dsn, mappings)
    await projecting.check_with(graph, mappings)
    await projecting.check_told(graph)
    moments = await graph.fetch("select distinct projected_at as at from record.ledger order by 1")
    for (at,) in moments[:: max(1, len(moments) // 4)]:
        then = await replayed(graph, mappings, await shown_at(graph, at))
        for order in ORDERS:
            async with graph.transaction(isolation="repeatable_read"):
                found = seen(await order_as_of(graph, mappings, order, at) or {})
            expected = of_order(then.values(), order)
            assert found == (expected if ("orders", order) in expected else {})


@FEW
@given(seed=st.integers(0, 2**32))
async def test_several_workers_make_what_one_makes(
    graph: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Of pages and shares that are as small as can be."""
    mappings = {source: Mended(swapped, mapping) for source, mapping in MAPPINGS.items()}
    await told(graph, seed)
    await rebuilt(dsn, mappings)
    alone = await whole(graph)
    await drop_old(graph)
    await graph.execute("select pg_advisory_unlock_all()")
    with monkeypatch.context() as small:
        small.setattr(facts, "PAGE", 3)
        small.setattr(facts, "ROUND", 15)
        small.setattr(rows, "FACTS", 2)
        report = await rebuilt(dsn, mappings, workers=2)
    assert report.counts == (0, 0, 0)
    assert await whole(graph) == alone
    await projecting.check_with(graph, mappings)


@MANY
@given(seed=st.integers(0, 2**32))
async def test_orders_that_are_mended_one_by_one_are_the_replay(graph: Connection, dsn: str, seed: int) -> None:
    mappings = mended(swapped)
    await told(graph, seed)
    some = Orders(graph, mappings)
    for row in await graph.fetch("select id from graph.orders order by id"):
        await some.mend(row["id"])
    assert differences(await replayed(graph, mappings), await stored(graph)) == []
    assert await graph.fetchval(SNAPSHOTTING) is not True

"""Documents that hang on several orders, move, lose them or hang in circles, through Postgres: whatever of them is in
memory, after a snapshot and after a rebuild, the graph is what the ledger's replay gives."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from msgspec import json

from app.postgres import Postgres
from cdc.change import Change, Op, Snapshot, Transaction
from orders.facts import Fact
from projections import snapshot
from projections.database import Connection
from projections.projector import Advanced, Projector
from projections.rebuild import rows
from projections.rebuild.run import drop_old
from projections.text import text_doc
from tests.controls import projecting
from tests.controls.plainly import History, Told
from tests.controls.rebuilding import rebuilt
from tests.integration.test_past import EMPTIED
from tests.unit.test_fold_hanging import HUNG, INHERITED, MOVED, RENUMBERED, gone, ordered, shipped

pytestmark = pytest.mark.asyncio(loop_scope="module")
MANY = settings(
    max_examples=10,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
CIRCLE: History = [[[ordered("1", "1", "2"), shipped("1", 0, "1")]], [[ordered("2", "2", "1")]]]
"""Each order replaces the other: there is no document at the top."""
RIVALS = """
select doc from (
    select doc, row_number() over (partition by ident order by doc) as place from graph.claim
    where starts_with(ident, 'order_number=')
) claimed where place > 1
"""


class Telling:
    """A source whose rows are facts."""

    tables = ("public.told",)

    def facts(self, change: Change) -> Sequence[Fact]:
        if change.after is None:
            return [Fact(change.key["key"])]
        return [json.decode(change.after["fact"], type=Fact)]

    def prefixes(self, table: str) -> tuple[str, ...]:
        return ("",)


MAPPINGS = dict.fromkeys(("erp", "east", "north"), Telling())


def transactions(batch: Sequence[Sequence[Told]], log: int) -> list[Transaction]:
    """Each is of one source."""
    parts = [(source, list(told)) for found in batch for source, told in groupby(found, lambda each: each[0])]
    return [
        projecting.transaction(log + place, *(row(fact) for _, fact in told), source=source)
        for place, (source, told) in enumerate(parts, 1)
    ]


def row(fact: Fact) -> projecting.Written:
    key = {"key": fact.key}
    if fact.body is None:
        return "public.told", Op.DELETE, key, None
    return "public.told", Op.UPDATE, key, {**key, "fact": json.encode(fact).decode()}


@pytest.fixture(scope="module")
def dsn(postgres: Postgres) -> str:
    return postgres.dsn("hanging")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def graph(postgres: Postgres) -> AsyncIterator[Connection]:
    async with projecting.made(postgres, "hanging") as db:
        yield db


async def project(graph: Connection, history: History, restarts: Sequence[bool]) -> None:
    """In its batches, with a new projector before some of them; in the end no two orders have one number."""
    projector = await started(graph)
    for log, (batch, restart) in enumerate(zip(history, restarts, strict=False), 1):
        projector = await started(graph) if restart else projector
        assert isinstance(await projector.project(transactions(batch, 100 * log)), Advanced)
    for row in await graph.fetch(RIVALS):
        log += 1
        end = transactions([[gone(ordered(text_doc(row["doc"]).id, ""))]], 100 * log)
        assert isinstance(await projector.project(end), Advanced)


async def started(graph: Connection) -> Projector:
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    return projector


@MANY
@given(history=st.one_of(HUNG, RENUMBERED), restarts=st.lists(st.booleans(), min_size=6, max_size=6))
@example(history=MOVED, restarts=[True] * 6)
@example(history=MOVED[:1], restarts=[True] * 6)
@example(history=INHERITED, restarts=[True] * 6)
@example(history=CIRCLE, restarts=[True] * 6)
async def test_the_graph_is_the_replay(
    graph: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch, history: History, restarts: list[bool]
) -> None:
    """Of pages that are as small as can be."""
    await drop_old(graph)
    await graph.execute("select pg_advisory_unlock_all()")
    await graph.execute(EMPTIED)
    await project(graph, history, restarts)
    await projecting.check_with(graph, MAPPINGS)
    with monkeypatch.context() as small:
        small.setattr(snapshot, "FACTS", 0)
        small.setattr(rows, "FACTS", 0)
        report = await rebuilt(dsn, MAPPINGS)
        assert report.counts == (0, 0, 0)
        await projecting.check_with(graph, MAPPINGS)
        await ended(graph)
        await projecting.check_with(graph, MAPPINGS)


async def ended(graph: Connection) -> None:
    """A snapshot of a source that has nothing."""
    projector = await started(graph)
    last = projecting.transaction(1, snapshot=Snapshot.LAST, source="north")
    assert isinstance(await projector.project([last]), Advanced)

"""Random histories, cut into random batches: what was folded ahead is stored as if each batch had waited its turn."""

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.postgres import Postgres
from cdc.change import Broken, Change, Snapshot, Transaction
from projections.database import Connection
from projections.isolating import project_or_isolate
from projections.loader import CAP
from projections.projector import Projector
from tests.controls import projecting
from tests.controls.histories import History
from tests.controls.piping import piping
from tests.controls.rebuilding import whole
from tests.controls.story import MAPPINGS
from tests.integration.test_past import EMPTIED
from tests.integration.test_rebuild_histories import FEED

pytestmark = pytest.mark.asyncio(loop_scope="module")
LETTERS = "select source, log, ordinal, kind, resolution from record.dead_letter order by source, log, ordinal, kind"
ENTERED = "select source, epoch, log, ordinal, outcome from record.ledger order by id"
TALLIES = "select source, log, seen, applied, superseded, dead, filtered from record.checkpoint order by source"
FEW = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
SMALL = 12
"""Facts: less than a few orders have."""


@pytest.fixture(scope="module")
def dsn(postgres: Postgres) -> str:
    return postgres.dsn("piped")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def graph(postgres: Postgres) -> AsyncIterator[Connection]:
    async with projecting.made(postgres, "piped") as db:
        yield db


async def emptied(graph: Connection, cap: int) -> Projector:
    await graph.execute(EMPTIED)
    projector = Projector(graph, MAPPINGS, cap=cap)
    await projector.start()
    return projector


async def seen(graph: Connection) -> list[object]:
    return [await whole(graph), *[await graph.fetch(each) for each in (FEED, LETTERS, ENTERED, TALLIES)]]


def batches(seed: int, *, poison: bool = False) -> list[list[Transaction]]:
    """Some transactions come again; with `poison` Postgres cannot store some headers, but none of a snapshot."""
    rng, found, snapshotting = random.Random(seed), [list[Transaction]()], set[str]()
    for each in History(seed).transactions(40):
        (snapshotting.add if each.snapshot is Snapshot.PART else snapshotting.discard)(each.source)
        plain = each.snapshot is Snapshot.NO and not snapshotting
        found[-1].append(spoiled(each) if poison and plain and rng.random() < 0.2 else each)
        if rng.random() < 0.5:
            found.append(found[-1][-1:] if rng.random() < 0.1 else [])
    return found


def spoiled(each: Transaction) -> Transaction:
    return replace(each, changes=[no_text(change) for change in each.changes])


def no_text(change: Change | Broken) -> Change | Broken:
    if isinstance(change, Broken) or change.table != "public.ordhdr" or change.after is None:
        return change
    return replace(change, after={**change.after, "cuspo": "PO\0"})


@FEW
@given(seed=st.integers(0, 2**32), cap=st.sampled_from([SMALL, CAP]))
async def test_a_pipeline_stores_what_one_batch_after_the_other_gives(
    graph: Connection, dsn: str, seed: int, cap: int
) -> None:
    projector = await emptied(graph, CAP)
    for batch in batches(seed):
        await project_or_isolate(projector, batch)
    expected = await seen(graph)
    async with piping(await emptied(graph, cap), dsn) as found:
        await found.through(batches(seed))
    assert await seen(graph) == expected


@FEW
@given(seed=st.integers(0, 2**32), cap=st.sampled_from([SMALL, CAP]))
async def test_what_is_left_when_some_of_it_is_refused_is_what_the_ledger_gives(
    graph: Connection, dsn: str, seed: int, cap: int
) -> None:
    """What Postgres sees of a row that changes twice, and so what it refuses, depends on what is written together."""
    async with piping(await emptied(graph, cap), dsn) as found:
        await found.through(batches(seed, poison=True))
    await projecting.check(graph)

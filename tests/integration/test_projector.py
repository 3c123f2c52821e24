"""The projector over the demo's whole story, checked against the direct computation over the sources."""

import random
from collections.abc import AsyncIterator
from importlib.resources import files

import asyncpg
import pytest

from adapters.origins import DirectSource
from app.direct import compare_direct, render
from app.postgres import Postgres
from cdc.change import Transaction
from demo.story import Story
from projections.database import SCHEMAS, SQL, schema_sql
from projections.projector import Advanced, Projector
from projections.replay import stored
from tests.controls.folding import folded
from tests.controls.story import ADAPTER_OF, MAPPINGS, captured_story

MANY_FACTS = """
insert into graph.fact select 'erp', 'order/' || n, 1, n, 1, 'erp/order/' || n, repeat('x', 200)::bytea
from generate_series(1, 20000) n
"""


@pytest.fixture
async def graph(database: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(database)
    for path in SCHEMAS:
        await db.execute(schema_sql(path))
    await db.execute(files("commands").joinpath("sql/commands.sql").read_text())
    yield db
    await db.close()


async def test_the_whole_story_equals_the_direct_computation(
    postgres: Postgres, database: str, graph: asyncpg.Connection
) -> None:
    sources, transactions = await captured_story(postgres, "whole", Story(seed=7, orders=60))
    projector = Projector(graph, MAPPINGS)
    await projector.start()
    for batch in batches(interleaved(transactions, seed=1), 20):
        assert isinstance(await projector.project(batch), Advanced)
    differences = await compare_direct(
        database,
        [
            DirectSource("erp", ADAPTER_OF["erp"], sources.erp_capture),
            DirectSource("east", ADAPTER_OF["east"], sources.east_capture),
        ],
    )
    assert differences == [], render(differences)
    assert await graph.fetchval("select count(*) from record.dead_letter") == 0


async def test_what_was_let_go_comes_back_as_it_was(postgres: Postgres, graph: asyncpg.Connection) -> None:
    """With room for a few orders, the projector makes the events and rows of one that remembers all."""
    transactions = interleaved((await captured_story(postgres, "forgetful", Story(seed=8, orders=30)))[1], seed=2)
    expected, events = folded(transactions, MAPPINGS)
    projector = Projector(graph, MAPPINGS, cap=200)
    await projector.start()
    for batch in batches(transactions, 10):
        assert isinstance(await projector.project(batch), Advanced)
    told = await graph.fetch("select order_id, version, key from record.feed order by position")
    assert told == [(e.order_id, e.version, e.happening.key) for e in events]
    await graph.execute("set time zone 'UTC'")
    assert await stored(graph) == expected


def interleaved(transactions: dict[str, list[Transaction]], seed: int) -> list[Transaction]:
    """Any interleaving of the sources; each keeps its order."""
    rng, waiting = random.Random(seed), {source: iter(found) for source, found in transactions.items()}
    turns = [source for source, found in transactions.items() for _ in found]
    rng.shuffle(turns)
    return [next(waiting[source]) for source in turns]


def batches(transactions: list[Transaction], size: int) -> list[list[Transaction]]:
    return [transactions[start : start + size] for start in range(0, len(transactions), size)]


async def test_what_a_batch_needs_is_loaded_without_reading_all_facts(graph: asyncpg.Connection) -> None:
    await graph.execute(MANY_FACTS)
    await graph.execute("analyze graph.fact")
    docs = [f"erp/order/{number}" for number in range(300)]
    plan = await graph.fetch("explain " + SQL["component"], docs, [])
    lines = [str(row[0]) for row in plan]
    assert any("on fact" in line for line in lines)
    assert not [line for line in lines if "Seq Scan on fact" in line]

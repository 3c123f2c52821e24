"""The projector over the demo's whole story, checked against the direct computation over the sources."""

import random
from collections.abc import AsyncIterator
from importlib.resources import files

import asyncpg
import pytest

from adapters.origins import DirectSource
from app.postgres import Postgres
from app.verify import compare_direct, render
from cdc.change import Transaction
from demo.story import Story
from projections.database import SCHEMAS, schema_sql
from projections.projector import Advanced, Projector
from tests.controls.story import ADAPTER_OF, MAPPINGS, captured_story


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


def interleaved(transactions: dict[str, list[Transaction]], seed: int) -> list[Transaction]:
    """Any interleaving of the sources; each keeps its order."""
    rng, waiting = random.Random(seed), {source: iter(found) for source, found in transactions.items()}
    turns = [source for source, found in transactions.items() for _ in found]
    rng.shuffle(turns)
    return [next(waiting[source]) for source in turns]


def batches(transactions: list[Transaction], size: int) -> list[list[Transaction]]:
    return [transactions[start : start + size] for start in range(0, len(transactions), size)]

"""What the benches ask: valid documents, a statement by hand for each, and no order twice."""

import json
from pathlib import Path

import asyncpg
import pytest
from graphql import build_schema, parse, validate

from app.postgres import Postgres
from bench.floor import parameters
from bench.query import plain
from bench.questions import BATCH, BOARD, BY_HAND, ORDERS, OWN, PARAMETERS, QUESTIONS, Reading, asked, documents

SCHEMA = Path(__file__).parents[2] / "schema.graphql"
OPERATIONS = {question.operation(reading) for question in (*QUESTIONS, BOARD) for reading in Reading}


def test_our_documents_are_valid() -> None:
    schema = build_schema(SCHEMA.read_text(), assume_valid_sdl=True)
    found = {name: validate(schema, parse(each.text)) for name, each in documents("ours").items()}
    assert found == {name: [] for name in OPERATIONS}


def test_each_operation_is_there_by_hand_and_for_postgraphile() -> None:
    assert BY_HAND.keys() == PARAMETERS.keys() == OPERATIONS
    assert documents("postgraphile").keys() == OPERATIONS - {"board"}


def test_what_is_asked_first_is_about_another_order_each_time() -> None:
    found = [of.id for start in (0, 30_000) for of in asked(Reading.FIRST, start, 10_000, ORDERS)]
    assert len(set(found)) == 20_000
    assert all(1 <= int(order) <= ORDERS for order in found)


def test_what_is_asked_again_is_about_one_account() -> None:
    found = list(asked(Reading.AGAIN, 0, 1, ORDERS))
    assert {of.account for of in found} == {"C7"}
    assert len({tuple(of.ids) for of in found}) * BATCH == len(found) == len(OWN)


@pytest.mark.parametrize("reading", list(Reading))
async def test_pgbench_asks_for_the_same(postgres: Postgres, reading: Reading) -> None:
    db = await asyncpg.connect(postgres.dsn("postgres"), server_settings={"timezone": "UTC"})
    try:
        for of in [*asked(reading, 40_000, 120, ORDERS)][::40]:
            for name, sql in parameters(ORDERS, again=reading is Reading.AGAIN).items():
                found = json.loads(await db.fetchval(f"select to_json({sql})::text".replace(":order", of.id)))
                assert found == getattr(of, name)
    finally:
        await db.close()


def test_answers_may_differ_in_their_wrappers_only() -> None:
    lines = [{"line": "2"}, {"line": "1", "quantities": {"ordered": "1"}}]
    ours = {"data": {"order": {"id": "7", "lines": lines}}, "extensions": {}}
    theirs = {"data": {"order": {"id": "7", "lines": {"nodes": [{"line": "1", "ordered": "1"}, {"line": "2"}]}}}}
    assert plain(ours) == plain(theirs) != plain({"data": {"order": {"id": "7", "lines": []}}})
    assert plain({"at": "2026-01-01T00:00:00Z"}) == plain({"at": "2026-01-01T01:00:00+01:00"})

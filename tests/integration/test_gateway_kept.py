"""Answers that are kept are what would be read anew, whatever the projector writes meanwhile."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.postgres import Postgres
from demo.story import Story
from gateway.auth import Principal, Role
from gateway.cursors import global_id
from gateway.database import open_plan_pool
from gateway.lanes import Lanes
from gateway.plan import answers as module
from gateway.plan.answers import Answers, Asked
from gateway.schema import build_plans, build_schema
from projections.projector import Advanced, Projector
from tests.controls.projecting import connected, create_schemas
from tests.controls.story import MAPPINGS, captured_story
from tests.integration.test_projector import batches, interleaved

PLANS = build_plans(build_schema())
OURS = Principal("x", Role.OPERATIONS, 2**40)
ORDER = """query ($id: ID!) { order(id: $id) {
    id version displayStatus customer { name } shipTo { city } lines { line status product { description } }
    shipments { id milestone lines { sku } packages { sscc } milestones { milestone } transportEvents { code } }
    fulfillmentOrders { id state } invoices { number status lines { seq } } returns { number lines { line } }
    charges { kind } holds { held } references { scheme value } events(last: 3) { type version } } }"""
NUMBER = "query ($number: String) { order(number: $number) { id displayStatus shipments { tracking } } }"
LIST = "{ orders(first: 20) { totalCount nodes { id displayStatus shipments { milestone } } } }"
SORTED = "{ orders(last: 5, orderBy: %s) { edges { cursor node { id lastEventAt promisedOn } } } }"
SORTS = ("LATEST_EVENT_FIRST", "EARLIEST_EVENT_FIRST", "LATEST_PROMISE_FIRST", "EARLIEST_PROMISE_FIRST")
OF_CUSTOMER = """query ($of: ID!) {
    customer(id: $of) { orders { totalCount nodes { id displayStatus } } }
    orders(filter: {customerId: $of}) { totalCount nodes { id health } } }"""
NODE = """query ($id: ID!) { node(id: $id) { globalId ... on Order {
    displayStatus why { state previous since events { type version } } } } }"""
INVENTORY = "{ inventory { sku warehouse onHand } }"
COUNTS = "{ orderCounts(by: DISPLAY_STATUS) { value count } }"
FIND = "query ($of: String!) { find(reference: $of) { scheme target { __typename ... on Shipment { milestone } } } }"
ENTITIES = """query ($all: [_Any!]!) { _entities(representations: $all) {
    ... on Order { id health } ... on Customer { name } ... on Product { description } } }"""


def callers(customers: Sequence[str]) -> list[Principal]:
    return [
        OURS,
        Principal("x", Role.CHANNEL, 2**40, frozenset({"EDI"})),
        *(Principal("x", Role.CUSTOMER, 2**40, frozenset({each})) for each in customers),
        Principal("x", Role.PARTNER, 2**40, frozenset({"east"})),
    ]


@asynccontextmanager
async def keeping(dsn: str) -> AsyncIterator[tuple[Answers, Lanes]]:
    pool = await open_plan_pool(dsn, 4)
    lanes = Lanes(pool, 4)
    yield Answers(lanes, PLANS), lanes
    await lanes.close()
    await pool.close()


def asked(answers: Answers, query: str, caller: Principal = OURS, **variables: object) -> Asked:
    raw = json.dumps([query, variables]).encode()
    found = answers.find(raw, caller) or answers.plan(raw, query, variables, None, caller)
    assert found is not None
    return found


async def ask(answers: Answers, query: str, caller: Principal = OURS, **variables: object) -> bytes | None:
    return await data(answers, asked(answers, query, caller, **variables))


async def data(answers: Answers, found: Asked) -> bytes | None:
    answer = await answers.answer(found)
    return answer and answer.data


async def check(answers: Answers, lanes: Lanes, found: Asked) -> None:
    kept, row = await data(answers, found), await lanes.row(found.plan.statement.sql, *found.plan.parameters)
    assert row is not None
    # Where an entity is missing, the ordinary way says which.
    assert kept == (None if found.plan.statement.lacks(row[0]) else row[0])


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_kept_is_what_would_be_read(postgres: Postgres, database: str, seed: int) -> None:
    _, transactions = await captured_story(postgres, f"kept{seed}", Story(seed=seed, orders=12))
    db = await connected(database)
    await create_schemas(db)
    projector = Projector(db, MAPPINGS)
    await projector.start()
    rng = random.Random(seed)
    async with keeping(database) as (answers, lanes):
        wanted: list[Asked] = []
        for batch in batches(interleaved(transactions, seed), 12):
            assert isinstance(await projector.project(batch), Advanced)
            if not wanted:
                wanted = [each async for each in requests(db, answers)]
            kept = sum(each.answer is not None for each in wanted)
            for each in rng.sample(wanted, len(wanted)):
                await check(answers, lanes, each)
        assert kept > len(wanted) / 2
    await db.close()


async def requests(db: "asyncpg.Connection[asyncpg.Record]", answers: Answers) -> AsyncIterator[Asked]:
    """Of orders that are there and of such as will be."""
    numbers = [str(100001 + n) for n in range(12)]
    references = [r["value"] for r in await db.fetch("select distinct value from graph.reference limit 20")]
    customers = [r["id"] for r in await db.fetch("select id from graph.customer order by id limit 3")]
    for caller in callers(customers):
        for number in numbers:
            yield asked(answers, ORDER, caller, id=number)
            yield asked(answers, NUMBER, caller, number=number)
            yield asked(answers, NODE, caller, id=global_id("Order", number))
        for query in (LIST, COUNTS, INVENTORY, *(SORTED % sort for sort in SORTS)):
            yield asked(answers, query, caller)
        for customer in customers:
            yield asked(answers, OF_CUSTOMER, caller, of=customer)
        for value in (*references, *numbers):
            yield asked(answers, FIND, caller, of=value)
        keys = [{"__typename": "Order", "id": number} for number in numbers]
        yield asked(answers, ENTITIES, caller, all=[*keys, {"__typename": "Customer", "id": customers[0]}])


@pytest.fixture
async def rows(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    db = await asyncpg.connect(dsn)
    yield db
    await db.close()


STATUS = '{ order(id: "1042") { displayStatus } }'
CHANGE = "update graph.orders set display_status = $1 where id = '1042'"
TERMINATE = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()
"""
MOVE = "insert into graph.revision values ('order/1042', $1) on conflict (subject) do update set revision = $1"


async def test_a_kept_answer_is_sent_until_its_revision_moves_on(rows: asyncpg.Connection, database: str) -> None:
    async with keeping(database) as (answers, _):
        first = [await ask(answers, STATUS) for _ in range(3)]
        assert first == [b'{"order":{"displayStatus":"PARTLY_SHIPPED"}}'] * 3
        await rows.execute(CHANGE, "DELAYED")
        assert await ask(answers, STATUS) == first[0]  # so it is kept; the projector would have moved the revision
        await rows.execute(MOVE, 77)
        assert await ask(answers, STATUS) == b'{"order":{"displayStatus":"DELAYED"}}'


LAG = '{ order(id: "1042") { freshness { lagSeconds } } sources { lagSeconds } }'


async def test_how_old_something_is_is_asked_each_time(rows: asyncpg.Connection, database: str) -> None:
    async with keeping(database) as (answers, _):
        found = [await ask(answers, LAG) for _ in range(3)]
        assert None not in found
        assert len(set(found)) == 3
        assert asked(answers, LAG).answer is None


async def test_of_another_postgres_nothing_is_kept(rows: asyncpg.Connection, database: str) -> None:
    """Its transactions have the same numbers."""
    async with keeping(database) as (answers, _):
        for _ in range(3):
            await ask(answers, STATUS)
        await rows.execute(CHANGE, "DELAYED")
        await rows.execute(TERMINATE, database.rpartition("/")[2])
        found = [await ask(answers, STATUS) for _ in range(2)]
        assert found[0] in (None, found[1])  # None: the ordinary way tries
        assert found[1] == b'{"order":{"displayStatus":"DELAYED"}}'


async def test_what_is_remembered_is_bounded_in_bytes(
    rows: asyncpg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nothing is asked twice, so that no answer is kept."""
    monkeypatch.setattr(module, "MEMORY", 10_000)
    async with keeping(database) as (answers, _):
        for number in range(200):
            await ask(
                answers, f'{{ a{number}: order(id: "1042") {{ id displayStatus commercial fulfillment delivery }} }}'
            )
        requests, size = answers.sizes()
        assert 10 < requests < 30
        assert 5_000 < size <= 10_000


async def test_what_is_kept_is_bounded_in_bytes(
    rows: asyncpg.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MEMORY", 1000)
    async with keeping(database) as (answers, _):
        for number in range(100):
            query = f'{{ a{number}: order(id: "1042") {{ id displayStatus commercial fulfillment delivery }} }}'
            for _ in range(2):
                await ask(answers, query)
        requests, size = answers.sizes()
        assert size <= 1000
        assert requests < 20


async def test_nobody_gets_what_was_made_for_another(rows: asyncpg.Connection, database: str) -> None:
    """S18."""
    mine = Principal("x", Role.CUSTOMER, 2**40, frozenset({"C1"}))
    other = Principal("x", Role.CUSTOMER, 2**40, frozenset({"C2"}))
    async with keeping(database) as (answers, _):
        for _ in range(3):
            assert await ask(answers, STATUS, mine) == b'{"order":{"displayStatus":"PARTLY_SHIPPED"}}'
            assert await ask(answers, STATUS, other) == b'{"order":null}'


class Counting(Lanes):
    """Counts statements of many rows."""

    statements = 0

    async def rows(self, sql: str, *args: object) -> Sequence[asyncpg.Record]:
        self.statements += 1
        return await super().rows(sql, *args)


async def test_many_who_ask_at_once_are_told_by_one_statement(rows: asyncpg.Connection, database: str) -> None:
    pool = await open_plan_pool(database, 4)
    lanes = Counting(pool, 4)
    answers = Answers(lanes, PLANS)
    for _ in range(2):
        await ask(answers, STATUS)
    found = await asyncio.gather(*(ask(answers, STATUS) for _ in range(50)))
    assert found == [b'{"order":{"displayStatus":"PARTLY_SHIPPED"}}'] * 50
    assert lanes.statements == 1
    await lanes.close()
    await pool.close()

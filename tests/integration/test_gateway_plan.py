"""What is compiled answers the same as what is executed: for every role, and for whatever can be asked."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from app.postgres import Postgres
from gateway.auth import Principal, Role
from gateway.context import Context
from gateway.cost import DOOR, objects_in
from gateway.cursors import global_id
from gateway.database import open_plan_pool, open_pool
from gateway.feed import Feed
from gateway.lanes import Lanes
from gateway.plan.answers import Answers
from gateway.plan.plans import Plans
from gateway.schema import build_plans
from gateway.throttle import Throttle
from gateway.types.choices import OrderSort
from tests.controls import serving
from tests.controls.documents import NODES, SCHEMA, documents

HERE = Path(__file__).parent
CALLERS = [
    *(Principal("x", role, 2**40) for role in (Role.ADMIN, Role.SERVICE, Role.ANALYTICS)),
    *(Principal("x", Role.CUSTOMER, 2**40, frozenset(names)) for names in ({"C1"}, {"C2"}, {"C1", "C2"}, {"C3"})),
    *(Principal("x", Role.CHANNEL, 2**40, frozenset(names)) for names in ({"EDI"}, {"WEB"})),
    *(Principal("x", Role.PARTNER, 2**40, frozenset(names)) for names in ({"east"}, {"west"})),
]

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Both:
    """The two ways."""

    def __init__(self, context: Context, answers: Answers, plans: Plans) -> None:
        self.context, self.answers, self.plans = context, answers, plans

    async def executed(self, query: str, caller: Principal, variables: dict[str, Any]) -> Any:
        self.context.principal = caller
        return formatted(await SCHEMA.execute(query, variable_values=variables, context_value=self.context))

    async def compiled(self, query: str, caller: Principal, variables: dict[str, Any]) -> Any:
        asked = self.answers.plan(f"{query} {variables}".encode(), query, variables, None, caller)
        if asked is None:
            return None
        if not asked.whole:
            self.context.principal = caller
            try:
                result = await SCHEMA.complete(asked.plan, variable_values=variables, context_value=self.context)
            except LookupError:
                return None
            return json.loads(msgspec.json.encode(formatted(result)))
        answers = [await self.answers.answer(asked) for _ in range(3)]  # read, kept, and found to be as it was
        found = [answer and answer.data for answer in answers]
        assert found == [found[0]] * 3
        if found[0] is None and "_entities" in query:
            return None  # one is missing, which the ordinary way says
        assert found[0] is not None, asked.plan.statement.sql
        return {
            "data": json.loads(found[0]),
            "errors": [],
            "cost": {"requested": asked.plan.cost, "actual": max(objects_in(found[0]), DOOR)},
        }


def formatted(result: Any) -> dict[str, Any]:
    errors = [error.formatted | {"locations": None} for error in result.errors or ()]
    return {"data": result.data, "errors": errors, "cost": counted(result)}


def counted(result: Any) -> dict[str, int | None]:
    cost = (result.extensions or {}).get("cost", {})
    return {name: cost.get(name) for name in ("requested", "actual")}


def canonical(answer: Any) -> str:
    """JSON knows one kind of number, 0 and 0.0 are the same; and errors have no order."""
    errors = sorted(answer["errors"], key=lambda error: str(error["path"]))
    text = json.dumps([answer["data"], errors, answer["cost"]], default=str)
    return json.dumps(json.loads(text, parse_int=float))


CLOCK = """
create schema clock;
create function clock.now() returns timestamptz language sql stable
as $$ select timestamptz '2026-03-09 12:00:00.25Z' $$;
alter database gateway_plan set search_path = clock, pg_catalog, public;
"""
"""It stands still: how old something is must be the same both ways."""
COMMANDS = """
insert into command.command
    (id, client, key, kind, order_id, source, order_number, payload, digest, requested_by, settled_position)
values ('cmd_1', 'ann', '1', 'HOLD_ORDER', '1042', 'erp', '1042', '{}', '', 'ann', 2),
    ('cmd_2', 'ann', '2', 'RELEASE_HOLD', '1043', 'erp', '1043', '{}', '', 'ann', null);
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(postgres: Postgres) -> AsyncIterator[Both]:
    await postgres.create_database("gateway_plan")
    dsn = postgres.dsn("gateway_plan")
    db = await asyncpg.connect(dsn)
    await db.execute(CLOCK)
    await db.close()
    await serving.create_graph(dsn)
    db = await asyncpg.connect(dsn)
    await db.execute(COMMANDS)
    for file in ("gateway_west.sql", "gateway_copies.sql"):
        await db.execute((HERE / file).read_text())
    await db.close()
    pool, plan_pool = await open_pool(dsn, 4), await open_plan_pool(dsn, 4)
    context = Context(pool, Feed(lambda: asyncpg.connect(dsn)), Throttle(pool, serving.PLENTY))
    lanes, plans = Lanes(plan_pool, 4), build_plans(SCHEMA)
    yield Both(context, Answers(lanes, plans), plans)
    await lanes.close()
    await plan_pool.close()
    await pool.close()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=documents(), caller=st.sampled_from(CALLERS), yes=st.booleans())
async def test_both_ways_give_the_same_answer(both: Both, query: str, caller: Principal, yes: bool) -> None:
    variables = {"yes": yes}
    executed = await both.executed(query, caller, variables)
    compiled = await both.compiled(query, caller, variables)
    if compiled is not None:
        for root in compiled_roots(both.plans, query, caller, variables):
            event(f"{root} compiled")
        assert canonical(compiled) == canonical(executed)


def compiled_roots(plans: Plans, query: str, caller: Principal, variables: dict[str, Any]) -> set[str]:
    plan = plans.look(query, variables, None, caller)
    assert plan is not None
    return {root for key, root in re.findall(r"(r\d): (\w+)", query) if key not in plan.statement.reasons}


WHOLE_ORDER = (HERE / "gateway_whole_order.graphql").read_text()
LIST = WHOLE_ORDER[: WHOLE_ORDER.rindex("}")].replace("query WholeOrder($id: ID!)", "query List") + "} } }"
LIST = LIST.replace(
    "order(id: $id) {",
    """orders(first: 50) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node {""",
)
WHY = """
query ($id: ID!) { order(id: $id) {
  why { facet state previous since events { version type order { id } } }
  freshness { source state asOf lagSeconds stale waiting }
} }
"""
CUSTOMER = """
query ($n: Int, $by: OrderSort!) { order(id: "1042") { customer { orders(first: $n, orderBy: $by) {
  totalCount edges { cursor node { id } } pageInfo { hasNextPage startCursor }
} } } }
"""
SORTED = """
query ($by: OrderSort!) { orders(orderBy: $by, last: 2) {
  edges { cursor node { id } } nodes { id } pageInfo { hasPreviousPage endCursor }
} }
"""
TWICE = """
{ find(reference: "1042") { target { ...Of } order { ...Of } } }
fragment Of on Order { events(last: 1) { type } customer { orders(first: 2) { nodes { id } } } }
"""
ENTITIES = """
{ _entities(representations: [{__typename: "Order", id: "1042"}, {__typename: "Product", sku: "NUT-10"}]) {
  __typename
} }
"""
MUST_COMPILE: list[tuple[str, dict[str, Any]]] = [
    (WHY, {"id": "1042"}),
    (TWICE, {}),
    *(
        (query, {"n": 2, "by": sort} if query is CUSTOMER else {"by": sort})
        for query in (SORTED, CUSTOMER)
        for sort in OrderSort
    ),
    *(("query ($id: ID!) { node(id: $id) { __typename globalId } }", {"id": global_id(*node)}) for node in NODES[:-1]),
    ("query ($id: ID!) { node(id: $id) { ... on Order { lines { sku } } } }", {"id": global_id("Order", "1042")}),
    ('{ inventory { sku } a: inventory(sku: "BOLT-10", warehouse: "EAST") { onHand product { uom } } }', {}),
    (
        "query ($n: Int!, $after: String) { events(first: $n, after: $after) { cursor hasMore gap { resumeAfter } } }",
        {"n": 2},
    ),
    (
        '{ events(orderId: "1042", types: [DELIVERED]) { events { type cursor order { id } } gap { reason } } }',
        {},
    ),
    (
        '{ sources { name position lagSeconds freshness { asOf } } command(id: "cmd_1") { after order { id } } }',
        {},
    ),
    ("query ($n: String) { order(number: $n) { displayStatus } }", {"n": "1042"}),
    (f'{{ {"longer_than_a_column_can_be_named" * 2}: order(id: "1042") {{ id }} }}', {}),
    (
        "query ($f: Int, $w: OrderFilter) { orders(first: $f, filter: $w) { nodes { id } } }",
        {"f": 2, "w": {"text": "104"}},
    ),
    (
        '{ shipment(id: "east:S7") { order { id } } product(sku: "NUT-10") { inventory { available } } }',
        {},
    ),
]


@pytest.mark.parametrize(("query", "variables"), [(WHOLE_ORDER, {"id": "1042"}), (LIST, {}), (ENTITIES, {})])
@pytest.mark.parametrize("caller", CALLERS[:2], ids=lambda caller: caller.role)
async def test_what_our_own_people_ask_is_compiled(
    both: Both, query: str, variables: dict[str, Any], caller: Principal
) -> None:
    """Nothing of it is secret from them, or not theirs."""
    await check_compiled(both, query, variables, caller)


@pytest.mark.parametrize(("query", "variables"), MUST_COMPILE)
@pytest.mark.parametrize(
    "caller", {each.role: each for each in CALLERS if each.role is not Role.ANALYTICS}.values(), ids=lambda c: c.role
)
async def test_what_front_ends_ask_is_compiled(
    both: Both, query: str, variables: dict[str, Any], caller: Principal
) -> None:
    await check_compiled(both, query, variables, caller)


async def check_compiled(both: Both, query: str, variables: dict[str, Any], caller: Principal) -> None:
    plan = both.plans.look(query, variables, None, caller)
    assert plan is not None
    assert not plan.statement.reasons
    compiled = await both.compiled(query, caller, variables)
    assert canonical(compiled) == canonical(await both.executed(query, caller, variables))


async def test_only_what_is_shown_is_read(both: Both) -> None:
    query = '{ order(id: "1042") { number lines { line } shipments { tracking milestones { rank: milestone } } } }'
    plan = both.plans.plan(query, {}, None, CALLERS[0])
    assert plan is not None
    assert "as parent" not in plan.statement.sql
    page = both.plans.plan("{ orders { pageInfo { endCursor } nodes { number } } }", {}, None, CALLERS[0])
    assert page is not None
    assert "o.*" not in page.statement.sql


async def test_what_is_kept_is_bounded(both: Both) -> None:
    for number in range(1200):
        await asyncio.sleep(0)
        assert both.plans.plan(f'{{ a{number}: order(id: "1042") {{ id }} }}', {}, None, CALLERS[0]) is not None
    assert both.plans.sizes() == (500, 500, 500)

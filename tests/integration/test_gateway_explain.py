"""How an operation is answered, told to those who ask."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.explaining import caller, explain
from gateway.plan.roots import ROOTS
from gateway.schema import schema
from orders.errors import RejectedError
from tests.controls import serving
from tests.controls.serving import Client

COMPILED = '{ order(id: "1042") { id lines { line } } }'
MIXED = '{ a: order(id: "1042") { id } b: deadLetters { raw } }'
EXECUTED = "{ deadLetters { raw } }"


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


async def asked(client: Client, query: str) -> Any:
    body = {"query": query, "extensions": {"plan": True}}
    return (await client.http.post("/graphql", json=body, headers=client.auth)).json()


async def test_an_admin_is_told_the_plan(client: Client) -> None:
    admin = client.as_("admin")
    for query, path in ((COMPILED, "compiled"), (MIXED, "mixed"), (EXECUTED, "executed")):
        for _ in range(3):  # the third time it is an answer that was kept
            answer = await asked(admin, query)
            plan = answer["extensions"]["plan"]
            assert (plan["path"], plan["cost"]) == (path, answer["extensions"]["cost"]["requested"])
            assert (plan["sql"] is None) == (path == "executed")
    assert (await asked(admin, MIXED))["extensions"]["plan"]["executed"] == {
        "b": "DeadLetter.raw is worked out by code"
    }


OF_ALL_KINDS = """
{
  orders(orderBy: EARLIEST_PROMISE_FIRST) { nodes { id } } b: orders(orderBy: LATEST_EVENT_FIRST) { nodes { id } }
  order(id: "1042") { why { state events { cause { capturedAt } } } freshness { lagSeconds stale } }
  customer(id: "C1") { orders { totalCount nodes { id } } } inventory { available } sources { position lagSeconds }
  command(id: "cmd_1") { after } node(id: "bm9kZTE6T3JkZXI6MTA0NA") { globalId } deadLetters { id document position }
  events(first: 3) { events { type } cursor gap { reason } }
}
"""


async def test_all_roots_compile() -> None:
    """What code works out is left, and the audit of dead letters, which is seldom read."""
    assert (await explain(OF_ALL_KINDS, "{}", caller("admin", []), None)).startswith("path: compiled\n")
    fields = schema._schema.query_type.fields  # type: ignore[union-attr]
    assert fields.keys() - ROOTS.keys() == {"_service", "deadLetterRequests"}


@pytest.mark.parametrize(
    "query",
    [
        '{ order(id: "1042") { freshness { lagSeconds } } }',
        '{ order(id: "1042") { freshness { stale } } }',
        "{ sources { lagSeconds } }",
        "{ events { cursor } }",
        '{ command(id: "cmd_1") { state } }',
    ],
)
async def test_what_no_revision_tells_of_is_not_kept(query: str) -> None:
    """How old something is changes with every moment, and the rest without a change of the graph."""
    assert "\nkept: no\n" in await explain(query, "{}", caller("admin", []), None)


@pytest.mark.parametrize("role", ["operations", "service"])
async def test_others_are_not(client: Client, role: str) -> None:
    for query in (COMPILED, MIXED, EXECUTED):
        assert "plan" not in (await asked(client.as_(role), query))["extensions"]


async def test_the_command_line_tells_it_without_a_gateway(database: str, tmp_path: Path) -> None:
    text = await explain(COMPILED, "{}", caller("customer", ["C1"]), None)
    assert text.startswith("path: compiled\ncost: 6 of 50000\nkept: until one of these moves on: graph, order/1042\n")
    assert "parameters: ['1042', 'C1']" in text
    assert "graph.line" in text
    file = tmp_path / "page.graphql"
    file.write_text(MIXED)
    assert (await explain(str(file), "{}", caller("admin", []), None)).startswith("path: mixed\n")


@pytest.mark.parametrize(
    ("query", "variables", "told"),
    [
        ("{ orde }", "{}", "Cannot query field 'orde'"),
        ("{", "{}", "Syntax Error"),
        (COMPILED, "[]", "--variables is no JSON object"),
        ("query ($id: ID!) { order(id: $id) { id } }", "{}", "its variables do not fit"),
    ],
)
async def test_what_is_wrong_is_said(query: str, variables: str, told: str) -> None:
    with pytest.raises(RejectedError, match=told):
        await explain(query, variables, caller("admin", []), None)


@pytest.mark.parametrize(("role", "scope"), [("nobody", []), ("customer", []), ("admin", ["C1"])])
def test_a_role_has_its_scope(role: str, scope: list[str]) -> None:
    with pytest.raises(RejectedError):
        caller(role, scope)


async def test_a_past_is_replayed() -> None:
    query = '{ order(id: "1042", asOf: "2026-03-01T10:00:00Z") { id } }'
    assert "its past is replayed" in await explain(query, "{}", caller("admin", []), None)

"""What graphql-cop looks for, asked of a gateway in production, and S6, S11 and S15: each finds nothing."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from graphql import get_introspection_query

from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = '{ order(id: "1042") { id } }'
HOLD = 'mutation { holdOrder(input: {orderId: "1042", reason: CREDIT, idempotencyKey: "k"}) { __typename } }'
CIRCULAR = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } }"
DEEP = '{ order(id: "1042") ' + "{ shipments { order " * 25 + "{ id }" + " } }" * 25 + " }"
CIRCLE = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
MODERN = {"accept": "application/graphql-response+json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with serving.running(shared_dsn, tmp_path_factory.mktemp("gateway"), production=True) as client:
        yield client


async def body(client: Client, content: str, kind: str = "application/json") -> httpx.Response:
    return await client.http.post("/graphql", content=content, headers=client.auth | MODERN | {"content-type": kind})


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ " + " ".join(f"a{n}: __typename" for n in range(101)) + " }", id="alias overload"),
        pytest.param("{ __typename " + "@aa" * 50 + " }", id="directive overload"),
        pytest.param("{ " + "__typename " * 1000 + "}", id="field duplication"),
        pytest.param(CIRCULAR, id="circular introspection"),
        pytest.param(get_introspection_query(), id="introspection (S11)"),
        pytest.param('{ __type(name: "Order") { name } }', id="introspection of one type (S11)"),
        pytest.param(DEEP, id="50 levels (S6)"),
        pytest.param(CIRCLE, id="circular fragments (S6)"),
        pytest.param(
            '{ orders(orderBy: "id; drop table graph.orders") { nodes { id } } }', id="an ordering of text (S15)"
        ),
        pytest.param("{ orders(orderBy: ID) { nodes { id } } }", id="an ordering that is none (S15)"),
    ],
)
async def test_what_asks_for_too_much_is_refused(client: Client, query: str) -> None:
    answer = await client.post(query, client.auth | MODERN)
    assert answer.status_code == 400
    assert "data" not in answer.json()
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}
    assert await client.ask(ONE) == {"order": {"id": "1042"}}


async def test_batches_are_refused(client: Client) -> None:
    assert (await body(client, json.dumps([{"query": ONE}] * 10))).status_code == 400


@pytest.mark.parametrize(
    ("query", "filter_"),
    [
        ("{ ordr { id } }", None),
        ('{ order(id: "1042") { nmber } }', None),
        ("{ orders(frist: 1) { nodes { id } } }", None),
        ("{ orders(orderBy: NEWEST) { nodes { id } } }", None),
        ('{ orders(filter: {customerID: "C1"}) { nodes { id } } }', None),
        ('{ order(id: "1042") { ... on Ordr { id } } }', None),
        ("query ($f: OrderFiltr) { orders(filter: $f) { nodes { id } } }", None),
        ("query ($f: OrderFilter) { orders(filter: $f) { nodes { id } } }", {"customerID": "C1"}),
        ("query ($f: OrderFilter) { orders(filter: $f) { nodes { id } } }", {"health": ["LATEE"]}),
        ("{ __typename @skp(if: true) }", None),
    ],
)
async def test_s11_nothing_is_suggested(client: Client, query: str, filter_: object) -> None:
    answer = await client.post(query, f=filter_)
    assert answer.json()["errors"]
    assert "Did you mean" not in answer.text


async def test_graphiql_is_not_there(client: Client) -> None:
    for path in ("/graphql", "/graphiql", "/playground", "/console", "/graphql/static/page.js"):
        answer = await client.http.get(path, headers=client.auth | {"accept": "text/html"})
        assert answer.status_code in (404, 405)
        assert "<html" not in answer.text.lower()


async def test_nothing_is_traced(client: Client) -> None:
    for headers in ({"x-apollo-tracing": "1"}, {"apollo-federation-include-trace": "ftv1"}, {"x-debug": "1"}):
        assert (await client.post(ONE, client.auth | headers)).json().get("extensions", {}).keys() <= {"cost"}


async def test_a_mutation_is_not_made_by_get(client: Client) -> None:
    assert (await client.http.get("/graphql", params={"query": HOLD}, headers=client.auth)).status_code == 405


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
async def test_a_form_is_no_request(client: Client, kind: str) -> None:
    assert (await body(client, "query=%7B__typename%7D", kind)).status_code == 415


@pytest.mark.parametrize(
    "query", ["queryy { a }", '{ order(id: "1042\\u0000") { id } }', '{ order(id: 1, number: "2") { id } }']
)
async def test_no_error_tells_of_the_code(client: Client, query: str) -> None:
    answer = (await client.post(query)).text
    assert not [word for word in ("Traceback", ".py", "asyncpg", "strawberry", "select ") if word in answer]

"""HTTP: who may ask, what is no request, and what a browser gets."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.admission import ROOM
from gateway.auth import Trust
from gateway.database import Snapshot
from gateway.plan.plans import Plans
from gateway.requests import MAX_BODY
from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.strangers import AUTHORIZATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = '{ order(id: "1042") { id } }'
ENTITY = '{ _entities(representations: [{__typename: "Order", id: "1042"}]) { __typename } }'


@pytest.fixture
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise AssertionError("a resolver ran")

    monkeypatch.setattr(Snapshot, "fetch", refuse)


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize("headers", [{}, *({"authorization": each} for each in AUTHORIZATIONS.values())])
@pytest.mark.parametrize("query", [ONE, "{ __typename }", "{ _service { sdl } }", ENTITY, "not a query"])
async def test_a_stranger_is_told_nothing(client: Client, headers: dict[str, str], query: str) -> None:
    """S1; S4: not even by federation's own fields."""
    answer = await client.post(query, headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert "data" not in answer.json()


async def test_while_the_issuers_keys_cannot_be_had_callers_are_told_to_come_again(
    shared_dsn: str, tmp_path: Path
) -> None:
    async with serving.running(shared_dsn, tmp_path, Trust(jwks="http://127.0.0.1:9/jwks.json")) as client:
        answer = await client.post(ONE)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
        async with client.socket() as socket:
            await serving.send(socket, type="connection_init", payload=client.auth)
            with pytest.raises(ConnectionClosed) as closed:
                await serving.receive(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013


async def test_two_tokens_are_none(client: Client) -> None:
    """S16."""
    headers = [("authorization", client.auth["authorization"])] * 2
    answer = await client.http.post("/graphql", json={"query": ONE}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (json.dumps([{"query": ONE}] * 2).encode(), 400),
        (b'{"query": 1}', 400),
        (b'{"query": ""}', 400),
        (b'{"variables": {}}', 400),
        (b'{"query": "{ __typename }", "variables": [1]}', 400),
        (b'{"query": "subscription { orderEvents { __typename } }"}', 400),
        (b'{"query": "\xff"}', 400),
        (b'{"query": "{ __typename }", "variables": ' + b"[" * 20_000, 400),
        (b'{"query": "' + b" " * MAX_BODY + b'"}', 413),
    ],
    ids=str,
)
async def test_what_is_no_request(client: Client, body: bytes, status: int) -> None:
    headers = client.auth | {"content-type": "application/json"}
    answer = await client.http.post("/graphql", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_only_plain_json_is_read(client: Client, headers: dict[str, str]) -> None:
    content = json.dumps({"query": "{ __typename }"})
    answer = await client.http.post("/graphql", content=content, headers=client.auth | headers)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "query",
    [
        "{ nothing }",
        "{ order(id: 1) { id ",
        "query ($id: ID!) { order(id: $id) { id } }",
        "{ order { ...A } } fragment A on Order { ...B } fragment B on Order { ...A }",
        "{ orders { nodes " + "{ shipments { order " * 10 + "{ id }" + "} }" * 10 + " } }",
        "{ " + " ".join(f"a{n}: __typename" for n in range(60)) + " }",
        "{ ...A ...B } fragment A on Query { " + " ".join(f"a{n}: __typename" for n in range(15)) + " } "
        "fragment B on Query { " + " ".join(f"b{n}: __typename" for n in range(15)) + " }",
        "mutation { " + " ".join(f"m{n}: __typename" for n in range(6)) + " }",
        "{ " + "...F " * 100 + "} fragment F on Query { " + " ".join(f"a{n}: __typename" for n in range(20)) + " }",
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(15))
        + " fragment F15 on Query { a: __typename b: __typename }",
        "{ " + "... { " * 600 + "nothing" + " }" * 600 + " }",
        "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(240)),
        "{ __typename " + "@aa" * 100 + " }",
        "{ " + "__typename " * 1000 + "}",
        "{ " + "__typename " * 3000 + "}",
        "{ __typename " + "@skip(if: false) " * 3000 + "}",
    ],
    ids=lambda query: query[:30],
)
async def test_a_document_that_does_not_fit_is_refused(client: Client, query: str) -> None:
    answer = await client.post(query)
    assert answer.status_code == 200
    assert "data" not in answer.json()
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}
    modern = await client.post(query, client.auth | {"accept": "application/graphql-response+json"})
    assert modern.status_code == 400
    assert modern.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


async def test_the_modern_media_type_is_spoken(client: Client) -> None:
    answer = await client.post(ONE, client.auth | {"accept": "application/graphql-response+json, application/json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["data"] == {"order": {"id": "1042"}}


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/graphql-response+json", "graphql-response+json"),
        ("Application/GraphQL-Response+JSON; Q=0.5 , text/html", "graphql-response+json"),
        ("application/json, application/graphql-response+json", "graphql-response+json"),
        ("application/json, application/graphql-response+json;q=0.9", "json"),
        ("application/graphql-response+json;q=0", "json"),
        ("application/graphql-response+json;q=much", "json"),
        ("application/graphql-response+jsonish", "json"),
        (",;=;q=,", "json"),
    ],
)
async def test_the_media_type_is_the_callers_choice(client: Client, accept: str, media: str) -> None:
    answer = await client.post(ONE, client.auth | {"accept": accept})
    assert answer.headers["content-type"] == f"application/{media}; charset=utf-8"


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
async def test_a_long_answer_is_compressed_as_the_caller_wishes(client: Client, coding: str) -> None:
    answer = await client.post("{ __schema { types { name description } } }", client.auth | {"accept-encoding": coding})
    assert answer.headers.get("content-encoding", "identity") == coding
    assert answer.headers["vary"] == "accept, accept-encoding"
    assert len(answer.json()["data"]["__schema"]["types"]) > 60
    assert (int(answer.headers["content-length"]) < len(answer.content) / 2) is (coding != "identity")


@pytest.mark.usefixtures("nothing_is_read")
async def test_what_would_cost_too_much_does_not_run(client: Client) -> None:
    query = """query ($n: Int!) {
      orders(first: $n) { nodes { shipments { order { shipments { order { events { key } } } } } } }
    }"""
    answer = (await client.post(query, n=200)).json()
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert "at most" in error["message"]
    assert "data" not in answer
    assert answer["extensions"]["cost"]["requested"] > answer["extensions"]["cost"]["allowed"]


async def test_an_answer_says_what_it_cost(client: Client) -> None:
    answer = (await client.post('{ order(id: "1042") { lines { sku } } }')).json()
    assert answer["extensions"]["cost"]["requested"] == 6
    bad = (await client.post("query ($n: Int!) { orders(first: $n) { nodes { id } } }", n="x")).json()
    assert bad["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def by_get(client: Client, **params: str) -> Any:
    return await client.http.get("/graphql", params=params, headers=client.auth)


async def test_a_query_may_be_asked_by_get(client: Client) -> None:
    query = "query A ($id: ID!) { order(id: $id) { id } } query B { __typename }"
    answer = await by_get(client, query=query, variables='{"id": "1042"}', operationName="A", extensions="{}")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"order": {"id": "1042"}}


async def test_only_a_query_may_be_asked_by_get(client: Client) -> None:
    hold = 'mutation { holdOrder(input: {orderId: "1042", reason: "CREDIT", idempotencyKey: "k"}) { __typename } }'
    answer = await by_get(client, query=hold)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await by_get(client, query="subscription { orderEvents { __typename } }")).status_code == 400


@pytest.mark.parametrize(
    "url",
    [
        "query=",
        "query={__typename}&variables=",
        "query={__typename}&variables=[1]",
        "query={__typename}&variables=%22x%22",
        "query={__typename}&extensions={",
        "query={__typename}&query={__typename}",
        "query={__typename}&operationName=B",
        "query=%ff",
        "query={__typename}&variables=" + "[" * 20_000,
    ],
    ids=lambda url: url[:40],
)
async def test_what_is_no_request_by_get(client: Client, url: str) -> None:
    answer = await client.http.get(f"/graphql?{url}", headers=client.auth)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_stranger_is_told_nothing_by_get(client: Client) -> None:
    assert (await client.http.get("/graphql", params={"query": ONE})).status_code == 401


async def test_a_failure_of_ours_is_masked(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S19."""

    async def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2 at 10.0.0.7")

    monkeypatch.setattr(Plans, "plan", lambda *_: None)
    monkeypatch.setattr(Snapshot, "fetch", fail)
    answer = await client.post('{ order(id: "1042") { id } __typename }')
    assert answer.status_code == 200
    assert "hunter2" not in answer.text
    (error,) = answer.json()["errors"]
    assert (error["message"], error["path"], error["extensions"]["code"]) == ("internal error", ["order"], "INTERNAL")
    assert answer.json()["data"] == {"order": None, "__typename": "Query"}
    assert error["extensions"]["correlationId"] in caplog.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("text", ["' or 1=1 --", "1042'; drop table graph.orders; --", "%", "x" * 10_000, "é\u2028"])
async def test_texts_are_only_texts(client: Client, text: str) -> None:
    """S15."""
    query = """query ($t: String!, $id: ID!) {
      order(number: $t) { id } find(reference: $t) { scheme } shipment(id: $id) { id }
      orders(filter: {text: $t, customerId: $id}) { nodes { id } } events(orderId: $id) { events { key } }
    }"""
    answer = await client.ask(query, t=text, id=text)
    assert answer == {
        "order": None, "find": [], "shipment": None, "orders": {"nodes": []}, "events": {"events": []}
    }  # fmt: skip
    assert await client.ask(ONE) == {"order": {"id": "1042"}}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/graphql", 405),
        ("GET", "/graphql?query={__typename}", 200),
        ("PUT", "/graphql?query={__typename}", 405),
        ("PUT", "/graphql", 405),
        ("GET", "/", 404),
        ("GET", "/graphql/static/", 404),
        ("GET", "/graphql/static/../auth.py", 404),
        ("GET", "/graphql/static/%2e%2e/%2e%2e/auth.py", 404),
        ("GET", "/graphql/static/vendor/README.md", 404),
        ("POST", "/graphql/static/page.js", 404),
        ("GET", "/health", 200),
        ("GET", "/ready", 200),
    ],
)
async def test_what_is_where(client: Client, method: str, path: str, status: int) -> None:
    answer = await client.http.request(method, path, headers=client.auth)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


async def test_ready_says_what_is(client: Client) -> None:
    assert (await client.http.get("/ready")).json() == {"ready": True, "postgres": True, "feed": "live"}


async def test_many_requests_at_once_wait_for_a_connection(client: Client) -> None:
    answers = await asyncio.gather(*(client.ask(ONE) for _ in range(ROOM)))
    assert answers == [{"order": {"id": "1042"}}] * ROOM

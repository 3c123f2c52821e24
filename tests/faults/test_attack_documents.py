"""Attacks by what is asked, as FAULTS names them: each is refused before anything is read, and harms nobody else."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.auth import Role
from gateway.database import Snapshot
from gateway.lanes import Lanes
from gateway.throttle import Allowance
from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = '{ order(id: "1042") { id } }'
HOLD = """mutation ($key: String!, $reason: HoldReason = CREDIT) {
  holdOrder(input: {orderId: "1042", reason: $reason, idempotencyKey: $key}) { id } }"""


def aliases(count: int, prefix: str = "a") -> str:
    return " ".join(f"{prefix}{n}: __typename" for n in range(count))


DEEP = "{ orders { nodes " + "{ shipments { order " * 25 + "{ id }" + "} }" * 25 + " } }"
CIRCLE = (
    "{ orders { nodes { ...A } } } fragment A on Order { shipments { order { ...B } } } fragment B on Order { ...A }"
)
SPREADS = "{ " + "...F " * 100 + "} fragment F on Query { " + aliases(20) + " }"
BURSTS = (
    "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(15))
    + f" fragment F15 on Query {{ {aliases(2)} }}"
)
NESTED = """{ orders(first: 100) { nodes { shipments { order { shipments { order { shipments { order {
  events(first: 100) { key } } } } } } } } } }"""

REFUSED = {
    "S6 depth": DEEP,
    "S6 circle": CIRCLE,
    "S7 aliases": "{ order(id: 1) { " + aliases(101) + " } }",
    "S7 aliases by spreads": SPREADS,
    "S7 aliases by fragments of fragments": BURSTS,
    "S8 mutations": "mutation { " + aliases(100) + " }",
    "S9 tokens": "{ " + "__typename " * 10_000 + "}",
    "S9 repeated fields": "{ " + "__typename " * 2_000 + "}",
    "S9 directives": "{ " + "__typename @skip(if: false) " * 60 + "}",
    "S9 a directive again and again": "{ __typename " + "@aa" * 100 + " }",
    "S10 a page": "{ orders(first: 99999999) { nodes { id } } }",
    "S10 lists in lists": NESTED,
}


@pytest.fixture
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise AssertionError("something was read")

    monkeypatch.setattr(Snapshot, "fetch", refuse)
    monkeypatch.setattr(Lanes, "row", refuse)


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
async def test_a_document_is_refused(client: Client, query: str) -> None:
    """S6 to S10."""
    answer = await client.post(query, client.auth | {"accept": "application/graphql-response+json"})
    assert answer.status_code == 400
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}
    assert "data" not in answer.json()


@pytest.mark.usefixtures("nothing_is_read")
async def test_a_size_in_a_variable_counts(client: Client) -> None:
    """S10."""
    query = "query ($n: Int!) { orders(first: $n) { nodes { events(first: $n) { key } } } }"
    answer = (await client.post(query, n=99_999_999)).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in answer


@pytest.mark.parametrize(("count", "status"), [(100, 400), (20_000, 413)])
async def test_operations_in_an_array_are_none(client: Client, count: int, status: int) -> None:
    """S8, and S9 by its size."""
    body = json.dumps([{"query": ONE}] * count)
    headers = client.auth | {"content-type": "application/json"}
    assert (await client.http.post("/graphql", content=body, headers=headers)).status_code == status


async def test_a_body_that_unfolds_is_not_unfolded(client: Client) -> None:
    """S16: a gzip bomb."""
    headers = client.auth | {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await client.http.post("/graphql", content=b"\x1f\x8b" * 1000, headers=headers)).status_code == 415


async def test_who_floods_is_throttled_and_the_others_are_not(shared_dsn: str, tmp_path: Path) -> None:
    """S17: one token, many connections; and another client of the same role."""
    small = dict.fromkeys(Role, Allowance(60, 1))
    async with serving.running(shared_dsn, tmp_path, allowed=small) as client:
        client.auth = {"authorization": f"Bearer {serving.token(subject='eve@example.com')}"}
        flood = [each for _ in range(3) for each in await asyncio.gather(*(admitted(client, ONE) for _ in range(30)))]
        assert {each.status_code for each in flood} == {200, 429}
        assert all(int(each.headers["retry-after"]) >= 1 for each in flood if each.status_code == 429)
        other = {"authorization": f"Bearer {serving.token(subject='dan@example.com')}"}
        assert {(await client.post(ONE, other)).status_code for _ in range(20)} == {200}


async def admitted(client: Client, query: str, **variables: Any) -> httpx.Response:
    """Asked again while there is no room for it."""
    while (answer := await client.post(query, **variables)).status_code == 503:
        pass
    return answer


async def test_no_answer_of_one_is_given_to_another(client: Client) -> None:
    """S18: the same bytes, by turns, while answers are kept."""
    query = '{ orders(first: 200) { nodes { id } } order(id: "1042") { id } }'
    askers = [client.as_("customer", "C1"), client.as_("customer", "C2"), client.as_("operations"), client]
    expected = [await asker.ask(query) for asker in askers]
    assert expected[0] != expected[1]
    answers = await asyncio.gather(*(admitted(askers[n % 4], query) for n in range(60)))
    for number, answer in enumerate(answers):
        assert answer.json()["data"] == expected[number % 4]
        assert answer.headers["cache-control"] == "no-store"


async def test_a_flood_of_documents_is_kept_within_bounds(client: Client) -> None:
    """S18: none of a thousand is remembered for ever."""
    assert client.server is not None
    answers = client.server.gateway.parts.http.answers
    for start in range(0, 600, 30):
        await asyncio.gather(*(client.post(f"{{ a{n}: __typename }}") for n in range(start, start + 30)))
    assert max(answers.plans.sizes()) <= 500


async def test_fifty_at_once_with_one_key_have_one_effect(client: Client) -> None:
    """S20. The same command for each of them; for another payload a conflict, for another caller another one."""

    answers = [
        a.json()["data"] for a in await asyncio.gather(*(admitted(client, HOLD, key="fifty") for _ in range(50)))
    ]
    assert len({answer["holdOrder"]["id"] for answer in answers}) == 1
    assert await client.refused(HOLD, key="fifty", reason="CUSTOMER_SERVICE") == "CONFLICT"
    other = {"authorization": f"Bearer {serving.token(subject='bob@example.com')}"}
    answer: Any = (await client.post(HOLD, other, key="fifty")).json()
    assert answer["data"]["holdOrder"]["id"] != answers[0]["holdOrder"]["id"]


@pytest.mark.parametrize("key", ["", "k" * 10_240, None])
async def test_a_key_that_is_none_is_refused(client: Client, key: str | None) -> None:
    """S20."""
    assert await client.refused(HOLD, key=key) == "BAD_REQUEST"

"""What operations may ask about dead letters is kept, with who asked; nobody else may."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.postgres import Postgres
from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPLAY = """
mutation ($ids: [ID!]!, $dry: Boolean!, $key: String!) {
  replayDeadLetters(input: {letterIds: $ids, dryRun: $dry, idempotencyKey: $key, note: "the code table is mended"}) {
    id action dryRun letterIds note requestedBy doneAt outcomes { letterId became }
  }
}
"""
DISCARD = """
mutation ($ids: [ID!]!) {
  discardDeadLetters(input: {letterIds: $ids, note: "a test order", idempotencyKey: "d"}) { id action dryRun }
}
"""
REQUESTS = "query ($id: ID) { deadLetterRequests(id: $id) { id action requestedBy } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    await postgres.create_database("gateway_dead_letters")
    dsn = postgres.dsn("gateway_dead_letters")
    await serving.create_schemas(dsn)
    async with serving.running(dsn, tmp_path_factory.mktemp("gateway")) as client:
        yield client


async def test_a_request_is_kept_and_the_same_key_asks_once(client: Client) -> None:
    asked = (await client.ask(REPLAY, ids=["1"], dry=True, key="a"))["replayDeadLetters"]
    assert asked == {
        "id": asked["id"],
        "action": "REPLAY",
        "dryRun": True,
        "letterIds": ["1"],
        "note": "the code table is mended",
        "requestedBy": "ann@example.com",
        "doneAt": None,
        "outcomes": [],
    }
    assert (await client.ask(REPLAY, ids=["1"], dry=True, key="a"))["replayDeadLetters"] == asked
    given_up = (await client.ask(DISCARD, ids=["1"]))["discardDeadLetters"]
    assert (given_up["action"], given_up["dryRun"]) == ("DISCARD", False)
    found = (await client.ask(REQUESTS))["deadLetterRequests"]
    assert [each["action"] for each in found] == ["DISCARD", "REPLAY"]
    assert (await client.ask(REQUESTS, id=asked["id"]))["deadLetterRequests"] == [found[1]]
    assert (await client.ask(REQUESTS, id="99"))["deadLetterRequests"] == []
    assert await client.refused(REQUESTS, id="none") == "BAD_REQUEST"


async def test_the_same_key_for_something_else_is_refused(client: Client) -> None:
    await client.ask(REPLAY, ids=["1"], dry=True, key="b")
    answer = (await client.post(REPLAY, ids=["2"], dry=True, key="b")).json()
    assert answer["errors"][0]["extensions"]["code"] == "CONFLICT"


@pytest.mark.parametrize(("role", "scope"), [("service", ()), ("customer", ("C1",)), ("partner", ("east",))])
async def test_nobody_else_may(client: Client, role: str, scope: tuple[str, ...]) -> None:
    assert await client.as_(role, *scope).refused(DISCARD, ids=["1"]) == "FORBIDDEN"
    assert await client.as_(role, *scope).refused(REQUESTS) == "FORBIDDEN"


@pytest.mark.parametrize("key", ["", "k" * 201, "a\0"])
async def test_a_key_that_cannot_be_kept_is_refused(client: Client, key: str) -> None:
    assert await client.refused(REPLAY, ids=["1"], dry=True, key=key) == "BAD_REQUEST"

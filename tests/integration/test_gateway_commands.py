"""Commands: who may give them, what comes of the same key, and reading one's own write."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.admission import ROOM
from gateway.cursors import feed_cursor
from gateway.feed import Feed
from tests.controls import serving
from tests.controls.serving import Client, Db
from tests.controls.waiting import until

HOLD = """
mutation ($orderId: ID = "1042", $reason: HoldReason = CREDIT, $note: String, $key: String = "k1") {
  holdOrder(input: {orderId: $orderId, reason: $reason, note: $note, idempotencyKey: $key}) {
    id kind state outcome attempts requestedBy acceptedAt sentAt appliedAt settledAt after order { id commercial }
  }
}
"""
RELEASE = """
mutation { releaseHold(input: {orderId: "1043", idempotencyKey: "k2", note: "paid"}) { id kind state order { id } } }
"""
COMMAND = "query ($id: ID!) { command(id: $id) { state outcome settledAt after order { id } } }"
AFTER = """
query ($after: String, $wait: Float = 5) { order(id: "1042", after: $after, waitSeconds: $wait) { commercial version } }
"""
SETTLE = "select command.settle($1::text[], $2)"


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path) as client:
        yield client


@pytest.fixture
async def db(database: str) -> AsyncIterator[Db]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def hold(client: Client, **variables: Any) -> dict[str, Any]:
    command: dict[str, Any] = (await client.ask(HOLD, **variables))["holdOrder"]
    return command


async def take_effect(db: Db, command: str) -> int:
    """As the projector does it: the graph, the feed and the command in one transaction. Returns the position."""
    async with db.transaction():
        (position,) = await serving.append(db, "1042", type_="ORDER_HELD")
        await db.execute("update graph.orders set commercial = 'ON_HOLD' where id = '1042'")
        assert await db.fetchval(SETTLE, [command], position) == 1
    return position


async def test_a_hold_is_accepted_and_stored(client: Client, db: Db) -> None:
    command = await hold(client, note="too much")
    assert command["state"] == "ACCEPTED"
    assert command["kind"] == "HOLD_ORDER"
    assert command["order"] == {"id": "1042", "commercial": "ACCEPTED"}
    assert command["requestedBy"] == "ann@example.com"
    assert command["after"] == command["id"]
    row = await db.fetchrow("select id, client, key, payload::text from command.command")
    assert tuple(row or ())[:3] == (command["id"], "ann@example.com", "k1")
    assert "too much" in row["payload"]  # type: ignore[index]


async def test_a_hold_is_released(client: Client) -> None:
    command = (await client.ask(RELEASE))["releaseHold"]
    assert (command["kind"], command["state"], command["order"]["id"]) == ("RELEASE_HOLD", "ACCEPTED", "1043")


async def test_the_same_key_is_the_same_command(client: Client, db: Db) -> None:
    commands = await asyncio.gather(*(hold(client) for _ in range(ROOM)))
    assert len({command["id"] for command in commands}) == 1
    assert await db.fetchval("select count(*) from command.command") == 1


async def test_the_same_key_for_something_else_is_a_conflict(client: Client) -> None:
    await hold(client)
    assert await client.refused(HOLD, reason="CUSTOMER_SERVICE") == "CONFLICT"
    assert await client.refused(HOLD, orderId="1043") == "CONFLICT"


async def test_another_caller_s_key_is_another_key(client: Client) -> None:
    first = await hold(client)
    client.auth = {"authorization": f"Bearer {serving.token('admin', 'bob')}"}
    assert (await hold(client))["id"] != first["id"]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"orderId": "9999"}, "NOT_FOUND"),
        ({"key": ""}, "BAD_REQUEST"),
        ({"key": "x" * 201}, "BAD_REQUEST"),
        ({"note": "x" * 2001}, "BAD_REQUEST"),
        ({"reason": "BORED"}, "BAD_REQUEST"),
        ({"key": None}, "BAD_REQUEST"),
    ],
    ids=str,
)
async def test_what_cannot_be_accepted(client: Client, db: Db, variables: dict[str, Any], code: str) -> None:
    assert await client.refused(HOLD, **variables) == code
    assert await db.fetchval("select count(*) from command.command") == 0


@pytest.mark.parametrize("role", ["service", "analytics", "finance"])
async def test_only_operations_may_give_commands(client: Client, db: Db, role: str) -> None:
    client.auth = {"authorization": f"Bearer {serving.token(role)}"}
    assert await client.refused(HOLD) == "FORBIDDEN"
    assert await client.refused(RELEASE) == "FORBIDDEN"
    assert await db.fetchval("select count(*) from command.command") == 0


async def test_a_command_tells_how_far_it_is(client: Client, db: Db) -> None:
    command = (await hold(client))["id"]
    position = await take_effect(db, command)
    found = (await client.ask(COMMAND, id=command))["command"]
    assert found["state"] == "SETTLED"
    assert found["after"] == feed_cursor(position)
    assert found["order"] == {"id": "1042"}
    assert await client.ask(COMMAND, id="cmd_0") == {"command": None}


@pytest.mark.parametrize("of", ["command", "cursor"])
async def test_a_read_waits_for_the_effect(client: Client, db: Db, of: str, looked: asyncio.Event) -> None:
    command = (await hold(client))["id"]
    token = command if of == "command" else feed_cursor(4)
    read = asyncio.create_task(client.ask(AFTER, after=token, wait=30))
    async with asyncio.timeout(serving.SECONDS):
        await looked.wait()
    assert not read.done()
    await take_effect(db, command)
    assert await read == {"order": {"commercial": "ON_HOLD", "version": 3}}
    assert (await client.ask(AFTER, after=token))["order"]["commercial"] == "ON_HOLD"


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when somebody has looked for an effect, and waits for the feed."""
    event, moved = asyncio.Event(), Feed.moved

    async def watched(self: Feed, timeout: float) -> None:
        event.set()
        await moved(self, timeout)

    monkeypatch.setattr(Feed, "moved", watched)
    return event


async def test_a_read_does_not_wait_for_what_will_not_come(client: Client, db: Db) -> None:
    command = (await hold(client))["id"]
    await db.execute("update command.command set state = 'REJECTED', outcome = 'already held'")
    assert (await client.ask(AFTER, after=command, wait=30))["order"]["commercial"] == "ACCEPTED"
    assert (await client.ask(COMMAND, id=command))["command"]["outcome"] == "already held"


async def test_a_read_does_not_wait_for_ever(client: Client) -> None:
    command = (await hold(client))["id"]
    for token in (command, feed_cursor(99)):
        answer = await client.post(AFTER, after=token, wait=0.05)
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize(("token", "wait"), [("nothing", 1), ("ZmVlZDE6eA", 1), ("cmd_0", 31), ("cmd_0", -1)])
async def test_a_read_waits_for_tokens_only(client: Client, token: str, wait: float) -> None:
    assert await client.refused(AFTER, after=token, wait=wait) == "BAD_REQUEST"


async def test_the_subscriber_sees_the_command_s_effect(client: Client, db: Db) -> None:
    query = "subscription { orderEvents { ... on OrderEvent { type facets { commercial } order { commercial } } } }"
    command = (await hold(client))["id"]
    async with client.subscribed(query) as stream:
        assert client.server is not None
        feed = client.server.gateway.parts.feed

        async def followed() -> int:
            return feed.subscribers

        await until(followed)
        await take_effect(db, command)
        event = await stream.next()
    assert (event["type"], event["order"]["commercial"]) == ("ORDER_HELD", "ON_HOLD")

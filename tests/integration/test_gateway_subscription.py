"""Following orders: replay, then live, each event once and in order, or a gap that says so."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from gateway.cursors import feed_cursor, feed_position
from gateway.feed import Feed
from tests.controls import serving
from tests.controls.serving import Client, Db, Stream
from tests.controls.waiting import until

FOLLOW = """
subscription ($filter: OrderEventFilter, $after: String) {
  orderEvents(filter: $filter, after: $after) {
    __typename
    ... on OrderEvent { cursor orderId version type }
    ... on Gap { reason resumeAfter }
  }
}
"""

FOLLOW_ALL = """
subscription {
  orderEvents {
    __typename
    ... on OrderEvent {
      cursor key detail occurredAt recordedAt facets { commercial fulfillment delivery financial returnState health }
      cause { source table op key position transaction committedAt }
    }
    ... on Gap { reason resumeAfter }
  }
}
"""


@pytest.fixture
async def dsn(database: str) -> str:
    await serving.create_schemas(database)
    return database


@pytest.fixture
async def client(dsn: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(dsn, tmp_path, queue=20) as client:
        yield client


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Db]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def feed_of(client: Client) -> Feed:
    assert client.server is not None
    feed: Feed = client.server.gateway.parts.feed
    return feed


async def live(client: Client, subscribers: int = 1) -> None:
    """Until so many have been replayed to and follow live."""

    async def reached() -> bool:
        return feed_of(client).subscribers == subscribers

    await until(reached)


async def positions(stream: Stream, count: int) -> list[int]:
    events = await stream.take(count)
    assert {event["__typename"] for event in events} <= {"OrderEvent"}, events
    return [feed_position(event["cursor"]) for event in events]


async def test_without_a_cursor_only_what_is_new(client: Client, db: Db) -> None:
    await serving.append(db, "A", "A")
    async with client.subscribed(FOLLOW) as stream:
        await live(client)
        await serving.append(db, "A", type_="SHIPPED")
        event = await stream.next()
    assert event == {
        "__typename": "OrderEvent",
        "cursor": feed_cursor(3),
        "orderId": "A",
        "version": 3,
        "type": "SHIPPED",
    }


async def test_from_a_cursor_what_was_missed_then_what_is_new(client: Client, db: Db) -> None:
    await serving.append(db, *"ABCAB")
    async with client.subscribed(FOLLOW, after=feed_cursor(2)) as stream:
        assert await positions(stream, 3) == [3, 4, 5]
        await serving.append(db, "C")
        assert await positions(stream, 1) == [6]


async def test_an_event_carries_its_order_as_it_is_now(client: Client, db: Db) -> None:
    await serving.create_orders(db, [("A", None)])
    query = "subscription { orderEvents { ... on OrderEvent { order { displayStatus } } } }"
    async with client.subscribed(query) as stream:
        await live(client)
        for status in ("PREPARING", "DELIVERED"):
            await db.execute("update graph.orders set display_status = $1", status)
            await serving.append(db, "A")
            assert await stream.next() == {"order": {"displayStatus": status}}


@pytest.mark.parametrize("replayed", [0, 1300])
async def test_nothing_is_lost_or_doubled_between_replay_and_live(
    client: Client, db: Db, dsn: str, replayed: int
) -> None:
    if replayed:
        await serving.append(db, *("A" for _ in range(replayed)))
    writers = [asyncio.create_task(write(dsn, seed)) for seed in range(3)]
    streams = [asyncio.create_task(collect(client, replayed + 150)) for _ in range(4)]
    await asyncio.gather(*writers)
    for found in await asyncio.gather(*streams):
        assert found == list(range(1, replayed + 151))


async def write(dsn: str, seed: int) -> None:
    """50 events in small transactions; another writer's commit in between."""
    rng, left = random.Random(seed), 50
    db = await asyncpg.connect(dsn)
    try:
        while left:
            size = min(left, rng.randint(1, 4))
            await serving.append(db, *(f"{rng.randint(1, 5)}" for _ in range(size)))
            left -= size
    finally:
        await db.close()


async def collect(client: Client, count: int) -> list[int]:
    async with client.subscribed(FOLLOW, after=feed_cursor(0)) as stream:
        return await positions(stream, count)


async def test_versions_of_an_order_rise_without_holes(client: Client, db: Db, dsn: str) -> None:
    await serving.create_orders(db, [("2", None)])
    async with client.subscribed(FOLLOW, filter={"orderId": "2"}, after=feed_cursor(0)) as stream:
        await write(dsn, 1)
        count = await db.fetchval("select count(*) from record.feed where order_id = '2'")
        events = await stream.take(count)
    assert [event["version"] for event in events] == list(range(1, count + 1))
    assert {event["orderId"] for event in events} == {"2"}


async def test_filters_hold_in_replay_and_live(client: Client, db: Db) -> None:
    await serving.create_orders(db, [("A", None), ("B", None)])
    await db.execute("update graph.orders set customer_id = 'C' || id")
    for wanted, seen in [
        ({"customerId": "CA"}, [1, 3, 5]),
        ({"customerId": "CA", "types": ["SHIPPED"]}, [3]),
        ({"types": []}, []),
        ({"orderId": "B", "types": ["ORDER_CHANGED"]}, [2, 6]),
    ]:
        start = (await serving.append(db, "A", "B"))[0] - 1
        await until(caught_up(client, start + 2))
        async with client.subscribed(FOLLOW, filter=wanted, after=feed_cursor(start)) as stream:
            await live(client)
            await serving.append(db, "A", "B", type_="SHIPPED")
            await serving.append(db, "A", "B")
            assert await positions(stream, len(seen)) == [start + n for n in seen]
        await live(client, 0)


async def test_a_cursor_that_is_too_old_is_a_gap(client: Client, db: Db) -> None:
    await serving.append(db, *"AAAAA")
    await db.execute("delete from record.feed where position <= 3")
    await db.execute("update record.feed_head set gone = 3")
    async with client.subscribed(FOLLOW, after=feed_cursor(1)) as stream:
        assert await stream.next() == {
            "__typename": "Gap",
            "reason": "CURSOR_EXPIRED",
            "resumeAfter": feed_cursor(3),
        }
        assert await positions(stream, 2) == [4, 5]
    async with client.subscribed(FOLLOW, after=feed_cursor(3)) as stream:
        assert await positions(stream, 2) == [4, 5]


async def test_a_cursor_of_another_feed_is_a_gap(client: Client, db: Db) -> None:
    await serving.append(db, "A")
    async with client.subscribed(FOLLOW, after=feed_cursor(7)) as stream:
        assert await stream.next() == {
            "__typename": "Gap",
            "reason": "CURSOR_UNKNOWN",
            "resumeAfter": feed_cursor(1),
        }
        await live(client)
        await serving.append(db, "A")
        assert await positions(stream, 1) == [2]


@pytest.mark.parametrize("cursor", ["", "x", "ZmVlZDE6LTE", "ZmVlZDE6MQ==", "b3JkZXIxOjox"])
async def test_what_is_no_cursor_is_refused(client: Client, cursor: str) -> None:
    async with client.subscribed(FOLLOW, after=cursor) as stream:
        message = await serving.receive(stream.socket)
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_client_that_is_late_misses_nothing(client: Client, db: Db) -> None:
    """The queue of 20 overflows, and what it did not hold is read from the feed."""
    async with client.subscribed(FOLLOW) as stream:
        await live(client)
        await serving.append(db, *("A" for _ in range(150)))
        assert await positions(stream, 150) == list(range(1, 151))


async def test_a_client_that_is_too_slow_gets_a_gap_and_goes_on(client: Client, db: Db) -> None:
    """It does not read: the socket's buffers fill up, its queue overflows, and fifty pages are not enough."""
    async with client.subscribed(FOLLOW_ALL) as stream:
        await live(client)
        stream.socket.transport.pause_reading()
        while feed_of(client).subscribers:
            await until(caught_up(client, (await serving.append(db, *("A" for _ in range(1000))))[-1]))
        await until(caught_up(client, (await serving.append(db, *("A" for _ in range(1500))))[-1]))
        stream.socket.transport.resume_reading()
        last = 0
        while (event := await stream.next())["__typename"] == "OrderEvent":
            assert feed_position(event["cursor"]) == last + 1
            last += 1
        assert event["reason"] == "TOO_SLOW"
        resumed = feed_position(event["resumeAfter"])
        assert resumed > last
        await live(client)
        await serving.append(db, "A", "A")
        assert await positions(stream, 2) == [resumed + 1, resumed + 2]


def caught_up(client: Client, position: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return feed_of(client).position >= position

    return reached

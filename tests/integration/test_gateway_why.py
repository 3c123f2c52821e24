"""Why an order is as it is, over what the projector wrote."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.postgres import Postgres
from demo.story import Story
from projections.database import Connection
from projections.projector import Projector
from tests.controls import projecting, serving
from tests.controls.serving import Client
from tests.controls.story import MAPPINGS, captured_story

WHY = """
query ($id: ID!) {
  order(id: $id) {
    commercial fulfillment delivery financial returnState health displayStatus
    why { facet state previous since events { version type committedAt recordedAt cause {
      source table key position transaction committedAt capturedAt
    } } }
  }
}
"""
FACETS = {
    "COMMERCIAL": ("commercial", "commercial"),
    "FULFILLMENT": ("fulfillment", "fulfillment"),
    "DELIVERY": ("delivery", "delivery"),
    "FINANCIAL": ("financial", "financial"),
    "RETURN": ("returnState", "return"),
    "HEALTH": ("health", "health"),
    "DISPLAY_STATUS": ("displayStatus", "display"),
}
"""Name → its field on the order and in the feed."""
HELD_AT = "2026-03-02T14:30:00+00:00"


@pytest.fixture
async def db(database: str) -> AsyncIterator[Connection]:
    db = await projecting.connected(database)
    await projecting.create_schemas(db)
    await db.execute((serving.ROOT / "gateway/sql/schema.sql").read_text())
    yield db
    await db.close()


@pytest.fixture
async def client(db: Connection, database: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(database, tmp_path) as client:
        yield client


async def explained(client: Client, order: str) -> Mapping[str, Any]:
    found = (await client.ask(WHY, id=order))["order"]["why"]
    return {each["facet"]: each for each in found}


async def test_each_facet_names_the_change_that_brought_it(client: Client, db: Connection) -> None:
    projector = Projector(db, MAPPINGS)
    await projector.start()
    held = projecting.header(1042, projecting.Op.UPDATE, hldcd="CR", hlddt="2026-03-02T09:30:00")
    await projector.project([projecting.order(10, 1042)])
    await projector.project([projecting.transaction(0x1_0000_0020, held)])
    why = await explained(client, "1042")
    (event,) = why["COMMERCIAL"]["events"]
    assert (why["COMMERCIAL"]["state"], why["COMMERCIAL"]["previous"], event["type"]) == (
        "ON_HOLD", "ACCEPTED", "ORDER_HELD",
    )  # fmt: skip
    committed = projecting.AT.isoformat()
    assert event["cause"] == {
        "source": "erp", "table": "public.ordhdr", "key": {"ordno": 1042}, "position": "1/1/20/1",
        "transaction": str(0x1_0000_0020), "committedAt": committed, "capturedAt": committed,
    }  # fmt: skip
    assert event["committedAt"] == committed
    assert why["HEALTH"]["events"] == why["DISPLAY_STATUS"]["events"] == [event]
    assert [each["type"] for each in why["FULFILLMENT"]["events"]] == ["ORDER_ACCEPTED"]
    assert why["FULFILLMENT"]["previous"] is None


async def test_every_facet_of_a_story_is_explained(postgres: Postgres, client: Client, db: Connection) -> None:
    _, transactions = await captured_story(postgres, "why", Story(seed=3, orders=12))
    projector = Projector(db, MAPPINGS)
    await projector.start()
    for source in transactions.values():
        for start in range(0, len(source), 5):
            await projector.project(source[start : start + 5])
    orders = [row["id"] for row in await db.fetch("select id from graph.orders order by id")]
    assert len(orders) == 12
    turns = 0
    for order in orders:
        feed = [
            dict(row) for row in await db.fetch("select * from record.feed where order_id = $1 order by version", order)
        ]
        for name, each in (await explained(client, order)).items():
            before, told = last_turn(feed, FACETS[name][1])
            turns += before is not None
            assert each["previous"] == before, (order, name)
            assert [event["version"] for event in each["events"]] == told, (order, name)
            assert each["events"], (order, name)
            assert all(event["cause"]["capturedAt"] for event in each["events"])
    assert turns > 12


def last_turn(feed: list[dict[str, Any]], facet: str) -> tuple[str | None, list[int]]:
    """Walked by hand: the state before the last one, and the versions of the transaction that ended it."""
    state: str | None = None
    found: tuple[str | None, list[int]] = None, []
    for place, event in enumerate(feed):
        new = json.loads(event["facets"])[facet]
        if new != state:
            found = state, [e["version"] for e in feed[place:] if transaction_of(e) == transaction_of(event)]
        state = new
    return found


def transaction_of(event: dict[str, Any]) -> tuple[Any, ...]:
    return event["recorded_at"], event["cause_source"], event["cause_transaction"]


async def test_outsiders_are_told_the_events_and_not_the_rows(client: Client, db: Connection) -> None:
    projector = Projector(db, MAPPINGS)
    await projector.start()
    await projector.project([projecting.order(10, 1042)])
    for role, scope in (("customer", "7"), ("channel", "EDI")):
        outsider = client.as_(role, scope)
        answer = (await outsider.post(WHY, id="1042")).json()
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
        for each in answer["data"]["order"]["why"]:
            assert [(event["type"], event["cause"]) for event in each["events"]] == [("ORDER_ACCEPTED", None)]
            assert all(event["committedAt"] and event["recordedAt"] for event in each["events"])
        assert "ordhdr" not in json.dumps(answer["data"])


async def test_nobody_is_told_a_change_among_events_that_are_missing(client: Client, db: Connection) -> None:
    """Versions 2 and 3 are pruned: each facet that was changed by one of them, or by 4, is not explained."""
    await serving.create_orders(db, [("1", None)])
    await db.execute("update graph.orders set fulfillment = 'RELEASED', health = 'LATE', display_status = 'PREPARING'")
    for _ in range(4):
        await serving.append(db, "1")
    await db.execute('update record.feed set facets = facets::jsonb || \'{"health": "LATE"}\' where version > 3')
    await db.execute("delete from record.feed where version in (2, 3)")
    why = await explained(client, "1")
    assert why["HEALTH"]["events"] == []
    assert [event["version"] for event in why["FULFILLMENT"]["events"]] == [1]
    await db.execute("update graph.orders set fulfillment = 'PICKING'")
    assert (await explained(client, "1"))["FULFILLMENT"]["events"] == []

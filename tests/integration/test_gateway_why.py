"""Why an order is as it is, over what the projector wrote."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.postgres import Postgres
from cdc.change import Snapshot
from demo.story import Story
from projections.database import Connection
from projections.projector import Projector
from tests.controls import histories, projecting, serving
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


BEHIND = """query ($id: ID!) { order(id: $id) { events(last: 1) {
    type recordedAt visibleAt cause { position }
    changes { source table key position transaction committedAt capturedAt projectedAt }
} } }"""


async def behind(client: Client, order: str) -> tuple[str, str, list[Any]]:
    """Of the latest event: its type, the place of its cause, and the changes behind it."""
    (event,) = (await client.ask(BEHIND, id=order))["order"]["events"]
    assert all(each["projectedAt"] == event["recordedAt"] for each in event["changes"])
    assert event["visibleAt"] >= event["recordedAt"]
    return event["type"], event["cause"]["position"], event["changes"]


async def test_an_event_names_all_changes_behind_it_and_no_others(client: Client, db: Connection) -> None:
    """One transaction of two orders: each has what tells of it, what is no happening too."""
    projector = Projector(db, MAPPINGS)
    await projector.start()
    await projector.project([projecting.order(10, 1), projecting.order(11, 2)])
    update = projecting.Op.UPDATE
    both = projecting.transaction(
        0x20,
        projecting.line(2, update, qtyord="7.000"),
        projecting.header(1, update, cuspo="PO-9"),
        projecting.header(2, update, hldcd="CR", hlddt="2026-03-02T09:30:00"),
        projecting.line(1, update, qtyord="8.000"),
    )
    await projector.project([both])
    kind, cause, changes = await behind(client, "1")
    assert (kind, cause) == ("ORDER_CHANGED", "1/0/20/2")
    assert [each["position"] for each in changes] == ["1/0/20/2", "1/0/20/4"]
    assert changes[1] == {
        "source": "erp", "table": "public.ordlin", "key": {"ordno": 1, "linno": 1}, "position": "1/0/20/4",
        "transaction": str(0x20), "committedAt": projecting.AT.isoformat(), "capturedAt": projecting.AT.isoformat(),
        "projectedAt": changes[0]["projectedAt"],
    }  # fmt: skip
    kind, cause, changes = await behind(client, "2")
    assert (kind, cause) == ("ORDER_HELD", "1/0/20/3")
    assert [each["position"] for each in changes] == ["1/0/20/1", "1/0/20/3"]
    await db.execute("delete from record.ledger where ordinal = 1")
    assert [each["position"] for each in (await behind(client, "2"))[2]] == ["1/0/20/3"], "what the ledger has"


async def test_what_a_snapshot_found_follows_from_all_its_rows(client: Client, db: Connection) -> None:
    projector = Projector(db, MAPPINGS)
    await projector.start()
    read = projecting.Op.READ
    rows = projecting.line(2, read), projecting.header(1, read), projecting.line(1, read)
    last = projecting.transaction(0x20, *rows, epoch=2, snapshot=Snapshot.LAST)
    await projector.project([last])
    kind, cause, changes = await behind(client, "1")
    assert (kind, cause) == ("ORDER_ACCEPTED", "2/0/20/2")
    assert [each["position"] for each in changes] == ["2/0/20/2", "2/0/20/3"]


async def test_what_moves_is_behind_what_both_orders_tell(client: Client, db: Connection) -> None:
    projector = Projector(db, MAPPINGS)
    await projector.start()
    await projector.project([projecting.order(1, 1), projecting.order(2, 2)])
    for log, quoted in ((3, 1), (4, 2)):
        moved = projecting.transaction(log, histories.east_order(1, quoted), source="east")
        await projector.project([moved])
    assert [each["table"] for each in (await behind(client, "1"))[2]] == ["public.wh_order"]
    assert (await behind(client, "1"))[1] == (await behind(client, "2"))[1] == "1/0/4/1"


async def test_outsiders_are_not_told_the_changes(client: Client, db: Connection) -> None:
    projector = Projector(db, MAPPINGS)
    await projector.start()
    await projector.project([projecting.order(10, 1)])
    answer = (await client.as_("customer", "7").post(BEHIND, id="1")).json()
    assert [error["path"][-1] for error in answer["errors"]] == ["cause"]
    assert answer["data"]["order"]["events"][0]["changes"] == []


async def test_every_event_of_a_story_has_its_cause_among_its_changes(
    postgres: Postgres, client: Client, db: Connection
) -> None:
    _, transactions = await captured_story(postgres, "behind", Story(seed=4, orders=6))
    projector = Projector(db, MAPPINGS)
    await projector.start()
    for source in transactions.values():
        for start in range(0, len(source), 7):
            await projector.project(source[start : start + 7])
    query = "{ events(first: 500) { events { cause { position } changes { position projectedAt } } } }"
    events = (await client.ask(query))["events"]["events"]
    assert len(events) > 50
    assert all(event["cause"]["position"] in [each["position"] for each in event["changes"]] for event in events)
    assert all(each["projectedAt"] for event in events for each in event["changes"])

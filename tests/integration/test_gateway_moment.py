"""An order as it was: what the same question had answered then, for every role."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.postgres import Postgres
from cdc.change import Op
from demo.story import Story
from gateway import past
from projections.database import Connection
from projections.projector import Projector
from tests.controls import histories, projecting, serving
from tests.controls.serving import Client
from tests.controls.story import MAPPINGS, captured_story
from tests.controls.telling import telling
from tests.integration.test_projector import batches, interleaved

WHOLE = (Path(__file__).parent / "gateway_whole_order.graphql").read_text()
# What is known as of now only.
WHOLE = re.sub(r"inventory \{[^}]*\}|freshness \{[^}]*\}", "", WHOLE)
THEN = WHOLE.replace("$id: ID!", "$id: ID!, $at: DateTime").replace("order(id: $id)", "order(id: $id, asOf: $at)")
STATES = (
    "query ($id: ID, $n: String, $at: DateTime) { order(id: $id, number: $n, asOf: $at) { id customerPo version } }"
)
HAPPENED = """query ($id: ID!, $at: DateTime) { order(id: $id, asOfOccurred: $at) {
    displayStatus shipments { milestone transportEvents { code } } version events { type } } }"""


@pytest.fixture
async def db(database: str) -> AsyncIterator[Connection]:
    """With somebody who tells the past."""
    db = await projecting.connected(database)
    await projecting.create_schemas(db)
    await db.execute((serving.ROOT / "gateway/sql/schema.sql").read_text())
    async with telling(database):
        yield db
    await db.close()


@pytest.fixture
async def client(db: Connection, database: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving.running(database, tmp_path) as client:
        yield client


@pytest.fixture
async def projector(db: Connection) -> Projector:
    projector = Projector(db, MAPPINGS)
    await projector.start()
    return projector


async def now(db: Connection) -> str:
    at: datetime = await db.fetchval("select clock_timestamp()")
    return at.isoformat()


async def answered(client: Client, query: str, **variables: Any) -> Any:
    answer = (await client.post(query, **variables)).json()
    errors = sorted((str(error["path"]), error["extensions"]["code"]) for error in answer.get("errors", ()))
    return answer["data"], errors


async def test_an_order_answers_as_it_did_then(
    postgres: Postgres, client: Client, db: Connection, projector: Projector
) -> None:
    """Rows, events, versions, explanations and what is secret, for each role."""
    _, transactions = await captured_story(postgres, "moment", Story(seed=9, orders=6))
    customer = next(c.after["cusno"] for t in transactions["erp"] for c in t.changes if c.table == "public.ordhdr")
    outsiders = client.as_("partner", "east"), client.as_("channel", "EDI"), client.as_("customer", str(customer))
    callers = [client, *outsiders]
    seen: list[tuple[str, str, Client, Any]] = []
    for number, batch in enumerate(batches(interleaved(transactions, seed=2), 12)):
        await projector.project(batch)
        if number % 2:
            orders = [row["id"] for row in await db.fetch("select id from graph.orders order by id")]
            at, asked = await now(db), (orders * 2)[number % max(len(orders), 1) :][:2]
            seen += [(at, order, who, await answered(who, WHOLE, id=order)) for order in asked for who in callers]
    assert len(seen) > 20
    assert any(data["order"] is not None for _, _, who, (data, _) in seen if who is callers[3])
    for at, order, who, expected in seen:
        now_seen, _ = await answered(who, STATES, id=order)
        found = await answered(who, THEN, id=order, at=at)
        assert found == expected or now_seen["order"] is None, (order, at, who.auth)


async def test_before_it_was_known_there_was_none(client: Client, db: Connection, projector: Projector) -> None:
    before = await now(db)
    await projector.project([projecting.order(1, 1)])
    after = await now(db)
    assert await client.ask(STATES, id="1", at=before) == {"order": None}
    assert (await client.ask(STATES, id="1", at=after))["order"]["id"] == "1"
    assert (await client.ask(STATES, n="1", at=after))["order"]["id"] == "1"
    assert await client.ask(STATES, id="9", at=after) == {"order": None}
    assert await client.ask(STATES, id="x\0", at=after) == {"order": None}


async def test_what_is_gone_is_there_in_its_past_for_our_own_people(
    client: Client, db: Connection, projector: Projector
) -> None:
    await projector.project([projecting.order(1, 1)])
    at = await now(db)
    await projector.project([projecting.transaction(2, projecting.deleted(projecting.header(1)))])
    assert await client.ask(STATES, id="1") == {"order": None}
    assert (await client.ask(STATES, id="1", at=at))["order"]["version"] == 1
    assert await client.as_("customer", "7").ask(STATES, id="1", at=at) == {"order": None}


async def test_who_may_not_see_it_now_or_then_sees_no_past_of_it(
    client: Client, db: Connection, projector: Projector
) -> None:
    await projector.project([projecting.order(1, 1)])
    at = await now(db)
    await projector.project([projecting.transaction(2, projecting.header(1, Op.UPDATE, cusno=8))])
    for customer in ("7", "8"):
        assert await client.as_("customer", customer).ask(STATES, id="1", at=at) == {"order": None}
    assert (await client.ask(STATES, id="1", at=at))["order"]["id"] == "1"


@pytest.mark.parametrize(
    "arguments",
    [
        'asOf: "2999-01-01T00:00:00Z"',
        'asOfOccurred: "2999-01-01T00:00:00Z"',
        'asOf: "2026-01-01T00:00:00"',
        'asOf: "2026-01-01T00:00:00Z", asOfOccurred: "2026-01-01T00:00:00Z"',
        'asOf: "2026-01-01T00:00:00Z", after: "x"',
    ],
)
async def test_what_makes_no_sense_is_refused(client: Client, projector: Projector, arguments: str) -> None:
    await projector.project([projecting.order(1, 1)])
    assert await client.refused(f'{{ order(id: "1", {arguments}) {{ id }} }}') == "BAD_REQUEST"


@pytest.mark.parametrize("inside", ["customer { orders { totalCount } }", "lines { product { inventory { sku } } }"])
async def test_what_is_known_as_of_now_only_is_refused(
    client: Client, db: Connection, projector: Projector, inside: str
) -> None:
    customer = "public.cusmst", Op.CREATE, {"cusno": 7}, {"cusno": 7, "cusnam": "Seven", "custyp": "A", "curcd": "USD"}
    article = "public.itmmst", Op.CREATE, {"itmno": "T-100"}, {
        "itmno": "T-100", "itmdsc": "Bolt", "uom": "EA", "itmsts": "A",
    }  # fmt: skip
    await projector.project([projecting.order(1, 1), projecting.transaction(2, customer, article)])
    query = f"query ($at: DateTime) {{ order(id: 1, asOf: $at) {{ freshness {{ source }} {inside} }} }}"
    answer = (await client.post(query, at=await now(db))).json()
    assert answer["data"]["order"]["freshness"] == []
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]
    assert "as of now only" in answer["errors"][0]["message"]


async def test_when_nobody_answers_it_says_so(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "SECONDS", 0.05)
    async with serving.running(dsn, tmp_path) as client:
        answer = await client.post(STATES, id="1042", at="2026-03-01T00:00:00Z")
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_it_costs_more_than_the_order_as_it_is(client: Client, db: Connection, projector: Projector) -> None:
    await projector.project([projecting.order(1, 1)])
    query = "query ($at: DateTime) { __typename order(id: 1, asOf: $at) { id lines { line } } }"
    costs = [(await client.post(query, at=at)).json()["extensions"]["cost"] for at in (None, await now(db), None)]
    assert [(cost["requested"], cost["actual"]) for cost in costs] == [(6, 2), (506, 502), (6, 2)]


async def test_answers_are_forgotten(client: Client, db: Connection, projector: Projector) -> None:
    await projector.project([projecting.order(1, 1)])
    await client.ask(STATES, id="1", at=await now(db))
    await db.execute("update command.past_request set asked_at = asked_at - interval '2 minutes'")
    await client.ask(STATES, id="1", at=await now(db))
    assert await db.fetchval("select count(*) from command.past_request") == 1


async def test_a_scan_that_is_told_late_had_happened(client: Client, db: Connection, projector: Projector) -> None:
    at = histories
    await projector.project([
        projecting.order(1, 1),
        projecting.transaction(
            2, at.east_order(1, 1), at.east_shipment(1, 1), at.east_scan(1, 1, code="AF"),
            at.east_scan(2, 1, code="D1", scanned_at="2026-03-04T10:00:00"), source="east",
        ),
    ])  # fmt: skip
    known = await client.ask(STATES, id="1", at="2026-03-03T12:00:00Z")
    assert known == {"order": None}, "nobody knew"
    found = [
        (await client.ask(HAPPENED, id="1", at=f"2026-03-{day}:00:00Z"))["order"]
        for day in ("02T08", "02T18", "03T12", "04T12")
    ]
    assert found[0] is None
    assert [[each["milestone"] for each in order["shipments"]] for order in found[1:]] == [
        ["CREATED"], ["PICKED_UP"], ["DELIVERED"],
    ]  # fmt: skip
    assert [len(order["events"]) for order in found[1:]] == [1, 2, 3]
    assert (
        found[-1]["displayStatus"]
        == (await client.ask('{ order(id: "1") { displayStatus } }'))["order"]["displayStatus"]
    )

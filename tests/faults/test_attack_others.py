"""Attacks on what is other people's, S3 and S26: the answer, and the work for it, is that of what is not there."""

from typing import Any

import pytest
import pytest_asyncio

from gateway.cursors import feed_cursor
from gateway.database import Snapshot
from gateway.lanes import Lanes
from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS = {"order": "1042", "shipment": "east:S7", "invoice": "INV1", "customer": "C1", "return": "R1"}
ABSENT = {"order": "9999", "shipment": "east:X7", "invoice": "INVX", "customer": "CX", "return": "RX"}
PATHS = {
    "order by id": '{ order(id: "ORDER") { id note } }',
    "order by number": '{ order(number: "ORDER") { id lines { sku } } }',
    "shipment": '{ shipment(id: "SHIPMENT") { id order { id } } }',
    "invoice": '{ invoice(id: "INVOICE") { id lines { line } } }',
    "invoice by number": '{ invoice(number: "INVOICE") { id } }',
    "customer": '{ customer(id: "CUSTOMER") { id name shipTos { street } } }',
    "found": '{ find(reference: "ORDER") { scheme order { id } } }',
    "listed": '{ orders(filter: {text: "ORDER"}) { totalCount nodes { id } } }',
    "counted": '{ orderCounts(by: CHANNEL, filter: {customerId: "CUSTOMER"}) { value count } }',
    "events": '{ events(orderId: "ORDER") { events { key } } }',
    "entity by id": '{ _entities(representations: [{__typename: "Order", id: "ORDER"}]) { __typename } }',
    "entity by number": '{ _entities(representations: [{__typename: "Order", number: "ORDER"}]) { __typename } }',
    "entity shipment": '{ _entities(representations: [{__typename: "Shipment", id: "SHIPMENT"}]) { __typename } }',
    "entity return": '{ _entities(representations: [{__typename: "Return", id: "RETURN"}]) { __typename } }',
    "entity customer": '{ _entities(representations: [{__typename: "Customer", id: "CUSTOMER"}]) { __typename } }',
}
EVENTS = "query ($a: String) { events(after: $a) { events { orderId } } }"
FOLLOW = """subscription ($after: String, $order: ID) {
  orderEvents(after: $after, filter: {orderId: $order}) { ... on OrderEvent { orderId } ... on Gap { reason } }
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(client: Client) -> Client:
    """As a customer who has order 1043 alone."""
    return client.as_("customer", "C2")


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Postgres is asked, on either way."""
    ran: list[str] = []
    row, fetch = Lanes.row, Snapshot.fetch

    async def compiled(self: Lanes, sql: str, *args: object) -> Any:
        ran.append(sql)
        return await row(self, sql, *args)

    async def ordinary(self: Snapshot, name: str, *args: object) -> Any:
        ran.append(name)
        return await fetch(self, name, *args)

    monkeypatch.setattr(Lanes, "row", compiled)
    monkeypatch.setattr(Snapshot, "fetch", ordinary)
    return ran


def naming(query: str, names: dict[str, str]) -> str:
    for kind, name in names.items():
        query = query.replace(kind.upper() + '"', name + '"')
    return query


@pytest.mark.parametrize("query", PATHS.values(), ids=list(PATHS))
async def test_s3_what_is_others_answers_as_what_is_not_there(
    client: Client, query: str, statements: list[str]
) -> None:
    """The same answer after the same statements: there is nothing that could take longer."""
    seen = []
    for names in (OTHERS, ABSENT):
        statements.clear()
        answer = (await client.post(naming(query, names))).text
        for kind, name in names.items():
            answer = answer.replace(f"'{name}'", kind)
        seen.append((answer, list(statements)))
    assert seen[0] == seen[1]
    assert seen[0][1]


@pytest.mark.parametrize("order", ["1042", "9999", "*", "%", "1042,1043", ""])
async def test_s26_who_follows_what_is_others_is_told_what_is_not_there(
    client: Client, order: str, statements: list[str]
) -> None:
    """One answer after the same statements for both, and it ends; the caller's own goes on."""
    async with client.subscribed(FOLLOW, order="1043", after=feed_cursor(0)) as own:
        assert await own.next() == {"orderId": "1043"}
        statements.clear()
        await serving.send(own.socket, type="subscribe", id="2", payload=following(order))
        while (refused := await serving.receive(own.socket))["id"] != "2":
            assert refused["payload"]["data"] == {"orderEvents": {"orderId": "1043"}}
        assert refused["type"] == "error"
        [error] = refused["payload"]
        assert (error["message"], error["extensions"]) == ("there is no such order to follow", {"code": "NOT_FOUND"})
        assert statements == ["orders_by_id"]
        await serving.append_to(client, "1042", "1043")
        assert await own.next() == {"orderId": "1043"}


def following(order: str) -> dict[str, Any]:
    return {"query": FOLLOW, "variables": {"order": order}}


@pytest.mark.parametrize("position", [0, 1, 2, 3])
async def test_s26_a_cursor_of_others_shows_only_what_is_ones_own(client: Client, position: int) -> None:
    """A cursor is a place, not a right: whoever holds it, rows are cut down to what the caller sees."""
    page = await client.ask(EVENTS, a=feed_cursor(position))
    assert {event["orderId"] for event in page["events"]["events"]} <= {"1043"}
    async with client.subscribed(FOLLOW, after=feed_cursor(position)) as stream:
        await serving.append_to(client, "1042", "1043")
        assert await stream.next() == {"orderId": "1043"}


@pytest.mark.parametrize(
    "cursor", ["", "ZmVlZDE6", "ZmVlZDE6LTE", "ZmVlZDE6MQ==", "ZmVlZDI6MQ", "b3JkZXIxOjE", "MQ", "\0"]
)
async def test_s26_a_guessed_cursor_that_was_not_made_here_is_refused(client: Client, cursor: str) -> None:
    assert await client.refused(EVENTS, a=cursor) == "BAD_REQUEST"

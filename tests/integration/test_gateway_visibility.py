"""Each sees only its own: every path through the gateway, as every role."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from gateway.auth import Role
from gateway.cursors import feed_cursor, global_id
from gateway.feed import Feed
from gateway.statements import SQL
from gateway.visibility import Sight
from tests.controls import serving
from tests.controls.serving import Client
from tests.controls.sql import run
from tests.controls.waiting import until

HERE = Path(__file__).parent
WHOLE_ORDER = (HERE / "gateway_whole_order.graphql").read_text()
ORDERS = ("1042", "1043", "1044", "9999")
REFERENCES = ("1042", "1043", "PO-77_%", "F1", "S7", "1Z999", "1Z000", "INV1", "R1", "WESTNO7", "WESTTRACK", "WESTSSCC",
              "WESTNO1")  # fmt: skip
LIST = "{ orders { totalCount nodes { id } } orderCounts(by: CHANNEL) { value count } }"
SHIPMENT = "{ id number tracking podName milestones { milestone } transportEvents { code city } packages { sscc } }"
OTHERS = """
query ($shipment: ID!, $invoice: ID!, $customer: ID!) {
  shipment(id: $shipment) SHIPMENT
  invoice(id: $invoice) { id amount { amount } lines { amount { amount } } }
  customer(id: $customer) { id currency shipTos { id city } orders { totalCount nodes { id customerPo } } }
  inventory { sku warehouse source }
  sources { name }
  events(first: 500) { events { orderId subject subjectId } }
}
""".replace("SHIPMENT", SHIPMENT)
FIND = """
query ($reference: String!) {
  find(reference: $reference) {
    scheme value order { id } target { __typename ... on Order { id } ... on FulfillmentOrder { id number }
    ... on Shipment SHIPMENT ... on Invoice { id } ... on Return { id } }
  }
}
""".replace("SHIPMENT", SHIPMENT)
ENTITIES = """
query ($of: [_Any!]!) {
  _entities(representations: $of) {
    __typename ... on Order { id customerPo } ... on Shipment { id tracking } ... on Invoice { id }
    ... on Customer { id currency } ... on Return { id }
  }
}
"""
REPRESENTATIONS = [
    *({"__typename": "Order", "id": order} for order in ORDERS),
    {"__typename": "Order", "number": "1043"},
    *({"__typename": "Shipment", "id": f"{name}"} for name in ("east:S7", "east:S9", "west:W7")),
    {"__typename": "Shipment", "tracking": "WESTTRACK"},
    {"__typename": "Invoice", "id": "INV1"},
    {"__typename": "Customer", "id": "C1"},
    {"__typename": "Customer", "id": "C2"},
    {"__typename": "Return", "number": "R1"},
]
NODE = """
query ($id: ID!) {
  node(id: $id) {
    __typename ... on Order { id customerPo } ... on Shipment SHIPMENT ... on FulfillmentOrder { id number }
    ... on Invoice { id amount { amount } } ... on Customer { id currency } ... on ShipTo { id city }
    ... on Return { id } ... on Command { id state }
  }
}
""".replace("SHIPMENT", SHIPMENT)
NODES = [
    *(global_id("Order", order) for order in ORDERS),
    *(global_id("Shipment", f"{name}") for name in ("east:S7", "east:S9", "west:W7")),
    *(global_id("FulfillmentOrder", name) for name in ("east:F1", "west:W1")),
    *(global_id("Customer", name) for name in ("C1", "C2")),
    *(global_id(*each) for each in (("Invoice", "INV1"), ("ShipTo", "S1"), ("Return", "R1"), ("Command", "cmd_1"))),
]
FOLLOW = "subscription ($after: String) { orderEvents(after: $after) { ... on OrderEvent { orderId subjectId key } } }"

FIRST = feed_cursor(0)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_dsn(shared_dsn: str) -> str:
    """With what a second warehouse ships."""
    await run(shared_dsn, (HERE / "gateway_west.sql").read_text())
    return shared_dsn


async def everything(client: Client) -> str:
    """Every byte that the caller can get, forbidden fields included."""
    answers = [await client.post(WHOLE_ORDER, id=order) for order in ORDERS]
    answers += [await client.post(FIND, reference=reference) for reference in REFERENCES]
    for shipment in ("east:S7", "east:S9", "west:W7"):
        for customer in ("C1", "C2"):
            answers.append(await client.post(OTHERS, shipment=shipment, invoice="INV1", customer=customer))
    answers += [await client.post(NODE, id=node) for node in NODES]
    answers.append(await client.post(LIST))
    answers.append(await client.post(ENTITIES, of=REPRESENTATIONS))
    assert not [a for a in answers if a.status_code != 200]
    return "\n".join(json.dumps(a.json().get("data")) for a in answers)


ACME = {"1042", "PO-77", "1Z999", "INV1", "Acme", "ring the bell"}
BOLT = {"1043", "Bolt & Co", "PO-78"}
WEST = {"WESTNO7", "WESTTRACK", "WESTSIGNER", "WESTLOT", "WESTSSCC", "WESTCODE", "WESTCITY", "west:"}
PRICES = {"120.5", "84.35", "12.05", "15"}
STAFF = {"secretcause", "FREIGHT"}


@pytest.mark.parametrize(
    ("role", "scope", "seen", "unseen"),
    [
        ("admin", [], {"1042", "1043", "1044", *WEST, *ACME, *BOLT, *STAFF, "120.5"}, set()),
        ("service", [], {*WEST, *ACME, *BOLT, *STAFF, "120.5"}, set()),
        ("finance", [], {*WEST, *ACME, *BOLT, *STAFF, "120.5"}, set()),
        ("analytics", [], {"1042", "1043", "120.5"}, {"Acme", "12 Main", "60601", "WESTSIGNER", "ring"}),
        (
            "customer",
            ["C1"],
            {"1042", "1044", "120.5", "WESTNO7", "12 Main St"},
            {*BOLT, *STAFF, "ring the bell", "1Z000"},
        ),
        ("customer", ["C2"], BOLT - {"Bolt & Co"} | {"WESTNO1"}, {*ACME, *STAFF, "1044", "WESTNO7", "1Z999"}),
        ("customer", ["C3"], set(), {*ACME, *BOLT, *WEST, *STAFF, "1044", "C1", "C2"}),
        ("channel", ["EDI"], {"1042", "120.5"}, {*BOLT, *STAFF, "1044", "ring the bell"}),
        ("channel", ["WEB"], {"1043", "1044"}, {"1042", "PO-77", *STAFF, "120.5"}),
        (
            "partner",
            ["east"],
            {"1042", "1Z999", "1Z000", "12 Main St"},
            {*BOLT, *WEST, *STAFF, *PRICES, "INV1", "1044"},
        ),
        ("partner", ["west"], {"1042", "1043", *WEST}, {"1Z999", "1Z000", "east:", *STAFF, *PRICES, "INV1"}),
    ],
)
async def test_nothing_of_others_is_in_any_byte(
    client: Client, role: str, scope: list[str], seen: set[str], unseen: set[str]
) -> None:
    """S3, on every path."""
    said = await everything(client.as_(role, *scope))
    words = re.sub(r'"(quantity|allocated|onHand|available|released|ordered|rank|open)": "?[\d.-]+"?', "", said)
    assert {word for word in seen if word not in said} == set()
    assert {word for word in unseen if re.search(rf"(?<!\w){re.escape(word)}", words)} == set()


async def test_the_list_and_the_counts_agree_on_what_is_seen(client: Client) -> None:
    data = await client.as_("customer", "C1").ask(LIST)
    assert data == {
        "orders": {"totalCount": 2, "nodes": [{"id": "1044"}, {"id": "1042"}]},
        "orderCounts": [{"value": "EDI", "count": 1}, {"value": "WEB", "count": 1}],
    }


async def test_a_neighbor_gets_null_for_what_is_not_its_callers(client: Client) -> None:
    answer = (await client.as_("customer", "C2").post(ENTITIES, of=REPRESENTATIONS)).json()
    found = answer["data"]["_entities"]
    assert [entity and entity["__typename"] for entity in found] == [
        None, "Order", None, None, "Order", None, None, None, None, None, None, "Customer", None,
    ]  # fmt: skip
    errors = sorted((error["path"][1], error["extensions"]["code"]) for error in answer["errors"])
    assert errors == [(n, "NOT_FOUND") for n, entity in enumerate(found) if entity is None]


@pytest.mark.parametrize(
    "query",
    [
        '{ order(id: "1042") { total { amount } } }',
        '{ order(id: "1042") { cheap: total { amount } } }',
        'query { order(id: "1042") { ...Price } } fragment Price on Order { total { amount } }',
        '{ order(id: "1042") { ... on Order { ... { total { __typename } } } } }',
        '{ find(reference: "1042") { target { __typename ... on Order { total { amount } } } } }',
        "{ orders { nodes { total { amount } } } }",
        "{ orders { edges { node { lines { unitPrice { amount } } } } } }",
        '{ _entities(representations: [{__typename: "Order", id: "1042"}]) { ... on Order { total { amount } } } }',
    ],
)
async def test_a_price_is_forbidden_on_every_path(client: Client, query: str) -> None:
    """S5: by alias, fragment, union and entity."""
    answer = (await client.as_("partner", "east").post(query)).json()
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
    assert all(leaf is None for leaf in leaves(answer["data"]) if not isinstance(leaf, str))
    assert "120.5" not in json.dumps(answer)


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


async def test_an_order_of_others_answers_as_one_that_is_not_there(client: Client) -> None:
    customer = client.as_("customer", "C2")
    other, none = (await customer.post(WHOLE_ORDER, id="1042")), (await customer.post(WHOLE_ORDER, id="9999"))
    assert (other.status_code, other.json()) == (none.status_code, none.json())


async def test_a_node_of_others_answers_as_one_that_is_not_there(client: Client) -> None:
    for role, scope, found in (
        ("customer", "C2", {"Order", "FulfillmentOrder", "Customer"}),
        ("channel", "WEB", {"Order", "FulfillmentOrder", "Customer"}),
        ("partner", "west", {"Order", "Shipment", "FulfillmentOrder", "Customer", "ShipTo", "Return"}),
        ("customer", "C3", set()),
    ):
        answers = [(await client.as_(role, scope).post(NODE, id=node)).json() for node in NODES]
        none = (await client.as_(role, scope).post(NODE, id=global_id("Order", "none"))).json()
        hidden = [answer for answer in answers if answer["data"] == none["data"]]
        assert all(answer == none for answer in hidden)
        assert {a["data"]["node"]["__typename"] for a in answers if a not in hidden} == found


async def test_only_operations_read_dead_letters(client: Client) -> None:
    for role, scope in (("service", ()), ("customer", ("C1",)), ("partner", ("east",))):
        assert await client.as_(role, *scope).refused("{ deadLetters { id } }") == "FORBIDDEN"


@pytest.mark.parametrize(
    "sight",
    [
        Sight(Role.ADMIN),
        *(Sight(Role.CUSTOMER, frozenset(names)) for names in ({"C1"}, {"C2"}, {"C1", "C2"}, {"C3"})),
        *(Sight(Role.CHANNEL, frozenset(names)) for names in ({"EDI"}, {"WEB"}, {"x"})),
        *(Sight(Role.PARTNER, frozenset(names)) for names in ({"east"}, {"west"}, {"east", "west"}, {"erp"})),
    ],
    ids=lambda sight: " ".join([sight.role, *sorted(sight.scope)]),
)
async def test_what_is_replayed_is_what_comes_live(dsn: str, sight: Sight) -> None:
    db = await asyncpg.connect(dsn)
    try:
        live = [r["position"] for r in await db.fetch(SQL["feed_tail"], 0, 100) if sight.takes(r)]
        statement, args = sight.statement("feed_page", (0, 100, None, None, None, 100))
        assert [r["position"] for r in await db.fetch(statement, *args)] == live
    finally:
        await db.close()


async def test_a_subscriber_gets_what_is_its_own(client: Client) -> None:
    """Replayed and live; an order that moves to another customer is silent from then on (S25)."""
    assert client.server is not None
    parts = client.server.gateway.parts
    async with client.as_("customer", "C2").subscribed(FOLLOW, after=FIRST) as own, parts.pool.acquire() as db:
        assert (await own.next())["key"] == "held"
        await serving.append(db, "1042", "1043")
        heard = await own.next()
        assert heard["orderId"] == "1043"
        await db.execute("update graph.orders set customer_id = 'C1' where id = '1043'")
        (unheard,) = await serving.append(db, "1043")
        await until(partial(reached, parts.feed, unheard))
        await db.execute("update graph.orders set customer_id = 'C2' where id = '1043'")
        await serving.append(db, "1044", "1042", "1043")
        latest = await db.fetchval("select key from record.feed where order_id = '1043' order by version desc limit 1")
        assert (await own.next())["key"] == latest
    async with client.as_("partner", "east").subscribed(FOLLOW, after=FIRST) as partner:
        assert [item["subjectId"] for item in await partner.take(3)] == ["1042", "east:S7", "R1"]


async def reached(feed: Feed, position: int) -> bool:
    return feed.position >= position

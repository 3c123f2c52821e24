"""Every field of the query type, over rows that were put in by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cursors import OrderPlace, feed_cursor, feed_position, global_id, order_cursor
from gateway.schema import schema
from gateway.types.node import NODES
from tests.controls import serving
from tests.controls.serving import Client

HERE = Path(__file__).parent
WHOLE_ORDER = (HERE / "gateway_whole_order.graphql").read_text()
FOUND = """
query ($reference: String!) {
  find(reference: $reference) {
    scheme order { id }
    target {
      __typename
      ... on Order { id } ... on FulfillmentOrder { id } ... on Shipment { id }
      ... on Invoice { id } ... on Return { id }
    }
  }
}
"""
NUMBERS = "query ($f: OrderFilter) { orders(filter: $f) { totalCount nodes { number } edges { cursor } } }"
EVENTS = """
query ($after: String, $first: Int, $orderId: ID, $types: [EventType!]) {
  events(after: $after, first: $first, orderId: $orderId, types: $types) {
    cursor hasMore gap { reason resumeAfter } events { cursor orderId version }
  }
}
"""


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_order_with_all_that_belongs_to_it(client: Client) -> None:
    answer = await client.ask(WHOLE_ORDER, id="1042")
    assert answer == json.loads((HERE / "gateway_whole_order.json").read_text())


async def test_an_order_is_named_one_way(client: Client) -> None:
    assert await client.ask('{ order(number: "1043") { id customer { name } } }') == {
        "order": {"id": "1043", "customer": {"name": "Bolt & Co"}}
    }
    assert await client.ask('{ order(id: "9999") { id } }') == {"order": None}
    assert await client.refused("{ order { id } }") == "BAD_REQUEST"
    assert await client.refused('{ order(id: "1042", number: "1042") { id } }') == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, ["1044", "1043", "1042"]),
        ({"displayStatus": ["ACTION_NEEDED", "RECEIVED"]}, ["1044", "1043"]),
        ({"commercial": ["ON_HOLD"]}, ["1043"]),
        ({"fulfillment": ["PARTIALLY_SHIPPED"]}, ["1042"]),
        ({"delivery": ["IN_TRANSIT"]}, ["1042"]),
        ({"financial": ["NOT_INVOICED"]}, ["1044", "1043"]),
        ({"health": ["BLOCKED"]}, ["1043"]),
        ({"health": []}, []),
        ({"customerId": "C1"}, ["1044", "1042"]),
        ({"customerId": "C1", "channel": "EDI"}, ["1042"]),
        ({"warehouse": "WEST"}, ["1043"]),
        ({"orderedFrom": "2026-03-01T05:00:00-05:00"}, ["1043", "1042"]),
        ({"orderedTo": "2026-03-02T10:00:00Z"}, ["1042"]),
        ({"text": "po-77_%"}, ["1042"]),
        ({"text": "_"}, ["1042"]),
        ({"text": "04"}, ["1044", "1043", "1042"]),
        ({"text": "104"}, ["1044", "1043", "1042"]),
        ({"text": "o-78"}, ["1043"]),
        ({"text": "78x"}, []),
        ({"text": ""}, ["1044", "1043", "1042"]),
        ({"returnState": ["RMA_ISSUED", "REFUNDED"]}, ["1042"]),
        ({"partner": "east"}, ["1042"]),
        ({"partner": "nobody"}, []),
        ({"reference": " 1Z999 "}, ["1042"]),
        ({"reference": "INV1", "customerId": "C2"}, []),
        ({"reference": "1Z99"}, []),
        ({"held": True}, ["1043"]),
        ({"held": False}, ["1044", "1042"]),
        ({"delayed": True}, ["1042"]),
        ({"delayed": False}, ["1044", "1043"]),
        ({"promisedFrom": "2026-03-10"}, ["1042"]),
        ({"promisedTo": "2026-03-10"}, []),
        ({"requestedFrom": "2026-03-09"}, ["1042"]),
        ({"requestedTo": "2026-03-09"}, ["1043"]),
        ({"deliveredFrom": "2026-03-05T00:00:00Z"}, ["1043"]),
        ({"deliveredTo": "2026-03-05T00:00:00Z"}, []),
        ({"lastEventFrom": "2026-03-02T12:00:00+01:00"}, ["1043", "1042"]),
        ({"lastEventTo": "2026-03-07T00:00:00Z"}, ["1043"]),
    ],
)
async def test_orders_are_filtered(client: Client, wanted: dict[str, Any], numbers: list[str]) -> None:
    orders = (await client.ask(NUMBERS, f=wanted))["orders"]
    assert [node["number"] for node in orders["nodes"]] == numbers
    assert orders["totalCount"] == len(orders["edges"]) == len(numbers)


@pytest.mark.parametrize(
    "arguments",
    [
        "first: 0",
        "first: 201",
        "last: -1",
        "first: 1, last: 1",
        'after: "nonsense"',
        'after: "ZmVlZDE6MQ"',
        'filter: {orderedFrom: "2026-03-01T00:00:00"}',
        'filter: {deliveredTo: "2026-03-01T00:00:00"}',
        'filter: {promisedTo: "soon"}',
        f'orderBy: EARLIEST_PROMISE_FIRST, after: "{order_cursor(OrderPlace(serving.INSTANT, "1042"))}"',
        f'orderBy: LATEST_EVENT_FIRST, after: "{order_cursor(OrderPlace(serving.INSTANT, "1042"))}"',
        "filter: {health: [FINE]}",
        'filter: {text: "a\\u0000b"}',
    ],
)
async def test_a_list_that_cannot_be_had_is_refused(client: Client, arguments: str) -> None:
    assert await client.refused(f"{{ orders({arguments}) {{ nodes {{ id }} }} }}") == "BAD_REQUEST"


async def test_orders_are_counted_by_a_state(client: Client) -> None:
    by = {
        "DISPLAY_STATUS": {"ACTION_NEEDED": 1, "PARTLY_SHIPPED": 1, "RECEIVED": 1},
        "FULFILLMENT": {"NOT_RELEASED": 2, "PARTIALLY_SHIPPED": 1},
        "DELIVERY": {"NONE": 2, "IN_TRANSIT": 1},
        "FINANCIAL": {"NOT_INVOICED": 2, "PARTIALLY_INVOICED": 1},
        "COMMERCIAL": {"ACCEPTED": 1, "ON_HOLD": 1, "RECEIVED": 1},
        "RETURN_STATE": {"NONE": 2, "RMA_ISSUED": 1},
        "CUSTOMER": {"C1": 2, "C2": 1},
        "WAREHOUSE": {"EAST": 2, "WEST": 1},
        "ORDERED_ON": {"2026-03-01": 1, "2026-03-02": 1, None: 1},
        "PROMISED_ON": {None: 2, "2026-03-10": 1},
        "HEALTH": {"OK": 2, "BLOCKED": 1},
        "CHANNEL": {"WEB": 2, "EDI": 1},
    }
    for name, counts in by.items():
        answer = await client.ask("query ($by: CountBy!) { orderCounts(by: $by) { value count } }", by=name)
        assert {row["value"]: row["count"] for row in answer["orderCounts"]} == counts
    of_one = await client.ask('{ orderCounts(by: CHANNEL, filter: {customerId: "C2"}) { value count } }')
    assert of_one["orderCounts"] == [{"value": "WEB", "count": 1}]
    most = await client.ask("{ orderCounts(by: CUSTOMER, first: 1) { value count } }")
    assert most["orderCounts"] == [{"value": "C1", "count": 2}]
    assert await client.refused("{ orderCounts(by: CUSTOMER, first: 1001) { value } }") == "BAD_REQUEST"


OF_CUSTOMER = """
query ($id: ID!, $filter: OrderFilter, $last: Int, $before: String) {
  customer(id: $id) {
    orders(filter: $filter, last: $last, before: $before) {
      totalCount nodes { id } pageInfo { hasPreviousPage startCursor }
    }
  }
}
"""


async def test_a_customers_orders_are_paged_and_filtered(client: Client) -> None:
    found = (await client.ask(OF_CUSTOMER, id="C1"))["customer"]["orders"]
    assert (found["totalCount"], found["nodes"]) == (2, [{"id": "1044"}, {"id": "1042"}])
    last = (await client.ask(OF_CUSTOMER, id="C1", last=1))["customer"]["orders"]
    assert (last["totalCount"], last["nodes"], last["pageInfo"]["hasPreviousPage"]) == (2, [{"id": "1042"}], True)
    before = await client.ask(OF_CUSTOMER, id="C1", last=1, before=last["pageInfo"]["startCursor"])
    assert before["customer"]["orders"]["nodes"] == [{"id": "1044"}]
    delayed = await client.ask(OF_CUSTOMER, id="C1", filter={"delayed": True, "customerId": "C1"})
    assert delayed["customer"]["orders"]["nodes"] == [{"id": "1042"}]
    assert await client.refused(OF_CUSTOMER, id="C1", filter={"customerId": "C2"}) == "BAD_REQUEST"


async def test_single_things(client: Client) -> None:
    query = """{
      shipment(id: "east:S9") { number order { id } }
      invoice(id: "INV1") { number } credit: invoice(number: "CM1") { credit }
      customer(id: "C2") { name } product(sku: "NUT-10") { description }
      none: shipment(id: "east:S0") { id }
    }"""
    assert await client.ask(query) == {
        "shipment": {"number": "S9", "order": None},
        "invoice": {"number": "INV1"},
        "credit": {"credit": True},
        "customer": {"name": "Bolt & Co"},
        "product": {"description": "Nut 10 mm"},
        "none": None,
    }
    assert await client.refused("{ invoice { id } }") == "BAD_REQUEST"


KEYS = {
    "Order": "1042", "Shipment": "east:S7", "Return": "R1", "Invoice": "INV1", "FulfillmentOrder": "east:F1",
    "Customer": "C1", "ShipTo": "S1", "Product": "BOLT-10",
}  # fmt: skip
NODE = "query ($id: ID!) { node(id: $id) { __typename globalId ... on Order { id } ... on Invoice { id } } }"


async def test_every_type_of_node_is_found_by_its_global_id(client: Client) -> None:
    nodes = schema._schema.get_possible_types(schema._schema.type_map["Node"])  # type: ignore[arg-type]
    assert {kind.name for kind in nodes} == NODES.keys() == {*KEYS, "Command"}
    for kind, key in KEYS.items():
        name = global_id(kind, key)
        node = (await client.ask(NODE, id=name))["node"]
        assert (node["__typename"], node["globalId"], node.get("id", key)) == (kind, name, key)
        assert await client.ask(NODE, id=global_id(kind, "none")) == {"node": None}


@pytest.mark.parametrize("name", ["1042", "", feed_cursor(1), global_id("Money", "1042")])
async def test_what_is_no_global_id_is_refused(client: Client, name: str) -> None:
    assert await client.refused(NODE, id=name) == "BAD_REQUEST"


async def test_stock_by_article_and_warehouse(client: Client) -> None:
    query = """{
      all: inventory { sku }
      bolts: inventory(sku: "BOLT-10") { source available }
      west: inventory(warehouse: "WEST") { sku product { uom } }
    }"""
    assert await client.ask(query) == {
        "all": [{"sku": "BOLT-10"}, {"sku": "BOLT-10"}, {"sku": "NUT-10"}],
        "bolts": [{"source": "east", "available": "70"}, {"source": "erp", "available": "75"}],
        "west": [{"sku": "NUT-10", "product": {"uom": "EA"}}],
    }


@pytest.mark.parametrize(
    ("reference", "scheme", "kind", "target", "order"),
    [
        ("1043", "order_number", "Order", "1043", "1043"),
        (" PO-77_% ", "customer_po", "Order", "1042", "1042"),
        ("F1", "fulfillment_order", "FulfillmentOrder", "east:F1", "1042"),
        ("S7", "shipment", "Shipment", "east:S7", "1042"),
        ("1Z000", "tracking", "Shipment", "east:S9", None),
        ("INV1", "invoice", "Invoice", "INV1", "1042"),
        ("R1", "rma", "Return", "R1", "1042"),
    ],
)
async def test_any_identifier_leads_to_what_it_names(
    client: Client, reference: str, scheme: str, kind: str, target: str, order: str | None
) -> None:
    (found,) = (await client.ask(FOUND, reference=reference))["find"]
    assert found == {
        "scheme": scheme,
        "order": order and {"id": order},
        "target": {"__typename": kind, "id": target},
    }


async def test_an_identifier_of_nothing_finds_nothing(client: Client) -> None:
    for reference in ("nothing", "GONE", "", "PO-77__"):
        assert await client.ask(FOUND, reference=reference) == {"find": []}


async def test_the_feed_is_read_page_by_page(client: Client) -> None:
    first = (await client.ask(EVENTS, first=2))["events"]
    assert [event["orderId"] for event in first["events"]] == ["1042", "1043"]
    assert first["hasMore"]
    rest = (await client.ask(EVENTS, after=first["cursor"]))["events"]
    assert [(event["orderId"], event["version"]) for event in rest["events"]] == [("1042", 2)]
    assert not rest["hasMore"]
    assert feed_position(rest["cursor"]) == 3
    assert (await client.ask(EVENTS, after=rest["cursor"]))["events"]["events"] == []


async def test_the_feed_of_an_order_or_a_kind(client: Client) -> None:
    of_order = (await client.ask(EVENTS, orderId="1043"))["events"]
    assert [event["cursor"] for event in of_order["events"]] == [feed_cursor(2)]
    assert feed_position(of_order["cursor"]) == 3
    of_kind = (await client.ask(EVENTS, types=["MILESTONE_REACHED", "SHIPPED"]))["events"]
    assert [event["cursor"] for event in of_kind["events"]] == [feed_cursor(3)]


async def test_the_sources_and_their_lag(client: Client) -> None:
    query = """{ sources {
      name state detail position snapshotting seen applied superseded deadLettered filtered
      lagBytes lagChanges lagSeconds
    } }"""
    east, erp, inbox = (await client.ask(query))["sources"]
    assert 85 < erp.pop("lagSeconds") < 600
    assert erp == {
        "name": "erp", "state": "streaming", "detail": None, "position": "1/1/1/3", "snapshotting": False, "seen": 10,
        "applied": 6, "superseded": 1, "deadLettered": 2, "filtered": 1, "lagBytes": 1000, "lagChanges": 7,
    }  # fmt: skip
    assert (east["state"], east["snapshotting"], east["lagSeconds"]) == ("snapshotting", True, 0)
    assert (inbox["detail"], inbox["position"], inbox["seen"], inbox["lagSeconds"]) == ("no such host", None, 0, None)


async def test_dead_letters_are_for_operations(client: Client) -> None:
    query = """query ($all: Boolean!) {
      deadLetters(resolved: $all) { source table position reason document raw resolvedAt }
    }"""
    (letter,) = (await client.ask(query, all=False))["deadLetters"]
    assert letter == {
        "source": "erp", "table": "public.ordlin", "position": "1/0/9/0", "reason": "no such unit",
        "document": "order 1042", "raw": "what came ÿ", "resolvedAt": None,
    }  # fmt: skip
    assert len((await client.ask(query, all=True))["deadLetters"]) == 2
    paged = """query ($after: ID, $order: ID, $table: String) {
      deadLetters(resolved: true, first: 1, after: $after, orderId: $order, table: $table) {
        id kind orderId attempts resolution
      }
    }"""
    (last,) = (await client.ask(paged))["deadLetters"]
    (first,) = (await client.ask(paged, after=last["id"]))["deadLetters"]
    assert (await client.ask(paged, after=first["id"]))["deadLetters"] == []
    assert (await client.ask(paged, order="1044", table="public.ordlin"))["deadLetters"] == [first]
    assert first == {"id": first["id"], "kind": "UNMAPPED", "orderId": "1044", "attempts": 1, "resolution": None}
    service = {"authorization": f"Bearer {serving.token('service')}"}
    answer = (await client.post(query, service, all=False)).json()
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"

"""What a router asks: representations, each of which is answered by itself."""

from typing import Any

import pytest

from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_entities_are_resolved_in_one_batch_each(client: Client) -> None:
    query = """query ($of: [_Any!]!) { _entities(representations: $of) {
      __typename ... on Order { id } ... on Shipment { id } ... on Invoice { id }
      ... on Customer { id } ... on Product { sku } ... on Return { id }
    } }"""
    of = [
        {"__typename": "Order", "id": "1042"},
        {"__typename": "Order", "number": "1043"},
        {"__typename": "Shipment", "id": "east:S7"},
        {"__typename": "Shipment", "tracking": "1Z999"},
        {"__typename": "Invoice", "id": "CM1"},
        {"__typename": "Invoice", "number": "CM1"},
        {"__typename": "Return", "id": "R1"},
        {"__typename": "Return", "number": "R1"},
        {"__typename": "Customer", "id": "C1"},
        {"__typename": "Product", "sku": "NUT-10", "somethingElse": 1},
    ]
    found = (await client.ask(query, of=of))["_entities"]
    assert [entity and list(entity.values()) for entity in found] == [
        ["Order", "1042"], ["Order", "1043"], ["Shipment", "east:S7"], ["Shipment", "east:S7"], ["Invoice", "CM1"],
        ["Invoice", "CM1"], ["Return", "R1"], ["Return", "R1"], ["Customer", "C1"], ["Product", "NUT-10"],
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["Order", "Shipment", "Invoice", "Return", "Customer", "Product"])
@pytest.mark.parametrize(
    "keys", [{}, {"id": None, "sku": None}, {"id": 1, "sku": 1}, {"id": ["1"], "sku": {}}], ids=str
)
async def test_a_representation_without_a_key_hurts_only_itself(
    client: Client, name: str, keys: dict[str, Any]
) -> None:
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Order { id } } }"
    of = [{"__typename": name, **keys}, {"__typename": "Order", "id": "1042"}]
    answer = (await client.post(query, of=of)).json()
    assert answer["data"]["_entities"] == [None, {"id": "1042"}]
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 0], "BAD_REQUEST")
    assert "a key of its type" in error["message"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"id": "1042"},
        {"__typename": 1},
        {"__typename": "Nothing", "id": "1"},
        {"__typename": "Money"},
        7,
        "Order",
        [],
    ],
    ids=str,
)
async def test_a_representation_of_no_entity_hurts_only_itself(client: Client, given: object) -> None:
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Order { id } } }"
    answer = (await client.post(query, of=[{"__typename": "Order", "id": "1042"}, given])).json()
    assert answer["data"]["_entities"] == [{"id": "1042"}, None]
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 1], "BAD_REQUEST")
    assert "one of Customer, Invoice, Order, Product, Return, Shipment" in error["message"]


@pytest.mark.parametrize("name", ["Order", "Shipment", "Invoice", "Return", "Customer", "Product"])
async def test_an_entity_that_is_not_here_hurts_only_itself(client: Client, name: str) -> None:
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Order { id } } }"
    of = [{"__typename": name, "id": "9999", "sku": "9999"}, {"__typename": "Order", "id": "1042"}]
    answer = (await client.post(query, of=of)).json()
    assert answer["data"]["_entities"] == [None, {"id": "1042"}]
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 0], "NOT_FOUND")
    assert "'9999'" in error["message"]


async def test_a_tracking_number_that_came_again_is_the_youngest_shipments(client: Client) -> None:
    assert client.server is not None
    async with client.server.gateway.parts.pool.acquire() as db:
        await db.execute("update graph.shipment set tracking = '1Z-AGAIN' where id in ('east:S8', 'east:S9')")
        await db.execute("update graph.shipment set created_at = '2026-03-04 08:00Z' where id = 'east:S8'")
        query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Shipment { id } } }"
        found = await client.ask(query, of=[{"__typename": "Shipment", "tracking": "1Z-AGAIN"}])
        await db.execute(
            "update graph.shipment set tracking = null, created_at = '2026-03-03 08:00Z' where id = 'east:S8'"
        )
        await db.execute("update graph.shipment set tracking = '1Z000' where id = 'east:S9'")
    assert found == {"_entities": [{"id": "east:S8"}]}

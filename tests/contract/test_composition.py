"""The subgraphs compose by Apollo's rules: Milepost, and neighbors that own customers and articles."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from examples.federation import router
from examples.federation.router import Subgraph, subgraphs
from tests.controls.node import NEEDED

pytestmark = NEEDED

SPEC = "https://specs.apollo.dev/federation/v2.9"
HEAD = f'extend schema @link(url: "{SPEC}", import: ["@key", "@override", "@shareable"])\n'
URLS = [f"http://{name}.example/graphql" for name in ("orders", "customers", "catalog")]
KEYS = (
    ("Order", "id: ID!"),
    ("Order", "number: String!"),
    ("Shipment", "id: ID!"),
    ("Shipment", "tracking: String"),
    ("Invoice", "id: ID!"),
    ("Invoice", "number: String!"),
    ("Return", "id: ID!"),
    ("Return", "number: String!"),
    ("Customer", "id: ID!"),
    ("Product", "sku: String!"),
)


async def compose(node: Path, *parts: Subgraph) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await router.node(node, "compose.js", text=msgspec.json.encode(parts)))
    for hint in found["hints"]:
        print(hint)  # noqa: T201
    return found


def neighbor(sdl: str) -> Subgraph:
    return Subgraph("neighbor", "http://neighbor.example/graphql", HEAD + sdl)


async def test_milepost_composes_with_its_neighbors(node: Path) -> None:
    found = await compose(node, *subgraphs(*URLS))
    assert (found["errors"], found["hints"]) == ([], [])
    assert all(url in found["supergraph"] for url in URLS)


@pytest.mark.parametrize(("name", "key"), KEYS)
async def test_a_neighbor_adds_to_an_entity_by_each_of_its_keys(node: Path, name: str, key: str) -> None:
    field = key.partition(":")[0]
    sdl = f'type {name} @key(fields: "{field}") {{ {key} extra: String }} type Query {{ extra: {name} }}'
    assert (await compose(node, subgraphs(*URLS)[0], neighbor(sdl)))["errors"] == []


@pytest.mark.parametrize("name", ["Order", "Shipment", "Invoice", "Return", "Customer"])
async def test_a_neighbor_refers_to_an_entity_without_knowing_it(node: Path, name: str) -> None:
    sdl = f'type {name} @key(fields: "id", resolvable: false) {{ id: ID! }} type Query {{ one: {name} }}'
    assert (await compose(node, subgraphs(*URLS)[0], neighbor(sdl)))["errors"] == []


async def test_the_owner_of_customers_and_articles_has_their_fields_too(node: Path) -> None:
    sdl = """
    type Customer @key(fields: "id") { id: ID! name: String @shareable active: Boolean! @shareable
      currency: String @shareable tier: String! }
    type Product @key(fields: "sku") { sku: String! description: String! @shareable uom: String! @shareable
      active: Boolean! @shareable }
    type Query { customers: [Customer!]! }
    """
    assert (await compose(node, subgraphs(*URLS)[0], neighbor(sdl)))["errors"] == []


async def test_the_owner_may_take_a_field_over(node: Path) -> None:
    sdl = """
    type Customer @key(fields: "id") { id: ID! name: String @override(from: "orders") }
    type Query { customers: [Customer!]! }
    """
    found = await compose(node, subgraphs(*URLS)[0], neighbor(sdl))
    assert found["errors"] == []
    assert [hint.partition(":")[0] for hint in found["hints"]] == ["OVERRIDDEN_FIELD_CAN_BE_REMOVED"]


async def test_what_is_ours_alone_is_not_to_be_had_twice(node: Path) -> None:
    sdl = 'type Product @key(fields: "sku") { sku: String! source: String! } type Query { one: Product }'
    (error,) = (await compose(node, subgraphs(*URLS)[0], neighbor(sdl)))["errors"]
    assert error.startswith("INVALID_FIELD_SHARING: ")
    assert "Product.source" in error

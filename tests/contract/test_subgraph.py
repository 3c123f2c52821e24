"""What Apollo's subgraph compatibility tests ask of a library, asked of Milepost's own schema, as it is served."""

from typing import Any

import pytest
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    Visitor,
    parse,
    value_from_ast_untyped,
    visit,
)
from strawberry.federation import schema_directives as known

from gateway.schema import sdl
from tests.controls import serving
from tests.controls.serving import Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT: DocumentNode = parse(sdl())
OBJECTS = {part.name.value: part for part in DOCUMENT.definitions if isinstance(part, ObjectTypeDefinitionNode)}
USED = {"authenticated", "cost", "key", "listSize", "policy", "shareable"}
"""Not @requires, @provides, @external, @override, @inaccessible or @tag: Milepost needs nothing of its neighbors."""
SHARED = {
    "Money", "PageInfo", "Customer.name", "Customer.active", "Customer.currency", "Product.description", "Product.uom",
    "Product.active",
}  # fmt: skip
KEYS = {
    ("Order", "id"): "1042",
    ("Order", "number"): "1042",
    ("Shipment", "id"): "east:S7",
    ("Shipment", "tracking"): "1Z999",
    ("Invoice", "id"): "INV1",
    ("Invoice", "number"): "INV1",
    ("Return", "id"): "R1",
    ("Return", "number"): "R1",
    ("Customer", "id"): "C1",
    ("Product", "sku"): "BOLT-10",
}
ENTITIES = "query ($of: [_Any!]!) { _entities(representations: $of) { __typename } }"


class _Directives(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        self.names.add(node.name.value)


def arguments(directive: DirectiveNode) -> dict[str, Any]:
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in directive.arguments or ()}


def keys_of(part: ObjectTypeDefinitionNode) -> list[str]:
    return [arguments(found)["fields"] for found in part.directives or () if found.name.value == "key"]


def marked(name: str, part: ObjectTypeDefinitionNode | FieldDefinitionNode) -> bool:
    return any(found.name.value == name for found in part.directives or ())


async def test_the_service_says_the_schema_that_is_in_the_repository(client: Client) -> None:
    found = (await client.ask("{ _service { sdl } }"))["_service"]["sdl"]
    assert found.strip() == (serving.ROOT / "schema.graphql").read_text().strip()


async def test_it_links_the_version_and_imports_what_it_uses() -> None:
    (head,) = [part for part in DOCUMENT.definitions if isinstance(part, SchemaDefinitionNode)]
    (link,) = [arguments(found) for found in head.directives or ()]
    assert link["url"] == "https://specs.apollo.dev/federation/v2.9"
    assert set(link["import"]) == {f"@{name}" for name in USED}


async def test_it_uses_what_its_version_has_and_no_more() -> None:
    found = _Directives()
    visit(DOCUMENT, found)
    assert found.names - {"link", "specifiedBy"} == USED
    for name in USED:
        kind = getattr(known, name[0].upper() + name[1:])
        assert getattr(kind, "minimum_version", (2, 0)) <= (2, 9)


async def test_an_entity_s_keys_are_its_own_fields() -> None:
    found = {(name, key) for name, part in OBJECTS.items() for key in keys_of(part)}
    assert found == set(KEYS)
    for name, key in found:
        assert key in {field.name.value for field in OBJECTS[name].fields or ()}


@pytest.mark.parametrize(("name", "key"), KEYS)
async def test_each_key_finds_its_entity(client: Client, name: str, key: str) -> None:
    of = [{"__typename": name, key: KEYS[name, key]}]
    assert await client.ask(ENTITIES, of=of) == {"_entities": [{"__typename": name}]}


async def test_what_neighbors_have_too_is_shareable() -> None:
    types = {name for name, part in OBJECTS.items() if marked("shareable", part)}
    fields = {
        f"{name}.{field.name.value}"
        for name, part in OBJECTS.items()
        for field in part.fields or ()
        if marked("shareable", field)
    }
    assert types | fields == SHARED


async def test_every_way_in_is_for_callers_who_are_known() -> None:
    roots = [field for name in ("Query", "Mutation", "Subscription") for field in OBJECTS[name].fields or ()]
    assert [f.name.value for f in roots if not marked("authenticated", f) and not f.name.value.startswith("_")] == []
    entities = {name for name, part in OBJECTS.items() if keys_of(part)}
    assert {name for name in entities if not marked("authenticated", OBJECTS[name])} == {"Customer", "Product"}


async def test_a_router_that_traces_gets_the_same_answer(client: Client) -> None:
    query, traced = '{ order(id: "1042") { id } }', client.auth | {"apollo-federation-include-trace": "ftv1"}
    assert (await client.post(query, traced)).json() == (await client.post(query)).json()

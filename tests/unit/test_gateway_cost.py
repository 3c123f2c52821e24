"""What an operation is estimated to cost."""

import json
from typing import Any

import msgspec
import pytest
from graphql import FragmentDefinitionNode, get_operation_ast, parse
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import given
from hypothesis import strategies as st

from gateway.cost import Estimate, declared_size, is_list, objects_in
from gateway.schema import schema

WHOLE = schema._schema
HELD = {"OrderConnection.edges", "OrderConnection.nodes", "EventPage.events"}
"""Lists whose size the field above them declares."""

OURS = [
    (f"{name}.{field}", found)
    for name, kind in WHOLE.type_map.items()
    if not name.startswith("_")
    for field, found in getattr(kind, "fields", {}).items()
    if hasattr(found, "args") and not field.startswith("_")
]


def cost(document: str, **variables: Any) -> int:
    parsed = parse(document)
    operation = get_operation_ast(parsed)
    assert operation is not None
    values = get_variable_values(WHOLE, operation.variable_definitions or (), variables)
    assert isinstance(values, VariableValues)
    fragments = {d.name.value: d for d in parsed.definitions if isinstance(d, FragmentDefinitionNode)}
    return Estimate(WHOLE, operation, fragments, values).total()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ __typename }", 1),
        ("{ __schema { types { name } } }", 100),
        ('{ order(id: "1") { id } }', 1),
        ('{ order(id: "1") { total { amount } lines { sku } } }', 1 + 1 + 5),
        ('{ a: order(id: "1") { id } b: order(id: "1") { id } }', 2),
        ('{ order(id: "1") { id } order(id: "1") { number } }', 1),
        ('{ order(id: "1") { ...F ...F lines { line } } } fragment F on Order { lines { sku } }', 1 + 5),
        ("{ orders { nodes { id } } }", 1 + 50),
        ("{ orders(first: 200) { nodes { id } edges { node { id } } pageInfo { endCursor } } }", 1 + 200 + 2 * 200 + 1),
        ("{ orders(last: 3) { nodes { shipments { milestones { rank } } } } }", 1 + 3 * (1 + 3 * (1 + 8))),
        ("{ orders(first: -5) { nodes { id } } }", 1),
        ('{ order(id: "1") { events { key } } }', 1 + 100),
        ('{ order(id: "1") { events(last: 7) { cause { table } } } }', 1 + 7 * 2),
        ("{ events(first: 500) { events { key } } }", 1 + 500),
        ('{ order(id: "1") { lines @skip(if: true) { sku } id } }', 1),
        ('{ find(reference: "x") { target { ... on Order { lines { sku } } ... on Invoice { id } } } }', 3 * (1 + 6)),
        ('{ _entities(representations: [{__typename: "Order"}, {}]) { ... on Order { lines { sku } } } }', 2 * 6),
        ('mutation { holdOrder(input: {orderId: "1", reason: CREDIT, idempotencyKey: "k"}) { id } }', 11),
    ],
)
def test_each_object_counts_one(document: str, expected: int) -> None:
    assert cost(document) == expected


def test_variables_count() -> None:
    document = """query ($n: Int = 7, $with: Boolean = false) {
      orders(first: $n) { nodes { lines @include(if: $with) { sku } } }
    }"""
    assert cost(document) == 1 + 7
    assert cost(document, n=200) == 1 + 200
    assert cost(document, n=200, **{"with": True}) == 1 + 200 * 6


@pytest.mark.parametrize(("name", "field"), OURS, ids=[name for name, _ in OURS])
def test_every_list_of_objects_says_its_size(name: str, field: Any) -> None:
    objects = hasattr(WHOLE.type_map[str(field.type).strip("[]!")], "fields")
    if is_list(field) and objects and name not in HELD:
        assert declared_size(field) is not None


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,4}", fullmatch=True)
TEXTS = st.text(st.sampled_from('{}[]",:\\/ aé\n'), max_size=8)
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, min_size=1, max_size=4),
    max_leaves=20,
)


def objects(value: Any) -> int:
    """And texts that look like the beginning of one."""
    match value:
        case dict():
            return 1 + sum(map(objects, value.values()))
        case list():
            return sum(map(objects, value))
    return isinstance(value, str) and value.endswith("{")


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_objects_are_counted_in_the_text(data: dict[str, Any]) -> None:
    """As Postgres writes it, and as we do."""
    expected = objects(data) - 1
    assert objects_in(msgspec.json.encode(data)) == expected
    assert objects_in(json.dumps(data, separators=(", ", ":")).encode()) == expected

"""The schema keeps the style of style.py, and each of its rules can fail."""

from collections.abc import Callable

import pytest
from graphql import GraphQLNamedType, build_schema

from gateway.schema import schema
from tests.contract.style import (
    RULES,
    Found,
    connections,
    deprecations,
    descriptions,
    identifiers,
    lists,
    mutations,
    names,
    nodes,
    nullability,
    shapes,
    times,
    types,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_schema_keeps_the_style(rule: Callable[[GraphQLNamedType], Found]) -> None:
    assert [problem for kind in types(schema._schema) for problem in rule(kind)] == []


BAD = """
scalar DateTime
scalar Date
type Query { Order_list: [Order] shipped: DateTime day: Date billedAt: Date id: String
  orders(first: Int!): OrderConnection old: Int @deprecated(reason: "because")
  older: Int @deprecated(reason: "Gone on 2026-12-01.") newer: Int @deprecated(reason: "Use `old` from 2026-12-01.") }
type order { name: String }
type Order { id: ID }
type OrderConnection { nodes: [Order!]! }
type OrderEdge { node: Order }
enum State { Open }
input Hold { id: ID! }
type Mutation { hold(order: ID!): Boolean }
"""
WORSE = """
"not a sentence"
type Query { "a page." orders(first: String): OrderConnection count: Int held: Boolean }
interface Node { globalId: ID! }
type Order { globalId: ID! }
type Line implements Node { globalId: ID! }
type OrderConnection { edges: [OrderEdge] nodes: [Line!]! pageInfo: Int totalCount: Int }
type OrderEdge { node: Order cursor: String }
input OrderFilter { text: String! }
"""


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (names, 4),
        (lists, 2),
        (times, 4),
        (identifiers, 3),
        (connections, 7),
        (shapes, 8),
        (nullability, 5),
        (nodes, 1),
        (descriptions, 21),
        (mutations, 1),
        (deprecations, 2),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_rule_can_fail(rule: Callable[[GraphQLNamedType], Found], count: int) -> None:
    bad = WORSE if rule in (shapes, nullability, nodes, descriptions) else BAD
    problems = [problem for kind in types(build_schema(bad)) for problem in rule(kind)]
    assert len(problems) == count, problems

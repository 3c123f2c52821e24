"""The schema's style: one way to write names, times, lists, connections and mutations, whoever adds a field."""

import re
from collections.abc import Callable, Iterator, Mapping

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)

from gateway.schema import schema

NOT_OURS = re.compile(r"_.*|String|Int|Float|Boolean|ID|link__.*")
PAGE = {"first", "after", "last", "before"}
MOMENTS = {"eta", "asOf", "since", "firstSeen", "lastSeen"}
"""Names of times that people use as they are."""

Found = Iterator[str]
Member = GraphQLField | GraphQLInputField | GraphQLArgument


def types(of: GraphQLSchema) -> list[GraphQLNamedType]:
    return [kind for name, kind in of.type_map.items() if not NOT_OURS.fullmatch(name)]


def fields_of(kind: GraphQLNamedType) -> Mapping[str, GraphQLField | GraphQLInputField]:
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        return {}
    return {name: field for name, field in kind.fields.items() if not name.startswith("_")}


def members(kind: GraphQLNamedType) -> Iterator[tuple[str, str, Member]]:
    """Fields and their arguments: path, own name, and what it is."""
    for name, field in fields_of(kind).items():
        yield f"{kind.name}.{name}", name, field
        if isinstance(field, GraphQLField):
            yield from ((f"{kind.name}.{name}({arg})", arg, found) for arg, found in field.args.items())


def names(kind: GraphQLNamedType) -> Found:
    if not re.fullmatch(r"([A-Z][a-z0-9]*)+|[A-Z]+", kind.name):
        yield f"{kind.name}: types are written PascalCase"
    for path, name, _ in members(kind):
        if not re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)*", name):
            yield f"{path}: fields and arguments are written camelCase"
    if isinstance(kind, GraphQLEnumType):
        for value in kind.values:
            if not re.fullmatch(r"[A-Z]+(_[A-Z0-9]+)*", value):
                yield f"{kind.name}.{value}: values are written UPPER_CASE"
    if isinstance(kind, GraphQLInputObjectType) and not kind.name.endswith(("Input", "Filter")):
        yield f"{kind.name}: an input ends with Input or Filter"


def lists(kind: GraphQLNamedType) -> Found:
    """A list never holds nulls, and one that is answered is never null itself."""
    for path, _, member in members(kind):
        inner = member.type.of_type if isinstance(member.type, GraphQLNonNull) else member.type
        if isinstance(inner, GraphQLList):
            if not isinstance(inner.of_type, GraphQLNonNull):
                yield f"{path}: a list's items are not null"
            if isinstance(member, GraphQLField) and not isinstance(member.type, GraphQLNonNull):
                yield f"{path}: a list is empty rather than null"


def times(kind: GraphQLNamedType) -> Found:
    """`…At` is an instant, `…On` a day."""
    for path, name, member in members(kind):
        scalar = get_named_type(member.type).name
        instant, day = scalar == "DateTime", scalar == "Date"
        if instant and name not in MOMENTS and not re.search(r"At$|^at$|(From|To)$", name):
            yield f"{path}: an instant is called …At"
        if day and not re.search(r"(On|From|To)$", name):
            yield f"{path}: a day is called …On"
        if name.endswith("At") and not instant:
            yield f"{path}: …At is a DateTime"


def identifiers(kind: GraphQLNamedType) -> Found:
    for path, name, member in members(kind):
        if name == "id" and get_named_type(member.type).name != "ID":
            yield f"{path}: an id is an ID"
        if name == "id" and isinstance(member, GraphQLField) and not isinstance(member.type, GraphQLNonNull):
            yield f"{path}: an id is never null"


def connections(kind: GraphQLNamedType) -> Found:
    """As Relay has them; the four arguments are all there, and none is needed."""
    own = fields_of(kind)
    if kind.name.endswith("Connection"):
        yield from (f"{kind.name}: a connection has {name}" for name in {"edges", "pageInfo"} - own.keys())
    if kind.name.endswith("Edge"):
        yield from (f"{kind.name}: an edge has {name}" for name in {"node", "cursor"} - own.keys())
    for name, field in own.items():
        if isinstance(field, GraphQLField) and get_named_type(field.type).name.endswith("Connection"):
            yield from (f"{kind.name}.{name}: a page takes {arg}" for arg in PAGE - field.args.keys())
            yield from (
                f"{kind.name}.{name}({arg}): is not needed"
                for arg in PAGE & field.args.keys()
                if isinstance(field.args[arg].type, GraphQLNonNull)
            )


def mutations(kind: GraphQLNamedType) -> Found:
    if kind.name == "Mutation":
        for name, field in fields_of(kind).items():
            if isinstance(field, GraphQLField) and list(field.args) != ["input"]:
                yield f"Mutation.{name}: takes one argument, input"


def deprecations(kind: GraphQLNamedType) -> Found:
    for path, _, member in members(kind):
        if member.deprecation_reason and not re.search(r"20\d\d-\d\d-\d\d", member.deprecation_reason):
            yield f"{path}: a deprecation says what to use instead, and the day from which on it may be gone"


RULES: tuple[Callable[[GraphQLNamedType], Found], ...] = (
    names,
    lists,
    times,
    identifiers,
    connections,
    mutations,
    deprecations,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_schema_keeps_the_style(rule: Callable[[GraphQLNamedType], Found]) -> None:
    assert [problem for kind in types(schema._schema) for problem in rule(kind)] == []


BAD = """
scalar DateTime
scalar Date
type Query { Order_list: [Order] shipped: DateTime day: Date billedAt: Date id: String
  orders(first: Int!): OrderConnection old: Int @deprecated(reason: "because") }
type order { name: String }
type Order { id: ID }
type OrderConnection { nodes: [Order!]! }
type OrderEdge { node: Order }
enum State { Open }
input Hold { id: ID! }
type Mutation { hold(order: ID!): Boolean }
"""


@pytest.mark.parametrize(
    ("rule", "count"),
    [(names, 4), (lists, 2), (times, 4), (identifiers, 3), (connections, 7), (mutations, 1), (deprecations, 1)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_rule_can_fail(rule: Callable[[GraphQLNamedType], Found], count: int) -> None:
    problems = [problem for kind in types(build_schema(BAD)) for problem in rule(kind)]
    assert len(problems) == count, problems

"""The schema's style: one way to write names, times, lists, connections and mutations, whoever adds a field."""

import re
from collections.abc import Callable, Iterator, Mapping

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
    get_named_type,
)

NOT_OURS = re.compile(r"_.*|String|Int|Float|Boolean|ID|link__.*")
PAGE = {"first", "after", "last", "before"}
OF_STRAWBERRY = {"Date", "DateTime", "Decimal", "JSON"}
"""Scalars that it describes."""
MOMENTS = {"eta", "asOf", "asOfOccurred", "since", "firstSeen", "lastSeen"}
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


SHAPES = {
    "Connection": {"edges": r"\[{0}Edge!\]!", "nodes": r"\[{0}!\]!", "pageInfo": r"PageInfo!", "totalCount": r"Int!"},
    "Edge": {"node": r"{0}!", "cursor": r"String!"},
}
PAGE_TYPES = {"first": "Int", "last": "Int", "after": "String", "before": "String"}


def shapes(kind: GraphQLNamedType) -> Found:
    """What a connection, an edge and the arguments of a page are."""
    for suffix, shape in SHAPES.items():
        if kind.name.endswith(suffix):
            item = kind.name.removesuffix(suffix)
            for name, field in fields_of(kind).items():
                if name in shape and not re.fullmatch(shape[name].format(item), str(field.type)):
                    yield f"{kind.name}.{name}: is {shape[name].format(item)}, not {field.type}"
    for name, field in fields_of(kind).items():
        if isinstance(field, GraphQLField) and get_named_type(field.type).name.endswith("Connection"):
            if not isinstance(field.type, GraphQLNonNull):
                yield f"{kind.name}.{name}: a page is empty rather than null"
            for arg in PAGE & field.args.keys():
                if get_named_type(field.args[arg].type).name != PAGE_TYPES[arg]:
                    yield f"{kind.name}.{name}({arg}): is {PAGE_TYPES[arg]}"


def nullability(kind: GraphQLNamedType) -> Found:
    """What is always known is never null; what may be left out is not asked for."""
    for path, name, member in members(kind):
        needed = isinstance(member.type, GraphQLNonNull)
        if isinstance(member, GraphQLField):
            if get_named_type(member.type).name == "Boolean" and not needed:
                yield f"{path}: a Boolean is true or false"
            if re.search(r"(^c|C)(ount|ursor)$", name) and kind.name != "PageInfo" and not needed:
                yield f"{path}: a count or a cursor is always known"
        elif needed and member.default_value is None:
            yield f"{path}: null is no default of what cannot be null"
        elif "Filter" in kind.name and needed:
            yield f"{path}: a filter asks for nothing"


def nodes(kind: GraphQLNamedType) -> Found:
    """What has a globalId is a Node; what a router may ask for by key is one too."""
    if isinstance(kind, GraphQLObjectType):
        node = any(each.name == "Node" for each in kind.interfaces)
        if node != ("globalId" in kind.fields):
            yield f"{kind.name}: a Node has a globalId, and no other has one"
        definition = kind.extensions.get("strawberry-definition")
        keyed = any(type(each).__name__ == "Key" for each in getattr(definition, "directives", None) or ())
        if keyed and not node:
            yield f"{kind.name}: an entity is a Node"


def texts(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Path and description of all that can be described, values of enums too."""
    yield kind.name, kind.description
    yield from ((path, member.description) for path, _, member in members(kind))
    if isinstance(kind, GraphQLEnumType):
        yield from ((f"{kind.name}.{name}", value.description) for name, value in kind.values.items())


def descriptions(kind: GraphQLNamedType) -> Found:
    """Each is a sentence."""
    for path, text in texts(kind):
        if not text:
            yield f"{path}: is not described"
        elif kind.name not in OF_STRAWBERRY and not re.fullmatch(r"[`\w(].*[.)]", text, re.DOTALL):
            yield f"{path}: a description ends with a full stop"
        elif text[0].isalpha() and text[0].islower() and not re.match(r"[a-z_]+(,| or |:)", text):
            yield f"{path}: a description begins with a capital, unless it lists values"


def mutations(kind: GraphQLNamedType) -> Found:
    if kind.name == "Mutation":
        for name, field in fields_of(kind).items():
            if isinstance(field, GraphQLField) and list(field.args) != ["input"]:
                yield f"Mutation.{name}: takes one argument, input"


def deprecations(kind: GraphQLNamedType) -> Found:
    given = [(path, member.deprecation_reason) for path, _, member in members(kind)]
    if isinstance(kind, GraphQLEnumType):
        given += [(f"{kind.name}.{name}", value.deprecation_reason) for name, value in kind.values.items()]
    for path, reason in given:
        if reason is not None and not re.search(r"`\w+`.* 20\d\d-\d\d-\d\d\b", reason):
            yield f"{path}: a deprecation names what to use instead in `…`, then the day from which on it may be gone"


RULES: tuple[Callable[[GraphQLNamedType], Found], ...] = (
    names,
    lists,
    times,
    identifiers,
    connections,
    shapes,
    nullability,
    nodes,
    descriptions,
    mutations,
    deprecations,
)

"""Arguments are made of variables as graphql-core and Strawberry make them, and refused when they refuse them."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    OperationDefinitionNode,
    get_named_type,
    is_composite_type,
    is_non_null_type,
    is_required_argument,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.arguments import convert_arguments

from gateway.plan.binding import Arguments, Binding, Bound, Placed, Site
from gateway.plan.inputs import UnfitError, read, variables_of
from gateway.schema import build_schema
from gateway.types.scalars import read_instant

SCHEMA = build_schema()
CORE = SCHEMA._schema
QUERY = CORE.query_type
assert QUERY is not None
FIELDS = {name: field for name, field in QUERY.fields.items() if field.args}
FILTERED = [name for name in sorted(FIELDS) if "filter" in FIELDS[name].args] * 4
"""Have the most to convert."""
BINDING = Binding(SCHEMA)
TEXTS = ["1042", "", "x\0", "2026-03-01", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5+02:00", "2026-02-30T24:00:00Z"]
TEXTS += ["20260301T100000Z", "2026-03-01T10:00:00", "2026-03-01T10:00:00+24:00", "2026-03-01T24:00:00+01:60", "7"]
JUNK: list[Any] = [None, True, 0, 2, 50, 2.0, 2.5, 2**31, 2**63, -(10**30), 1e300, [], [None], [[1]], {}, {"x": 1}]
JUNK += TEXTS


class Given:
    """Binds to what it is given."""

    def bind(self, arguments: Arguments) -> Bound:
        return Bound((), (dict(arguments),))

    def sql(self, compiler: Any, at: Placed) -> str:
        return ""


def fitting(draw: st.DrawFn, kind: Any, *, bad: bool) -> Any:
    """As JSON, for a variable of the type; now and then it does not fit, if it may be bad."""
    if bad and draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from([*JUNK, "UNKNOWN"]))
    if is_non_null_type(kind):
        return fitting(draw, kind.of_type, bad=bad)
    if isinstance(kind, GraphQLList):
        alone = draw(st.booleans())
        return (
            fitting(draw, kind.of_type, bad=bad)
            if alone
            else [fitting(draw, kind.of_type, bad=bad) for _ in range(draw(st.integers(0, 3)))]
        )
    if isinstance(kind, GraphQLEnumType):
        return draw(st.sampled_from(sorted(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        lists = [name for name, each in kind.fields.items() if isinstance(each.type, GraphQLList)]
        used = draw(st.sets(st.sampled_from([*kind.fields, *lists * 3]), max_size=4))
        extra = {"nothing": 1} if bad and draw(st.integers(0, 3)) == 0 else {}
        return {name: fitting(draw, kind.fields[name].type, bad=bad) for name in sorted(used)} | extra
    match kind.name:
        case "Boolean":
            return draw(st.booleans())
        case "Int" | "Float" | "BigInt":
            return draw(st.sampled_from([1, 2, 50, 2.0]))
        case "_Any":
            return {"__typename": draw(st.sampled_from(["Order", "Product"])), "id": draw(st.sampled_from(TEXTS))}
    return draw(st.sampled_from(TEXTS))


class Writing:
    """A document as it is written, and the variables that it declares: name → type and default."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.declared: dict[str, tuple[str, Any]] = {}

    def value(self, kind: Any, *, deep: bool = True) -> str | None:
        """A variable, or a literal with variables in it; None where there is no literal of the type."""
        named, inner = get_named_type(kind), kind.of_type if is_non_null_type(kind) else kind
        how = self.draw(st.integers(0, 3)) if deep else 0
        if how == 1 and isinstance(inner, GraphQLInputObjectType):
            used = self.draw(st.lists(st.sampled_from(sorted(inner.fields)), min_size=1, max_size=4, unique=True))
            found = {name: self.value(inner.fields[name].type) for name in used}
            return f"{{{', '.join(f'{name}: {value}' for name, value in found.items() if value)}}}"
        if how == 1 and isinstance(inner, GraphQLList):
            items = [self.value(inner.of_type, deep=False) for _ in range(self.draw(st.integers(0, 2)))]
            return f"[{', '.join(item for item in items if item)}]"
        if how == 1 and named.name == "_Any":
            return f'{{__typename: "Order", id: {self.variable(CORE.type_map["ID"])}}}'
        if how == 2 and isinstance(named, GraphQLEnumType):
            return str(self.draw(st.sampled_from([*sorted(named.values), "null"])))
        return self.variable(kind)

    def variable(self, kind: Any) -> str:
        name = f"v{len(self.declared)}"
        how = self.draw(st.integers(0, 3))
        default = ""
        written = str(kind)
        if how == 1 and not is_non_null_type(kind):
            written += "!"
        elif how == 2:
            written = written.removesuffix("!")
            named = get_named_type(kind)
            if isinstance(named, GraphQLEnumType):
                default = f" = {sorted(named.values)[0]}"
            elif named.name == "Int":
                default = " = 3"
            elif named.name in ("String", "ID"):
                default = ' = "1042"'
        self.declared[name] = (f"{written}{default}", kind)
        return f"${name}"

    def field(self, name: str, field: GraphQLField) -> str:
        parts = []
        for key, argument in field.args.items():
            if is_required_argument(argument) or self.draw(st.booleans()):
                parts.append(f"{key}: {self.value(argument.type)}")
        below = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
        arguments = f"({', '.join(parts)})" if parts else ""
        return f"{name}{arguments}{below}"


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, str, Mapping[str, Any]]:
    """Field, document, variables."""
    name, bad = draw(st.sampled_from([*sorted(FIELDS), *FILTERED])), draw(st.booleans())
    writing = Writing(draw)
    text = writing.field(name, FIELDS[name])
    declared = ", ".join(f"${each}: {kind}" for each, (kind, _) in writing.declared.items())
    given = {
        each: fitting(draw, kind, bad=bad) for each, (_, kind) in writing.declared.items() if draw(st.integers(0, 5))
    } | ({"extra": 1} if draw(st.booleans()) else {})
    return name, f"query{f' ({declared})' if declared else ''} {{ {text} }}", given


def told(*values: Any) -> Any:
    """With the types: an enum's member equals its text."""
    return [{name: repr(each) for name, each in value.items()} for value in values]


def ordinary(site: Site, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Any:
    assert site.field is not None
    variables = get_variable_values(CORE, operation.variable_definitions or (), dict(given))
    if not isinstance(variables, VariableValues):
        return None
    try:
        values = get_argument_values(site.field, site.node, variables)
    except GraphQLError:
        return None
    arguments = site.field.extensions["strawberry-definition"].arguments
    registry = SCHEMA.schema_converter.scalar_registry
    return told(variables.coerced, convert_arguments(values, arguments, registry, SCHEMA.config))


def ours(site: Site, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Any:
    try:
        variables = read(variables_of(CORE, operation.variable_definitions or ()), given)
        return told(variables, BINDING.argued(site).bind(variables).parameters[0])
    except UnfitError:
        return None


def site_of(document: DocumentNode, name: str) -> tuple[Site, OperationDefinitionNode]:
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    node = operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    return Site(Given(), FIELDS[name], [FieldDetails(node, None)]), operation


@settings(max_examples=500, deadline=None)
@given(asked())
def test_arguments_are_made_as_the_ordinary_way_makes_them(case: tuple[str, str, Mapping[str, Any]]) -> None:
    name, text, variables = case
    document = parse(text)
    assume(not validate(CORE, document, specified_rules))
    site, operation = site_of(document, name)
    expected = ordinary(site, operation, variables)
    event("refused" if expected is None else "made")
    assert ours(site, operation, variables) == expected, text


def instant_by(parse: Any, text: str) -> Any:
    try:
        found = parse(text)
    except StrawberryInputCoercionError as error:
        return str(error)
    return found, found.utcoffset()


@settings(max_examples=500, deadline=None)
@given(
    st.from_regex(
        r"[0-9]{3}[1-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?(Z|[+-][0-3][0-9]:[0-7][0-9])?",
        fullmatch=True,
    )
)
def test_instants_are_read_as_strawberry_reads_them(text: str) -> None:
    assert instant_by(read_instant, text) == instant_by(DateTimeDefinition.parse_value, text)

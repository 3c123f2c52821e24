"""A document's inputs: functions, made once for each document, that do with its variables what graphql-core does.

They are for what is right. What is wrong raises UnfitError, and the ordinary way tells how.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    visit,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

Convert = Callable[[Any], Any]
Variables = Mapping[str, Any]
"""By name, coerced; without those that are not given and have no default."""
Make = Callable[[Variables], Any]
"""The value of an argument, of an item or of a field in it; Undefined where its variable is not given."""


class UnfitError(Exception):
    """An input is not as its type demands."""


class Variable(NamedTuple):
    name: str
    convert: Convert
    default: Any
    required: bool


def variables_of(schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]) -> Sequence[Variable]:
    """Of a valid operation. Raises UnfitError for what a variable cannot be of."""
    found = []
    for each in definitions:
        signature = get_variable_signature(schema, each)
        if isinstance(signature, GraphQLError):
            raise UnfitError(signature.message)
        convert, default = coercion(signature.type), default_of(signature)
        found.append(Variable(signature.name, convert, default, is_non_null_type(signature.type)))
    return found


def read(variables: Sequence[Variable], given: Mapping[str, Any]) -> Variables:
    """Raises UnfitError."""
    found = {}
    for name, convert, default, required in variables:
        if name in given:
            found[name] = convert(given[name])
        elif default is not Undefined:
            found[name] = default
        elif required:
            raise UnfitError(f"{name} is not given")
    return found


def coercion(kind: GraphQLInputType) -> Convert:
    """As coerce_input_value. No input type of ours has itself in it."""
    if is_non_null_type(kind):
        return _required(_of_value(kind.of_type))
    of_value = _of_value(kind)
    return lambda value: None if value is None else of_value(value)


def _required(of_value: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if value is None:
            raise UnfitError("it is null")
        return of_value(value)

    return convert


def _of_value(kind: Any) -> Convert:
    """Of what is not null."""
    if is_list_type(kind):
        item = coercion(kind.of_type)
        return lambda value: [item(each) for each in value] if isinstance(value, list) else [item(value)]
    return _of_object(kind) if is_input_object_type(kind) else _of_leaf(kind.coerce_input_value)


def _of_leaf(parse: Convert) -> Convert:
    def convert(value: Any) -> Any:
        try:
            return parse(value)
        except Exception as error:  # a scalar's own, of whatever kind
            raise UnfitError(str(error)) from None

    return convert


def _of_object(kind: GraphQLInputObjectType) -> Convert:
    fields = {name: (each.out_name or name, coercion(each.type)) for name, each in kind.fields.items()}
    shape = Shape.of(kind)

    def convert(value: Any) -> Any:
        if not isinstance(value, dict) or not shape.required <= value.keys() or not value.keys() <= fields.keys():
            raise UnfitError(f"it is no {kind.name}")
        found = dict(shape.defaults)
        for name, each in value.items():
            place, inner = fields[name]
            found[place] = inner(each)
        return kind.out_type(found)

    return convert


class Shape(NamedTuple):
    """Of an input object: the fields that must be there, and the values of those that need not."""

    required: frozenset[str]
    defaults: Mapping[str, Any]

    @classmethod
    def of(cls, kind: GraphQLInputObjectType) -> "Shape":
        if kind.is_one_of:
            raise UnfitError(f"{kind.name} is one of several")
        required = frozenset(name for name, each in kind.fields.items() if is_required_input_field(each))
        defaults = {each.out_name or name: default_of(each) for name, each in kind.fields.items()}
        return cls(required, {name: value for name, value in defaults.items() if value is not Undefined})


def default_of(of: Any) -> Any:
    """Undefined where there is none. `of` is an argument, a field of an input object or a variable."""
    try:
        return coerce_default_value(of)
    except TypeError as error:
        raise UnfitError(str(error)) from None


def argument_of(argument: GraphQLArgument, node: ValueNode | None) -> Make:
    """As coerce_argument. Raises UnfitError for a constant that does not fit."""
    return _or_default(argument, node, required=is_required_argument(argument))


def _or_default(of: GraphQLArgument | GraphQLInputField, node: ValueNode | None, *, required: bool) -> Make:
    default = default_of(of)
    if node is None:
        if required:
            raise UnfitError("it is not given")
        return lambda _: default
    made = value_of(node, of.type)
    if not isinstance(node, VariableNode):
        return made

    def make(variables: Variables) -> Any:
        value = made(variables)
        if value is not Undefined:
            return value
        if required:
            raise UnfitError("it is not given")
        return default

    return make


def value_of(node: ValueNode, kind: Any) -> Make:
    """As coerce_input_literal, but for a variable that is not given."""
    if isinstance(node, VariableNode):
        return _of_variable(node.name.value, not_null=is_non_null_type(kind))
    if not has_variable(node):
        value = coerce_input_literal(node, kind)
        if value is Undefined:
            raise UnfitError("a constant does not fit")
        return lambda _: value
    inner = kind.of_type if is_non_null_type(kind) else kind
    if is_list_type(inner) and isinstance(node, ListValueNode):
        return _of_items(node, inner.of_type)
    if is_input_object_type(inner) and isinstance(node, ObjectValueNode):
        return _of_fields(node, inner)
    if is_leaf_type(inner) and inner.coerce_input_literal is None:
        return _of_leaf(partial(inner.parse_literal, node))
    raise UnfitError("variables stand where there is no value for them")


def _of_variable(name: str, *, not_null: bool) -> Make:
    def make(variables: Variables) -> Any:
        value = variables.get(name, Undefined)
        if value is None and not_null:
            raise UnfitError("it is null")
        return value

    return make


def _of_items(node: ListValueNode, kind: Any) -> Make:
    items = [value_of(each, kind) for each in node.values]

    def make(variables: Variables) -> Any:
        found = [each(variables) for each in items]
        if Undefined in found:
            raise UnfitError("an item is not given")
        return found

    return make


def _of_fields(node: ObjectValueNode, kind: GraphQLInputObjectType) -> Make:
    defaults = Shape.of(kind).defaults
    given = {each.name.value: each.value for each in node.fields}
    if not given.keys() <= kind.fields.keys():
        raise UnfitError(f"{kind.name} has no such field")
    fields = [
        (each.out_name or name, _or_default(each, given.get(name), required=is_required_input_field(each)))
        for name, each in kind.fields.items()
        if name in given or is_required_input_field(each)
    ]

    def make(variables: Variables) -> Any:
        found = dict(defaults)
        for place, of in fields:
            if (value := of(variables)) is not Undefined:
                found[place] = value
        return kind.out_type(found)

    return make


def has_variable(node: Node) -> bool:
    found: list[VariableNode] = []

    class Variables(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found.append(node)

    visit(node, Variables())
    return bool(found)

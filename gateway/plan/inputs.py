"""A document's inputs: functions, made once for each document, that do with its variables what graphql-core does.

They are for what is right. What is wrong raises UnfitError, and the ordinary way tells how.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.utilities.coerce_input_value import coerce_default_value

Convert = Callable[[Any], Any]
Variables = Mapping[str, Any]
"""By name, coerced; without those that are not given and have no default."""


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
    return _of_object(kind) if is_input_object_type(kind) else of_leaf(kind.coerce_input_value)


def of_leaf(parse: Convert) -> Convert:
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

"""Arguments as they stand in a document: functions, made once, that make their values of the document's variables."""

from collections.abc import Callable
from functools import partial
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    ListValueNode,
    Node,
    ObjectValueNode,
    Undefined,
    ValueNode,
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
from graphql.utilities.coerce_input_value import coerce_input_literal

from gateway.plan.inputs import Shape, UnfitError, Variables, default_of, of_leaf

Make = Callable[[Variables], Any]
"""The value of an argument, of an item or of a field in it; Undefined where its variable is not given."""


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
        return of_leaf(partial(inner.parse_literal, node))
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

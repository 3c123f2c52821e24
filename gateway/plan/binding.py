"""Fields with arguments: what the arguments make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from graphql import FieldNode, GraphQLField, Undefined
from graphql.execution.collect_fields import FieldDetails
from strawberry.federation import Schema
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType

from gateway.plan.arguments import Make, argument_of, has_variable
from gateway.plan.inputs import Convert, Variables

Arguments = Mapping[str, Any]
Details = list[FieldDetails]
Subjects = tuple[str, ...] | None


class UncompilableError(Exception):
    """It must go the ordinary way; the message says why."""


class Bound(NamedTuple):
    """A field with its arguments: statements of equal variants are equal but for their parameters.

    `subjects` are those whose revisions tell whether the field's value has changed, beside its statement's tables;
    None: nobody can say.
    """

    variant: tuple[Any, ...]
    parameters: Sequence[object]
    subjects: Subjects = ()


class Placed(NamedTuple):
    """A bound field of the type `kind`, as it is compiled: its parameters are $first and following.

    `row` is the alias of the row that it is a field of; no root field is one of any.
    """

    variant: tuple[Any, ...]
    kind: Any
    details: Details
    first: int
    row: str


class Binder(Protocol):
    """Of one field of the schema."""

    def bind(self, arguments: Arguments) -> Bound:
        """Raises UncompilableError, for bad arguments too: the ordinary way tells what is wrong with them."""
        ...

    def sql(self, compiler: Any, at: Placed) -> str:
        """The query for the field's value, its column `j`."""
        ...


class Site(NamedTuple):
    """A field's places in a document, which are merged. `field` is None for __typename."""

    binder: Binder
    field: GraphQLField | None
    details: Details

    @property
    def node(self) -> FieldNode:
        return self.details[0].node


class Argued:
    """A site's arguments: those that the document gives, and how those are made that variables give."""

    def __init__(self, binder: Binder, constants: Arguments, made: Sequence[tuple[str, Make, Convert]]) -> None:
        self._binder = binder
        self._constants = constants
        self._made = made

    def bind(self, variables: Variables) -> Bound:
        """Raises UncompilableError and UnfitError."""
        if not self._made:
            return self._always
        arguments = dict(self._constants)
        for name, make, convert in self._made:
            value = make(variables)
            if value is not Undefined:
                arguments[name] = convert(value)
        return self._binder.bind(arguments)

    @cached_property
    def _always(self) -> Bound:
        return self._binder.bind(self._constants)


class Binding:
    """Converts arguments as Strawberry does for its resolvers."""

    def __init__(self, schema: Schema) -> None:
        self._registry = schema.schema_converter.scalar_registry
        self._config = schema.config

    def argued(self, site: Site) -> Argued:
        """Raises UnfitError."""
        if site.field is None:
            return Argued(site.binder, {}, ())
        nodes = {each.name.value: each.value for each in site.node.arguments or ()}
        constants, made = dict[str, Any](), list[tuple[str, Make, Convert]]()
        for each in site.field.extensions["strawberry-definition"].arguments:
            name = self._config.name_converter.from_argument(each)
            node, convert = nodes.get(name), self._conversion(each.type)
            make = argument_of(site.field.args[name], node)
            if node is not None and has_variable(node):
                made.append((each.python_name, make, convert))
            elif (value := make({})) is not Undefined:
                constants[each.python_name] = convert(value)
        return Argued(site.binder, constants, made)

    def _conversion(self, kind: Any) -> Convert:
        """As Strawberry's convert_argument, which looks at the types each time."""
        if type(kind) is StrawberryOptional:
            return self._conversion(kind.of_type)
        if isinstance(kind, LazyType):
            return self._conversion(kind.resolve_type())
        if isinstance(kind, StrawberryList):
            inner = kind.of_type.of_type if type(kind.of_type) is StrawberryOptional else kind.of_type
            if self._leaf(inner):
                return itself
        elif self._leaf(kind):
            return itself
        elif has_object_definition(kind) and kind.__strawberry_definition__.from_input is None:
            return self._object(kind)
        return lambda value: convert_argument(value, kind, self._registry, self._config)

    def _leaf(self, kind: Any) -> bool:
        """Whether its values are as GraphQL made them."""
        if isinstance(kind, StrawberryEnumDefinition) or has_enum_definition(kind):
            return True
        return kind is not GlobalID and is_scalar(kind, self._registry)

    def _object(self, kind: Any) -> Convert:
        definition = kind.__strawberry_definition__
        fields = {
            self._config.name_converter.from_field(each): (
                each.python_name, self._conversion(each.resolve_type(type_definition=definition))
            )
            for each in definition.fields
        }  # fmt: skip
        absent = {
            each.python_name: None
            for each in definition.fields
            if each.default_value is MISSING and each.default_factory is MISSING
        }

        def convert(value: Any) -> Any:
            if value is None:
                return None
            found: dict[str, Any] = dict(absent)
            for name, given in value.items():
                place, inner = fields[name]
                found[place] = inner(given)
            return kind(**found)

        return convert


def itself(value: Any) -> Any:
    return value


def sound(value: object) -> object:
    """Postgres has no text with a NUL in it."""
    if isinstance(value, str) and "\0" in value:
        raise UncompilableError("a text has a NUL")
    return value

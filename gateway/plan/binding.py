"""Fields with arguments: what the arguments make of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from graphql import FieldNode, GraphQLField
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.federation import Schema
from strawberry.types.arguments import convert_arguments

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


class Binding:
    """Converts arguments as Strawberry does for its resolvers."""

    def __init__(self, schema: Schema) -> None:
        self._registry = schema.schema_converter.scalar_registry
        self._config = schema.config

    def bind(self, sites: Sequence[Site], variables: VariableValues) -> Sequence[Bound]:
        """Raises UncompilableError and GraphQLError."""
        return [site.binder.bind(self._arguments(site, variables)) for site in sites]

    def _arguments(self, site: Site, variables: VariableValues) -> Arguments:
        if site.field is None:
            return {}
        given = get_argument_values(site.field, site.node, variables)
        arguments = site.field.extensions["strawberry-definition"].arguments
        return convert_arguments(given, arguments, self._registry, self._config) if arguments else given


def sound(value: object) -> object:
    """Postgres has no text with a NUL in it."""
    if isinstance(value, str) and "\0" in value:
        raise UncompilableError("a text has a NUL")
    return value

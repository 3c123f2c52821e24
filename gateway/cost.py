"""What an operation may cost: objects that it would read, by the sizes that lists are asked for or assumed to have.

The sizes are declared on the fields, as the directive @listSize, so that a router estimates the same. Each object
counts 1, each mutation and subscription 10, a look at the schema 100, other values nothing; an operation at least 1.
An argument that makes a root field dear says so with the directive @cost.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    get_operation_ast,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from msgspec import Struct, json, to_builtins
from strawberry.extensions import SchemaExtension
from strawberry.federation.schema_directives import Cost as Weight
from strawberry.federation.schema_directives import ListSize

from gateway.throttle import Lease, State
from orders.errors import RejectedError

MOST = 50_000
"""For one operation."""

EFFECT = {OperationType.QUERY: 0, OperationType.MUTATION: 10, OperationType.SUBSCRIPTION: 10}
"""For each root field beside the objects that it answers."""
INTROSPECTION = 100
DOOR = 1
"""Taken before a request is read: so much does any operation cost."""
REFUSED = 20
"""For a document that is not executed: it was read all the same."""
DEFAULT_SIZE = 50
"""Of a page whose size is not asked for, and of a list for which nothing is declared."""


class Estimate:
    """Of one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {name: FragmentDetails(node) for name, node in fragments.items()}
        self._variables = variables
        self.beside = 0
        """Points for arguments that are dear, beside the objects."""

    def total(self) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None
        found = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        each, fields = EFFECT[self._operation.operation], found.grouped_field_set
        self.beside = sum(
            self._dear(root.fields.get(details[0].node.name.value), details[0]) for details in fields.values()
        )
        objects = sum(self._field(root, details, {}) for details in fields.values())
        return max(each * len(fields) + objects, DOOR) + self.beside

    def _dear(self, field: GraphQLField | None, details: FieldDetails) -> int:
        """The declared costs of a root field's arguments that are given."""
        costs = (
            {} if field is None else {name: cost for name, each in field.args.items() if (cost := declared_cost(each))}
        )
        if not costs or field is None:
            return 0
        given = get_argument_values(field, details.node, self._variables)
        return sum(cost for name, cost in costs.items() if given.get(name) is not None)

    def _field(self, parent: GraphQLObjectType, details: list[FieldDetails], sizes: Mapping[str, int]) -> int:
        """`sizes` are those that the parent's own arguments gave its fields."""
        node = details[0].node
        field = parent.fields.get(node.name.value)
        if field is None:
            return INTROSPECTION if node.name.value in ("__schema", "__type") else 0
        size, below = self._sizes(field, details[0], sizes.get(node.name.value))
        return size * max((self._object(kind, details, below) for kind in self._objects(field)), default=0)

    def _objects(self, field: GraphQLField) -> Iterator[GraphQLObjectType]:
        kind = get_named_type(field.type)
        if is_object_type(kind):
            yield kind
        elif is_abstract_type(kind):
            yield from self._schema.get_possible_types(kind)

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails], sizes: Mapping[str, int]) -> int:
        found = collect_subfields(self._schema, self._fragments, self._variables, self._operation, kind, details)
        return 1 + sum(self._field(kind, each, sizes) for each in found.grouped_field_set.values())

    def _sizes(self, field: GraphQLField, details: FieldDetails, given: int | None) -> tuple[int, Mapping[str, int]]:
        """How many objects the field answers, and how many each of its sized fields will."""
        declared = declared_size(field)
        asked = self._asked(field, details, declared)
        if declared is not None and declared.sized_fields:
            return 1, dict.fromkeys(declared.sized_fields, asked)
        return (asked if given is None else given) if is_list(field) else 1, {}

    def _asked(self, field: GraphQLField, details: FieldDetails, declared: ListSize | None) -> int:
        given = get_argument_values(field, details.node, self._variables)
        if "representations" in given:  # federation's own field, on which nothing can be declared
            return len(given["representations"])
        if declared is None:
            return DEFAULT_SIZE
        if not declared.slicing_arguments:
            return declared.assumed_size or DEFAULT_SIZE
        asked = [given[name] for name in declared.slicing_arguments if isinstance(given.get(name), int)]
        return max(0, *asked) if asked else DEFAULT_SIZE


def is_list(field: GraphQLField) -> bool:
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    return isinstance(kind, GraphQLList)


def declared_cost(argument: GraphQLArgument) -> int:
    definition = argument.extensions.get("strawberry-definition")
    return sum(d.weight for d in getattr(definition, "directives", ()) if isinstance(d, Weight))


def declared_size(field: GraphQLField) -> ListSize | None:
    definition = field.extensions.get("strawberry-definition")
    return next((d for d in getattr(definition, "directives", ()) if isinstance(d, ListSize)), None)


def objects_in(data: bytes) -> int:
    """Objects in a JSON text, itself not counted. A text in it that ends in `{` counts as one too.

    Only a name or the end of a text can follow an opening brace with a quote: quotes in texts are escaped.
    """
    return data.count(b'{"') - 1


def most(lease: Lease) -> int:
    """For one operation of this client: nobody ever has more points than its bucket holds."""
    return min(MOST, lease.allowance.capacity)


class Cost(Struct, frozen=True, gc=False, omit_defaults=True):
    """In the words of Shopify's API; there is no `actual` for what was not executed."""

    requested: int
    allowed: int
    throttle: State
    actual: int | None = None


class Told(Struct, frozen=True, gc=False):
    """An answer's extensions."""

    cost: Cost


def told(lease: Lease, requested: int, actual: int | None = None) -> Told:
    return Told(Cost(requested, most(lease), lease.state(), actual))


class CostLimit(SchemaExtension):
    """Refuses, before anything runs, what would cost more than the caller may ask for at once, or has left now.

    Says what was asked for and what was read in `extensions.cost`. DOOR points were taken already.
    """

    kind = OperationType.QUERY
    requested: int | None = None
    taken: int | None = None
    beside = 0

    def on_operation(self) -> Iterator[None]:
        yield
        if self.taken is None:
            self._lease.settle(0, REFUSED)

    async def on_execute(self) -> AsyncIterator[None]:
        lease = self._lease
        self.requested = self._estimate()
        if self.requested is not None and self.requested > most(lease):
            problem = f"it would cost {self.requested}, and {most(lease)} at most are allowed: ask for less at once"
            raise RejectedError(problem)
        taken = self.requested or DOOR
        await lease.take(taken - DOOR)
        self.taken = taken
        yield

    def get_results(self) -> Any:
        if self.requested is None or self.kind is OperationType.SUBSCRIPTION:
            return {}
        if self.taken is None:
            return to_builtins(told(self._lease, self.requested))
        actual = self._actual()
        self._lease.settle(self.taken, actual)
        return to_builtins(told(self._lease, self.requested, actual))

    @property
    def _lease(self) -> Lease:
        lease: Lease = self.execution_context.context.lease
        return lease

    def _estimate(self) -> int | None:
        """None for an argument that does not fit: the execution will say so."""
        context = self.execution_context
        document, schema = context.graphql_document, context.schema._schema
        assert document is not None
        operation = get_operation_ast(document, context.operation_name)
        assert operation is not None
        self.kind = operation.operation
        variables = get_variable_values(schema, operation.variable_definitions or (), context.variables or {})
        if not isinstance(variables, VariableValues):
            return None
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        try:
            estimate = Estimate(schema, operation, fragments, variables)
            total, self.beside = estimate.total(), estimate.beside
            return total
        except GraphQLError:
            return None

    def _actual(self) -> int:
        data = getattr(self.execution_context.result, "data", None) or {}
        return max(EFFECT[self.kind] * len(data) + objects_in(json.encode(data)), DOOR) + self.beside

"""What an operation may cost: objects that it would read, by the sizes that lists are asked for or assumed to have.

The sizes are declared on the fields, as the directive @listSize, so that a router estimates the same. Each object
counts 1, each mutation 10, other values nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
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
from strawberry.extensions import SchemaExtension
from strawberry.federation.schema_directives import ListSize

from orders.errors import RejectedError

MOST = 50_000
"""For one operation."""

MUTATION = 10
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

    def total(self) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None
        found = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        each = MUTATION if self._operation.operation is OperationType.MUTATION else 0
        fields = found.grouped_field_set
        return each * len(fields) + sum(self._field(root, details, {}) for details in fields.values())

    def _field(self, parent: GraphQLObjectType, details: list[FieldDetails], sizes: Mapping[str, int]) -> int:
        """`sizes` are those that the parent's own arguments gave its fields."""
        node = details[0].node
        field = parent.fields.get(node.name.value)
        if field is None:
            return 0
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


def declared_size(field: GraphQLField) -> ListSize | None:
    definition = field.extensions.get("strawberry-definition")
    return next((d for d in getattr(definition, "directives", ()) if isinstance(d, ListSize)), None)


class CostLimit(SchemaExtension):
    """Refuses what would cost more than MOST before anything runs; says what was asked for in `extensions.cost`."""

    requested: int | None = None

    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        try:
            self.requested = self._estimate()
        except GraphQLError:
            self.requested = None  # an argument that does not fit: the execution will say so
        if self.requested is not None and self.requested > MOST:
            problem = f"it would cost {self.requested}, and {MOST} at most are allowed: ask for less at once"
            refused = RejectedError(problem)
            error = GraphQLError(str(refused), original_error=refused)
            context.result = ExecutionResult(data=None, errors=[error])
        yield

    def _estimate(self) -> int | None:
        context = self.execution_context
        document, schema = context.graphql_document, context.schema._schema
        assert document is not None
        operation = get_operation_ast(document, context.operation_name)
        if operation is None or operation.operation is OperationType.SUBSCRIPTION:
            return None
        variables = get_variable_values(schema, operation.variable_definitions or (), context.variables or {})
        if not isinstance(variables, VariableValues):
            return None
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        return Estimate(schema, operation, fragments, variables).total()

    def get_results(self) -> dict[str, Any]:
        return {} if self.requested is None else {"cost": {"requested": self.requested, "allowed": MOST}}

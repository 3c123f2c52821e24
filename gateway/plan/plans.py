"""Documents → statements, kept."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    ASTValidationRule,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from strawberry.federation import Schema
from strawberry.types.arguments import convert_arguments

from gateway.auth import Principal
from gateway.cost import MOST, Estimate
from gateway.plan.compiler import Compiler, Details, UncompilableError, quoted
from gateway.plan.kept import Kept
from gateway.plan.roots import ROOTS, Bound
from gateway.plan.subjects import subjects_of, tables_read
from gateway.visibility import limited

KEPT = 500
"""Documents, and statements."""
LONGEST = 20_000
"""Characters of a document that is kept."""


class Operation(NamedTuple):
    """A valid query. `conditions` are the variables that @skip and @include ask."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDetails]
    definitions: Mapping[str, FragmentDefinitionNode]
    conditions: Sequence[str]


class Statement(NamedTuple):
    """`scoped`: its last parameter is the caller's scope. `reads` is as `tables_read` gives it."""

    sql: str
    scoped: bool
    reads: frozenset[str] | None


class Plan(NamedTuple):
    """One statement for all of an operation; `cost` as it is estimated.

    `subjects` of the graph's revisions are all that the answer depends on; None: nobody can say.
    """

    sql: str
    parameters: Sequence[object]
    cost: int
    subjects: frozenset[str] | None


class Plans:
    """What compiles of a schema's operations. `rules` are what a document must keep to besides GraphQL's own."""

    def __init__(self, schema: Schema, rules: Sequence[type[ASTValidationRule]], tokens: int) -> None:
        self._strawberry = schema
        self._schema = schema._schema
        assert self._schema.query_type is not None
        self._query = self._schema.query_type
        self._root = self._query.fields
        self._rules = [*specified_rules, *rules]
        self._tokens = tokens
        self._operations: Kept[tuple[str, str | None], Operation | None] = Kept(KEPT)
        self._statements: Kept[Hashable, Statement | None] = Kept(KEPT)
        self._costs: Kept[Hashable, int] = Kept(KEPT)

    def plan(self, query: str, variables: dict[str, Any], name: str | None, caller: Principal) -> Plan | None:
        """None for what must go the ordinary way: because it cannot be compiled, or because something is wrong."""
        if len(query) > LONGEST:
            return None
        operation = self._operations.get((query, name), lambda: self._read(query, name))
        if operation is None:
            return None
        try:
            return self._planned(query, name, operation, variables, caller)
        except (UncompilableError, GraphQLError):
            return None

    def sizes(self) -> tuple[int, int, int]:
        """How many operations, statements and costs are kept."""
        return len(self._operations), len(self._statements), len(self._costs)

    def _planned(
        self, query: str, name: str | None, operation: Operation, given: dict[str, Any], caller: Principal
    ) -> Plan | None:
        variables = get_variable_values(self._schema, operation.node.variable_definitions or (), given)
        if not isinstance(variables, VariableValues):
            return None
        coerced = variables.coerced
        conditions = tuple(coerced.get(each) for each in operation.conditions)
        numbers = tuple(sorted((k, v) for k, v in coerced.items() if type(v) is int))
        cost = self._costs.get((query, name, conditions, numbers), lambda: self._cost(operation, variables))
        roots = self._roots(operation, variables)
        bound = [self._bind(details, variables) for details in roots.values()]
        single = len(caller.scope) == 1
        key = (query, name, caller.role, single, conditions, tuple(each.variant for each in bound))

        def compiled() -> Statement | None:
            compiler = Compiler(self._schema, operation.node, operation.fragments, variables, caller.role)
            return self._compile(compiler, roots, bound, single)

        statement = self._statements.get(key, compiled)
        if statement is None or cost > MOST:
            return None
        parameters = [value for each in bound for value in each.parameters]
        if statement.scoped:
            parameters.append(next(iter(caller.scope)) if len(caller.scope) == 1 else sorted(caller.scope))
        return Plan(statement.sql, parameters, cost, subjects_of(bound, statement.reads, caller))

    def _read(self, query: str, name: str | None) -> Operation | None:
        """None for what is not valid: the ordinary way says how."""
        try:
            document = parse(query, max_tokens=self._tokens)
            if validate(self._schema, document, self._rules):
                return None
        except (GraphQLError, RecursionError):
            return None
        node = get_operation_ast(document, name)
        if node is None or node.operation is not OperationType.QUERY:
            return None
        definitions = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        fragments = {key: FragmentDetails(each) for key, each in definitions.items()}
        return Operation(node, fragments, definitions, conditions_of(document))

    def _cost(self, operation: Operation, variables: VariableValues) -> int:
        return Estimate(self._schema, operation.node, operation.definitions, variables).total()

    def _roots(self, operation: Operation, variables: VariableValues) -> dict[str, Details]:
        fragments = dict(operation.fragments)
        found = collect_fields(self._schema, fragments, variables, self._query, operation.node)
        return found.grouped_field_set

    def _bind(self, details: Details, variables: VariableValues) -> Bound:
        node = details[0].node
        if node.name.value not in ROOTS:
            raise UncompilableError(f"{node.name.value} is answered by code")
        field = self._root.get(node.name.value)
        if field is None:
            return ROOTS[node.name.value].bind({})
        given = get_argument_values(field, node, variables)
        definition = field.extensions["strawberry-definition"]
        registry = self._strawberry.schema_converter.scalar_registry
        converted = convert_arguments(given, definition.arguments, registry, self._strawberry.config)
        return ROOTS[node.name.value].bind(converted)

    def _compile(
        self, compiler: Compiler, roots: Mapping[str, Details], bound: Sequence[Bound], single: bool
    ) -> Statement | None:
        first, values = 1, {}
        try:
            for (key, details), each in zip(roots.items(), bound, strict=True):
                name = details[0].node.name.value
                field = self._root.get(name)
                values[key] = ROOTS[name].sql(compiler, each.variant, field and field.type, details, first)
                first += len(each.parameters)
        except UncompilableError:
            return None
        sql = whole(values)
        return Statement(*limited(sql, compiler.role, first, single=single), tables_read(sql))


def whole(roots: Mapping[str, str]) -> str:
    """The statement that answers all root fields: response key → the query for its value."""
    fields = [f"""'{quoted(key)}:', coalesce(({sql})::text, 'null')""" for key, sql in roots.items()]
    return f"""select textsend(concat('{{', {", ',', ".join(fields)}, '}}'))"""


def conditions_of(document: DocumentNode) -> Sequence[str]:
    """The variables that decide about what is selected."""
    found: set[str] = set()

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    found.add(argument.value.name.value)

    visit(document, Conditions())
    return sorted(found)

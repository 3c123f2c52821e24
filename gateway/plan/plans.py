"""Documents → statements, kept."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    ASTValidationRule,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    get_named_type,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.federation import Schema

from gateway.auth import Principal, Role
from gateway.cost import MOST, Estimate
from gateway.plan.below import binder_of
from gateway.plan.binding import Binding, Bound, Details, Site, UncompilableError
from gateway.plan.compiler import Compiler
from gateway.plan.documents import Operation, Root, Roots, operation_of
from gateway.plan.inputs import UnfitError, Variables, read
from gateway.plan.kept import Kept
from gateway.plan.roots import ROOTS
from gateway.plan.subjects import subjects_of
from gateway.plan.whole import Statement, compiled

KEPT = 500
"""Documents, and statements."""
LONGEST = 20_000
"""Characters of a document that is kept."""


class Plan(NamedTuple):
    """A statement with its parameters; `cost` of the whole operation as it is estimated.

    `subjects` of the graph's revisions are what the answer depends on, besides what the statement finds; None: nobody
    can say.
    """

    statement: Statement
    parameters: Sequence[object]
    cost: int
    subjects: frozenset[str] | None


class Plans:
    """What compiles of a schema's operations. `rules` are what a document must keep to besides GraphQL's own."""

    def __init__(self, schema: Schema, rules: Sequence[type[ASTValidationRule]], tokens: int) -> None:
        self._schema = schema._schema
        assert self._schema.query_type is not None
        self._query = self._schema.query_type
        self._binding = Binding(schema)
        self._rules = [*specified_rules, *rules]
        self._tokens = tokens
        self._operations: Kept[tuple[str, str | None], Operation | None] = Kept(KEPT)
        self._statements: Kept[Hashable, Statement] = Kept(KEPT)
        self._costs: Kept[Hashable, int] = Kept(KEPT)

    def plan(self, query: str, variables: dict[str, Any], name: str | None, caller: Principal) -> Plan | None:
        """None for what must go the ordinary way: because nothing of it compiles, or because something is wrong."""
        plan = self.look(query, variables, name, caller)
        return plan if plan is not None and plan.statement.sql and plan.cost <= MOST else None

    def look(self, query: str, variables: dict[str, Any], name: str | None, caller: Principal) -> Plan | None:
        """None for what is no valid query. Nothing of it may compile, and it may cost too much."""
        operation = self.operation(query, name)
        if operation is None:
            return None
        try:
            return self._planned(operation, variables, caller)
        except (GraphQLError, UnfitError):
            return None

    def operation(self, query: str, name: str | None) -> Operation | None:
        """None for what is not valid, and for what is no query: the ordinary way says how."""
        if len(query) > LONGEST:
            return None
        return self._operations.get((query, name), lambda: self._read(query, name))

    def sizes(self) -> tuple[int, int, int]:
        """How many operations, statements and costs are kept."""
        return len(self._operations), len(self._statements), len(self._costs)

    def _planned(self, operation: Operation, given: dict[str, Any], caller: Principal) -> Plan:
        variables = read(operation.variables, given)
        conditions = tuple(variables.get(each) for each in operation.conditions)
        reading = Reading(self._schema, operation, given)
        cost = self._costs.get((operation, conditions, sizes_in(variables)), reading.cost)
        roots = operation.roots.get(conditions, lambda: self._roots(reading, caller))
        bound = {key: bound_of(root, variables) for key, root in roots.items()}
        variants = tuple(each if isinstance(each, str) else tuple(b.variant for b in each) for each in bound.values())
        single = len(caller.scope) == 1
        statement = self._statements.get(
            (operation, caller.role, single, conditions, variants),
            lambda: compiled(reading.compiler(caller.role), operation, roots, bound, single=single),
        )
        used = [b for key, each in bound.items() if key not in statement.reasons for b in each if isinstance(b, Bound)]
        return planned(statement, used, cost, caller)

    def _read(self, query: str, name: str | None) -> Operation | None:
        try:
            document = parse(query, max_tokens=self._tokens)
            if validate(self._schema, document, self._rules):
                return None
        except (GraphQLError, RecursionError):
            return None
        node = get_operation_ast(document, name)
        if node is None or node.operation is not OperationType.QUERY:
            return None
        try:
            return operation_of(self._schema, document, node)
        except UnfitError:
            return None

    def _roots(self, reading: "Reading", caller: Principal) -> Roots:
        compiler = reading.compiler(caller.role)
        found = reading.selected(self._query)
        return {key: self._root(compiler, details) for key, details in found.items()}

    def _root(self, compiler: Compiler, details: Details) -> Root:
        name = details[0].node.name.value
        field = self._query.fields.get(name)
        if name not in ROOTS:
            return Root(details, (), ())
        below = () if field is None else compiler.argued(get_named_type(field.type), details)
        # Of a fragment that is spread twice the fields are there twice, with the same arguments.
        sites = list({id(site.node): site for site in (Site(ROOTS[name], field, details), *below)}.values())
        return Root(details, sites, [self._binding.argued(site) for site in sites])


class Reading(NamedTuple):
    """An operation with its variables as they are given, for what is worked out only once."""

    schema: GraphQLSchema
    operation: Operation
    given: dict[str, Any]

    def variables(self) -> VariableValues:
        """Raises UnfitError."""
        found = get_variable_values(self.schema, self.operation.node.variable_definitions or (), self.given)
        if not isinstance(found, VariableValues):
            raise UnfitError(found[0].message)
        return found

    def cost(self) -> int:
        operation = self.operation
        return Estimate(self.schema, operation.node, operation.definitions, self.variables()).total()

    def compiler(self, role: Role) -> Compiler:
        return Compiler(self.schema, self.operation.node, self.operation.fragments, self.variables(), role, binder_of)

    def selected(self, kind: GraphQLObjectType) -> Mapping[str, Details]:
        fragments = dict(self.operation.fragments)
        return collect_fields(self.schema, fragments, self.variables(), kind, self.operation.node).grouped_field_set


def bound_of(root: Root, variables: Variables) -> Sequence[Bound] | str:
    """Or why it does not compile. Raises UnfitError."""
    if not root.sites:
        return f"{root.details[0].node.name.value} is answered by code"
    try:
        return [each.bind(variables) for each in root.argued]
    except UncompilableError as error:
        return str(error)


def planned(statement: Statement, bound: Sequence[Bound], cost: int, caller: Principal) -> Plan:
    parameters = [value for each in bound for value in each.parameters]
    if statement.scoped:
        parameters.append(next(iter(caller.scope)) if len(caller.scope) == 1 else sorted(caller.scope))
    return Plan(statement, parameters, cost, subjects_of(bound, statement.reads, caller))


def sizes_in(variables: Mapping[str, Any]) -> Hashable:
    """What of the variables decides about costs: numbers, how long lists are, and which are given."""
    return tuple((name, size_of(value)) for name, value in variables.items())


def size_of(value: Any) -> int | str | None:
    if isinstance(value, list):
        return len(value)
    return value if value is None or type(value) is int else "given"

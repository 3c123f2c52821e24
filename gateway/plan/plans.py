"""Documents → statements, kept."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from graphql import (
    ASTValidationRule,
    GraphQLError,
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
from gateway.plan.compiler import Compiler, quoted
from gateway.plan.documents import Operation, Root, Roots, operation_of, rest_of
from gateway.plan.kept import Kept
from gateway.plan.roots import ROOTS
from gateway.plan.subjects import subjects_of, tables_read
from gateway.plan.templates import Template, template_of
from gateway.visibility import limited

KEPT = 500
"""Documents, and statements."""
LONGEST = 20_000
"""Characters of a document that is kept."""

AllBound = Mapping[str, Sequence[Bound] | str]
"""Response key → what its arguments make of the root and what is below it; or why it does not compile."""
Asker = tuple[str, str | None, Role, bool]
"""Document, operation, and of the caller the role and whether it sees of one name only."""


class _Entity(msgspec.Struct, frozen=True):
    """Whatever is in it."""


_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTITIES = msgspec.json.Decoder(list[_Entity | None])


class Statement(NamedTuple):
    """`scoped`: its last parameter is the caller's scope. `reads` is as `tables_read` gives it; `found` is a query for
    more subjects, with the statement's parameters.

    `keys` are all response keys of the operation, in order. Those in `reasons` are not in the statement, for the reason
    that stands there; the document `rest` asks for them. `entities` are those of lists of entities.
    """

    sql: str
    scoped: bool
    reads: frozenset[str] | None
    found: str | None
    keys: Sequence[str]
    reasons: Mapping[str, str]
    rest: str | None
    entities: Sequence[str] = ()

    def lacks(self, data: bytes) -> bool:
        """Whether an entity is missing in the answer: the ordinary way says which."""
        found = _FIELDS.decode(data) if self.entities else {}
        return any(None in _ENTITIES.decode(found[key]) for key in self.entities)


class Plan(NamedTuple):
    """A statement with its parameters; `cost` of the whole operation as it is estimated.

    `subjects` of the graph's revisions are what the answer depends on, besides what the statement finds; None: nobody
    can say.
    """

    statement: Statement
    parameters: Sequence[object]
    cost: int
    subjects: frozenset[str] | None


class Fast(NamedTuple):
    """What a document always becomes, but for the keys in it."""

    template: Template
    statement: Statement
    cost: int


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
        self._fast: Kept[Asker, Fast | None] = Kept(KEPT)

    def plan(self, query: str, variables: dict[str, Any], name: str | None, caller: Principal) -> Plan | None:
        """None for what must go the ordinary way: because nothing of it compiles, or because something is wrong."""
        plan = self.look(query, variables, name, caller)
        return plan if plan is not None and plan.statement.sql and plan.cost <= MOST else None

    def look(self, query: str, variables: dict[str, Any], name: str | None, caller: Principal) -> Plan | None:
        """None for what is no valid query. Nothing of it may compile, and it may cost too much."""
        asker = (query, name, caller.role, len(caller.scope) == 1)
        fast = self._fast.find(asker)
        if fast is not None and (bound := fast.template.bind(variables)) is not None:
            return planned(fast.statement, bound, fast.cost, caller)
        operation = self.operation(query, name)
        if operation is None:
            return None
        try:
            return self._planned(asker, operation, variables, caller)
        except GraphQLError:
            return None

    def operation(self, query: str, name: str | None) -> Operation | None:
        """None for what is not valid, and for what is no query: the ordinary way says how."""
        if len(query) > LONGEST:
            return None
        return self._operations.get((query, name), lambda: self._read(query, name))

    def sizes(self) -> tuple[int, int, int]:
        """How many operations, statements and costs are kept."""
        return len(self._operations), len(self._statements), len(self._costs)

    def _planned(self, asker: Asker, operation: Operation, given: dict[str, Any], caller: Principal) -> Plan | None:
        variables = get_variable_values(self._schema, operation.node.variable_definitions or (), given)
        if not isinstance(variables, VariableValues):
            return None
        conditions = tuple(variables.coerced.get(each) for each in operation.conditions)
        measured = (asker[:2], conditions, sizes_in(variables.coerced))
        cost = self._costs.get(measured, lambda: self._cost(operation, variables))
        compiler = Compiler(self._schema, operation.node, operation.fragments, variables, caller.role, binder_of)
        roots = operation.roots.get(conditions, lambda: self._roots(compiler, operation, variables))
        bound = {key: self._bound(root, variables) for key, root in roots.items()}
        variants = tuple(each if isinstance(each, str) else tuple(b.variant for b in each) for each in bound.values())
        statement = self._statements.get(
            (asker, conditions, variants), lambda: self._compiled(compiler, operation, roots, bound, single=asker[3])
        )
        if not operation.conditions and not statement.reasons:
            self._fast.get(asker, lambda: fast_of(operation, statement, cost, roots, bound))
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
        return operation_of(document, node)

    def _cost(self, operation: Operation, variables: VariableValues) -> int:
        return Estimate(self._schema, operation.node, operation.definitions, variables).total()

    def _roots(self, compiler: Compiler, operation: Operation, variables: VariableValues) -> Roots:
        fragments = dict(operation.fragments)
        found = collect_fields(self._schema, fragments, variables, self._query, operation.node)
        return {key: Root(details, self._sites(compiler, details)) for key, details in found.grouped_field_set.items()}

    def _sites(self, compiler: Compiler, details: Details) -> Sequence[Site]:
        name = details[0].node.name.value
        field = self._query.fields.get(name)
        if name not in ROOTS:
            return ()
        below = () if field is None else compiler.argued(get_named_type(field.type), details)
        # Of a fragment that is spread twice the fields are there twice, with the same arguments.
        sites = [Site(ROOTS[name], field, details), *below]
        return list({id(site.node): site for site in sites}.values())

    def _bound(self, root: Root, variables: VariableValues) -> Sequence[Bound] | str:
        """Or why it does not compile."""
        if not root.sites:
            return f"{root.details[0].node.name.value} is answered by code"
        try:
            return self._binding.bind(root.sites, variables)
        except UncompilableError as error:
            return str(error)

    def _compiled(
        self, compiler: Compiler, operation: Operation, roots: Roots, bound: AllBound, *, single: bool
    ) -> Statement:
        values, reasons = dict[str, str](), dict[str, str]()
        for key, each in bound.items():
            if isinstance(each, str):
                reasons[key] = each
                continue
            try:
                values[key] = compiler.root(roots[key].sites, each)
            except UncompilableError as error:
                reasons[key] = str(error)
        if not values:
            return Statement("", False, None, None, list(roots), reasons, None)
        sql = whole(values)
        found = " union all ".join(compiler.found) or None
        rest = rest_of(operation, [roots[key].details for key in reasons]) if reasons else None
        limit = limited(sql, compiler.role, compiler.parameters + 1, single=single)
        entities = [key for key in values if roots[key].details[0].node.name.value == "_entities"]
        return Statement(*limit, tables_read(sql), found, list(roots), reasons, rest, entities)


def planned(statement: Statement, bound: Sequence[Bound], cost: int, caller: Principal) -> Plan:
    parameters = [value for each in bound for value in each.parameters]
    if statement.scoped:
        parameters.append(next(iter(caller.scope)) if len(caller.scope) == 1 else sorted(caller.scope))
    return Plan(statement, parameters, cost, subjects_of(bound, statement.reads, caller))


def fast_of(operation: Operation, statement: Statement, cost: int, roots: Roots, bound: AllBound) -> Fast | None:
    sites = [site for root in roots.values() for site in root.sites]
    places = [each for parts in bound.values() for each in parts if isinstance(each, Bound)]
    template = template_of(operation.node, sites, places)
    return None if template is None else Fast(template, statement, cost)


def sizes_in(variables: Mapping[str, Any]) -> Hashable:
    """What of the variables decides about costs: numbers, and how long lists are."""
    return tuple(
        (name, len(value) if isinstance(value, list) else value)
        for name, value in sorted(variables.items())
        if type(value) is int or isinstance(value, list)
    )


def whole(roots: Mapping[str, str]) -> str:
    """The statement that answers all these root fields: response key → the query for its value."""
    fields = [f"""'{quoted(key)}:', coalesce(({sql})::text, 'null')""" for key, sql in roots.items()]
    return f"""select textsend(concat('{{', {", ',', ".join(fields)}, '}}'))"""

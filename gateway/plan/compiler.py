"""A selection as SQL. Only names of columns and response keys enter a statement's text; values are parameters."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
)
from graphql.execution.collect_fields import FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues

from gateway.auth import Role
from gateway.plan.binding import Binder, Bound, Details, Placed, Site, UncompilableError
from gateway.plan.pieces import OF_KEY, as_object, column, named, narrowed, rows_of
from gateway.tables import KEY, Choice, Expression, Part, Relation, Shown
from gateway.visibility import HIDDEN_FROM, Guard, belonging

ORDER = "Order"
MAX_COLUMNS = 1000
_PARAMETER = re.compile(r"\$\d+")


class Place(NamedTuple):
    """A field with its arguments; its parameters are $first and following."""

    binder: Binder
    bound: Bound
    first: int


class Compiler:
    """Of one operation, for one role. `variables` decide @skip and @include. `binder_of` tells of a mapping.

    `parameters` are how many the statement has so far; `found` are queries for the subjects of what it finds.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDetails],
        variables: VariableValues,
        role: Role,
        binder_of: Callable[[object], Binder | None],
    ) -> None:
        self.schema = schema
        self._operation = operation
        self._fragments = dict(fragments)
        self._variables = variables
        self.role = role
        self._binder_of = binder_of
        self._aliases = 0
        self._order: str | None = None  # the alias of the order's row in which we are
        self._places: dict[int, Place] = {}
        self.parameters = 0
        self.found: list[str] = []

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def selected(self, kind: GraphQLObjectType, details: Details) -> dict[str, Details]:
        """Response key → the field's places in the document."""
        found = collect_subfields(self.schema, self._fragments, self._variables, self._operation, kind, details)
        if len(found.grouped_field_set) > MAX_COLUMNS:
            raise UncompilableError("too many fields at one place")
        return found.grouped_field_set

    def argued(self, kind: Any, details: Details) -> Iterator[Site]:
        """The fields below that have arguments and compile."""
        kinds = self.schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        for each in kinds:
            for inner in self.selected(each, details).values() if isinstance(each, GraphQLObjectType) else ():
                field = each.fields.get(inner[0].node.name.value)
                if field is not None:
                    if (binder := self._binder_of(mapping_of(field))) is not None:
                        yield Site(binder, field, inner)
                    yield from self.argued(get_named_type(field.type), inner)

    def root(self, sites: Sequence[Site], bound: Sequence[Bound]) -> str:
        """The query for the value of a root field, the first of the sites, and of what is below it."""
        before = self.parameters, len(self.found)
        try:
            for site, each in zip(sites, bound, strict=True):
                self._places[id(site.node)] = Place(site.binder, each, self.parameters + 1)
                self.parameters += len(each.parameters)
            if (field := sites[0].field) is not None:
                self.check(field.extensions["strawberry-definition"].extensions)
            sql = self.placed(field, sites[0].details, "")
            # Of a type that no representation has nothing is read, and Postgres takes no parameter that is not used.
            if len(set(_PARAMETER.findall(sql))) != self.parameters - before[0]:
                raise UncompilableError("some arguments are of what cannot be there")
            return sql
        except UncompilableError:
            self.parameters = before[0]
            del self.found[before[1] :]
            raise

    def placed(self, field: GraphQLField | None, details: Details, row: str) -> str:
        place = self._places[id(details[0].node)]
        kind = None if field is None else field.type
        return place.binder.sql(self, Placed(place.bound.variant, kind, details, place.first, row))

    def columns(self, kind: GraphQLObjectType, details: Details, row: str) -> str:
        """What is selected of a row, as the columns of a `select`."""
        outer = self._order
        if kind.name == ORDER:
            self._order = row
        try:
            return named({key: self.field(kind, each, row) for key, each in self.selected(kind, details).items()})
        finally:
            self._order = outer

    def field(self, kind: GraphQLObjectType, details: Details, row: str) -> str:
        """SQL of one field's value."""
        node = details[0].node
        if node.name.value == "__typename":
            return f"'{kind.name}'::text"
        field = kind.fields[node.name.value]
        definition: Any = field.extensions["strawberry-definition"]
        self.check(definition.extensions)
        match definition.metadata.get(KEY):
            case _ if id(node) in self._places:
                return f"({self.placed(field, details, row)})"
            case _ if field.args:
                raise UncompilableError(f"{kind.name}.{node.name.value} has arguments")
            case Relation() as relation:
                return self.related(relation, object_type(field.type), details, row)
            case Choice() as choice:
                return self.chosen(choice, details, row)
            case Shown(rows):
                return f"({self.all(rows, object_type(field.type), details)})"
            case Expression(sql):
                return sql.format(t=row)
            case Part() as part:
                return self.part(part, object_type(field.type), details, row)
            case _ if definition.base_resolver is None:
                return column(definition.python_name, get_named_type(field.type).name, row)
        raise UncompilableError(f"{kind.name}.{node.name.value} is worked out by code")

    def check(self, extensions: list[Any]) -> None:
        for guard in extensions:
            if not isinstance(guard, Guard) or any(self.role in HIDDEN_FROM[secret] for secret in guard.secrets):
                raise UncompilableError("a field is guarded")

    def related(self, relation: Relation, kind: GraphQLObjectType, details: Details, row: str) -> str:
        rows = self.within(rows_of(relation.batch().statement, f"{row}.{relation.key}{relation.cast}"))
        return f"({self.all(rows, kind, details) if relation.many else self.first(rows, kind, details)})"

    def chosen(self, choice: Choice, details: Details, row: str) -> str:
        """The object whose kind and identifier stand in the row."""
        cases = []
        for name, (kind, batch) in choice.kinds().items():
            rows = rows_of(batch.statement, f"{row}.{choice.key}")
            cases.append(f"when '{name}' then ({self.first(rows, object_type(self.schema.get_type(kind)), details)})")
        return f"case {row}.{choice.kind} {' '.join(cases)} end"

    def there(self, choice: Choice, row: str) -> str:
        """Whether that object is one that can be seen."""
        found = {name: rows_of(batch.statement, f"{row}.{choice.key}") for name, (_, batch) in choice.kinds().items()}
        cases = [f"when '{name}' then exists ({rows})" for name, rows in found.items()]
        return f"case {row}.{choice.kind} {' '.join(cases)} end"

    def within(self, rows: str) -> str:
        """Of the order that is being read, if one is: the caller may see that."""
        return rows if self._order is None else belonging(rows, self._order)

    def all(self, rows: str, kind: GraphQLObjectType, details: Details) -> str:
        """The query for a list of all these rows."""
        row = self.alias()
        columns = self.columns(kind, details, row)
        found = narrowed(rows, row, columns)
        return f"select coalesce(json_agg(x), '[]') as j from (select {columns} from ({found}) {row}) x"

    def first(self, rows: str, kind: GraphQLObjectType, details: Details) -> str:
        """The query for the first of these rows."""
        row = self.alias()
        columns = self.columns(kind, details, row)
        found = narrowed(rows, row, columns)
        one = "" if OF_KEY.match(rows) else " limit 1"
        return f"select row_to_json(x) as j from (select {columns} from ({found}) {row}{one}) x"

    def part(self, part: Part, kind: GraphQLObjectType, details: Details, row: str) -> str:
        given = {name: sql.format(t=row) for name, sql in part.fields.items()}
        values = {
            key: given.get(each[0].node.name.value) or self.field(kind, each, row)
            for key, each in self.selected(kind, details).items()
        }
        if part.null_if is None:
            return as_object(values)
        return f"case when {part.null_if.format(t=row)} is null then null else {as_object(values)} end"


def mapping_of(field: GraphQLField) -> object:
    definition = field.extensions.get("strawberry-definition")
    return None if definition is None else definition.metadata.get(KEY)


def object_type(kind: Any) -> GraphQLObjectType:
    found = get_named_type(kind)
    if not isinstance(found, GraphQLObjectType):
        raise UncompilableError(f"{found.name} is no object")
    return found

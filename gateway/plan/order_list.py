"""The list of orders as SQL: as gateway/sql/orders.sql, but for the conditions that ask for nothing."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphql import GraphQLObjectType

from gateway.plan.binding import Arguments, Bound, Details, Placed, UncompilableError, sound
from gateway.plan.compiler import Compiler, object_type
from gateway.plan.listing import conditions_in
from gateway.plan.pieces import as_object, columns_of, named
from gateway.plan.places import SORTS, Place, Sort
from gateway.plan.subjects import ALL_ORDERS
from gateway.tables import Pages
from gateway.types.order_list import RISING, OrderFilter, Paging
from orders.errors import RejectedError


class Orders(NamedTuple):
    """Of all that the caller sees, or of those that belong to the row that it is a field of."""

    below: Pages | None = None

    def bind(self, arguments: Arguments) -> Bound:
        given: Any = {name: arguments.get(name) for name in Paging.__struct_fields__}
        paging = Paging(**given)
        try:
            size, places = paging.size(), [Place.of(bound) for bound in paging.places()]
        except RejectedError as error:
            raise UncompilableError(str(error)) from None
        used, wanted = filtered(arguments)
        if self.below is not None and getattr(arguments.get("filter"), self.below.column, None) is not None:
            raise UncompilableError("its filter asks for what the list says already")
        parameters = [size, *wanted, *(v for p in places for v in p.parameters)]
        ends = (paging.after is not None, paging.before is not None)
        falling = (paging.order_by in RISING) is paging.backward
        variant = (paging.by, falling, paging.backward, used, *(place.kind for place in places), *ends)
        of_one = getattr(arguments.get("filter"), "customer_id", None)
        return Bound(variant, parameters, (ALL_ORDERS if of_one is None else f"customer/{of_one}",))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        by, falling, backward, used, earlier, later, after, before = at.variant
        page = Page(compiler, SORTS[by], falling, backward, after, before, f"${at.first}::int")
        own = [] if self.below is None else [f"o.{self.below.column} = {at.row}.{self.below.key}"]
        where = [*own, *conditions(used, at.first + 1)]
        return page.sql(object_type(at.kind), at.details, where, (earlier, later), at.first + 1 + len(used))


CONDITIONS = list(conditions_in("order_filter").values())
"""Of OrderFilter's arguments, in their order; {0} is the value."""


def filtered(arguments: Arguments) -> tuple[tuple[int, ...], list[object]]:
    """Which conditions a filter has, and their values."""
    try:
        wanted = (arguments.get("filter") or OrderFilter()).arguments()
    except RejectedError as error:
        raise UncompilableError(str(error)) from None
    used = tuple(n for n, value in enumerate(wanted) if value is not None)
    return used, [sound(wanted[n]) for n in used]


def conditions(used: Sequence[int], first: int) -> list[str]:
    return [CONDITIONS[n].format(f"${first + place}") for place, n in enumerate(used)]


_OF_PAGE = re.compile(r"\bfrom page (\w+)")


class Page(NamedTuple):
    """One row more than `size` is read where it matters whether more follows."""

    compiler: Compiler
    sort: Sort
    falling: bool
    backward: bool
    after: bool
    before: bool
    size: str

    def sql(
        self, kind: GraphQLObjectType, details: Details, where: Sequence[str], places: tuple[str, str], first: int
    ) -> str:
        count = f"(select count(*) from graph.orders o where {' and '.join(where) or 'true'})"
        bounds, number = [], first
        for condition in (*self.sort.earlier[places[0]], *self.sort.later[places[1]]):
            names = [f"${number + n}" for n in range(condition.count("{"))]
            bounds.append(condition.format(*names))
            number += len(names)
        order = self.sort.order(falling=self.falling)
        found = f"from graph.orders o where {' and '.join([*where, *bounds]) or 'true'} order by {order} limit"
        selected = self.compiler.selected(kind, details)
        names = [each[0].node.name.value for each in selected.values()]
        alone = "pageInfo" not in names and sum(name in ("nodes", "edges") for name in names) == 1
        rows = f"(select o.* {found} {self.size})" if alone and not self.backward else "page"
        values = {
            key: self.field(kind, name, each, count, rows)
            for (key, each), name in zip(selected.items(), names, strict=True)
        }
        shown = f"select {as_object(values)} as j"
        if rows != "page":
            return shown
        used = {name for row in _OF_PAGE.findall(shown) for name in columns_of(row, shown)} - {"n"}
        numbered = [f"row_number() over (order by {order}) as n", *sorted(used)]
        return f"with page as (select {', '.join(numbered)} {found} {self.size} + 1) {shown}"

    def field(self, kind: GraphQLObjectType, name: str, details: Details, count: str, rows: str) -> str:
        match name:
            case "__typename":
                return f"'{kind.name}'::text"
            case "totalCount":
                return count
            case "nodes":
                row = self.compiler.alias()
                return self.shown(self.compiler.columns(object_type(kind.fields[name].type), details, row), rows, row)
            case "edges":
                row = self.compiler.alias()
                return self.shown(self.edge(object_type(kind.fields[name].type), details, row), rows, row)
            case "pageInfo":
                return self.info(object_type(kind.fields[name].type), details)
        raise UncompilableError(f"{kind.name}.{name} is worked out by code")

    def shown(self, columns: str, rows: str, row: str) -> str:
        falls = " desc" if self.backward else ""
        rows = rows.replace("select o.*", f"select {', '.join(columns_of(row, columns))}", 1)
        cut = f" where {row}.n <= {self.size} order by {row}.n{falls}" if rows == "page" else ""
        return f"(select coalesce(json_agg(x), '[]') from (select {columns} from {rows} {row}{cut}) x)"

    def edge(self, kind: GraphQLObjectType, details: Details, row: str) -> str:
        values = {}
        for key, each in self.compiler.selected(kind, details).items():
            name = each[0].node.name.value
            if name == "cursor":
                values[key] = self.sort.cursor_of(row)
            elif name == "node":
                columns = self.compiler.columns(object_type(kind.fields[name].type), each, row)
                values[key] = f"(select row_to_json(x) from (select {columns}) x)"
            else:
                values[key] = self.compiler.field(kind, each, row)
        return named(values)

    def info(self, kind: GraphQLObjectType, details: Details) -> str:
        more = f"exists (select from page where n > {self.size})"
        values = {
            "__typename": f"'{kind.name}'::text",
            "hasNextPage": ("true" if self.before else "false") if self.backward else more,
            "hasPreviousPage": more if self.backward else ("true" if self.after else "false"),
            "startCursor": self.end(last=False),
            "endCursor": self.end(last=True),
        }
        return as_object(
            {key: values[each[0].node.name.value] for key, each in self.compiler.selected(kind, details).items()}
        )

    def end(self, *, last: bool) -> str:
        falls = " desc" if last is not self.backward else ""
        row = self.compiler.alias()
        shown = f"from page {row} where {row}.n <= {self.size}"
        return f"(select {self.sort.cursor_of(row)} {shown} order by {row}.n{falls} limit 1)"

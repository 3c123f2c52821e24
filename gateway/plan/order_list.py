"""The list of orders as SQL: as gateway/sql/orders.sql, but for the conditions that ask for nothing."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from graphql import GraphQLObjectType

from gateway.cursors import By, OrderPlace
from gateway.plan.binding import Arguments, Bound, Details, Placed, UncompilableError, sound
from gateway.plan.compiler import Compiler, as_object, columns_of, named, object_type
from gateway.plan.subjects import ALL_ORDERS
from gateway.statements import SQL
from gateway.types.choices import OrderSort
from gateway.types.order_list import OrderFilter, Paging
from orders.errors import RejectedError


class Orders:
    """The list of orders: as gateway/sql/orders.sql, but for the conditions that ask for nothing."""

    def bind(self, arguments: Arguments) -> Bound:
        given: Any = {name: arguments.get(name) for name in Paging.__struct_fields__}
        paging = Paging(**given)
        if paging.by is not By.ORDERED:
            raise UncompilableError("it is not sorted by the instant of ordering")
        try:
            size, places = paging.size(), [Place.of(bound) for bound in paging.places()]
        except RejectedError as error:
            raise UncompilableError(str(error)) from None
        used, wanted = filtered(arguments)
        parameters = [size, *wanted, *(v for p in places for v in p.parameters)]
        ends = (paging.after is not None, paging.before is not None)
        newest = paging.order_by is OrderSort.NEWEST_FIRST
        variant = (newest, paging.backward, used, *(place.kind for place in places), *ends)
        return Bound(variant, parameters, (ALL_ORDERS,))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        newest, backward, used, older, newer, after, before = at.variant
        page = Page(compiler, backward, after, before, f"${at.first}::int")
        where = conditions(used, at.first + 1)
        return page.sql(object_type(at.kind), at.details, where, newest, (older, newer), at.first + 1 + len(used))


class Place(NamedTuple):
    """An end of what is asked for: none, at an order of a known instant, or at one of an unknown."""

    kind: str
    parameters: Sequence[object] = ()

    @classmethod
    def of(cls, place: OrderPlace | None) -> "Place":
        if place is None:
            return cls("none")
        return cls("undated", (place.id,)) if place.at is None else cls("dated", place)


_FILTER = re.compile(r"\(\$\d+::([\w\[\]]+) is null or (.*)\)$", re.MULTILINE)
CONDITIONS = [
    re.sub(r"\$\d+", f"{{0}}::{kind}", f"({condition})") for kind, condition in _FILTER.findall(SQL["order_filter"])
]
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


OLDER = {
    "none": [],
    "undated": ["(ordered_at is not null or id < {0}::text)"],
    "dated": ["(ordered_at, id) < ({0}::timestamptz, {1}::text)"],
}
NEWER = {
    "none": [],
    "undated": ["(ordered_at is null and id > {0}::text)"],
    "dated": ["(ordered_at is null or (ordered_at, id) > ({0}::timestamptz, {1}::text))"],
}
"""Only what is older, or newer, than a place in the list; its parameters are those of Place."""
CURSOR = """translate(encode(convert_to('order1:' ||
    coalesce((extract(epoch from {0}.ordered_at) * 1000000)::bigint::text, '') || ':' || {0}.id, 'UTF8'), 'base64'),
    E'+/=\\n', '-_')"""
"""As gateway.cursors.order_cursor."""


_OF_PAGE = re.compile(r"\bfrom page (\w+)")


class Page(NamedTuple):
    """One row more than `size` is read where it matters whether more follows."""

    compiler: Compiler
    backward: bool
    after: bool
    before: bool
    size: str

    def sql(
        self, kind: GraphQLObjectType, details: Details, where: Sequence[str], newest: bool,
        places: tuple[str, str], first: int,
    ) -> str:  # fmt: skip
        count = f"(select count(*) from graph.orders o where {' and '.join(where) or 'true'})"
        bounds, number = [], first
        for conditions, place in ((OLDER, places[0]), (NEWER, places[1])):
            for condition in conditions[place]:
                names = [f"${number + n}" for n in range(condition.count("{"))]
                bounds.append(condition.format(*names))
                number += len(names)
        order = "ordered_at desc, id desc" if newest != self.backward else "ordered_at, id"
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
                values[key] = CURSOR.format(row)
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
        return f"(select {CURSOR.format(row)} {shown} order by {row}.n{falls} limit 1)"

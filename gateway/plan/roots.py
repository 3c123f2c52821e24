"""The fields of Query that compile: what their arguments make of them, and their SQL."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.cursors import global_name
from gateway.plan.binding import Arguments, Binder, Bound, Placed, Subjects, UncompilableError, sound
from gateway.plan.compiler import Compiler, mapping_of, object_type
from gateway.plan.feed_page import Events
from gateway.plan.listing import Listing
from gateway.plan.order_list import Orders, conditions, filtered
from gateway.plan.pieces import narrowed, quoted, rows_of
from gateway.plan.subjects import ALL_ORDERS
from gateway.statements import SQL
from gateway.tables import Choice
from gateway.types.common import page_size
from gateway.types.dead_letter import LETTERS, MOST_LETTERS, letter_id
from gateway.types.found import REFERENCES_BY_VALUE
from gateway.types.node import NODES
from gateway.types.operations import COUNTS, MOST_COUNTS
from gateway.types.product import MOST_BALANCES
from orders.errors import RejectedError


class ByKey(NamedTuple):
    """One object by exactly one of its keys: argument → statement.

    `subject` is of what it belongs to, by any key; None where only the row tells.
    """

    statements: Mapping[str, str]
    subject: Callable[[object], Subjects] = lambda _: ()

    def bind(self, arguments: Arguments) -> Bound:
        given = {name: value for name, value in arguments.items() if value is not None and name != "wait_seconds"}
        if not given.keys().isdisjoint(("as_of", "as_of_occurred")):
            raise UncompilableError("its past is replayed")
        if len(given) != 1 or not given.keys() <= self.statements.keys():
            raise UncompilableError("it is not asked for by one key")
        ((name, value),) = given.items()
        return Bound((name,), (sound(value),), self.subject(value))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        key = f"${at.first}::text"
        return compiler.first(rows_of(self.statements[at.variant[0]], key), object_type(at.kind), at.details)


COUNTED = dict(re.findall(r"when '(\w+)' then (.+)", SQL["order_counts"]))
"""CountBy → what is counted by."""


class NodeOf:
    """As `Query.node`: of the type, and by the key, that the global id names."""

    def bind(self, arguments: Arguments) -> Bound:
        try:
            kind, key = global_name(arguments["id"])
        except RejectedError as error:
            raise UncompilableError(str(error)) from None
        if kind not in NODES:
            raise UncompilableError("there is no node of its type")
        return Bound((kind,), (sound(key),), entity_subjects(kind, [key]))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        (kind,) = at.variant
        rows = rows_of(NODES[kind]().statement, f"${at.first}::text")
        return compiler.first(rows, object_type(compiler.schema.get_type(kind)), at.details)


class TypeName:
    def bind(self, arguments: Arguments) -> Bound:
        return Bound((), ())

    def sql(self, compiler: Compiler, at: Placed) -> str:
        return "select to_json('Query'::text) as j"


class Find:
    """As `Query.find`: what is referred to and not there is left out."""

    def bind(self, arguments: Arguments) -> Bound:
        value = sound(arguments["reference"].strip())
        return Bound((), (value,), (f"reference/{value}",))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        value, found = f"${at.first}::text", object_type(at.kind)
        compiler.found.append(OF_REFERENCE.format(value))
        rows, choice = rows_of(REFERENCES_BY_VALUE.statement, value), mapping_of(found.fields["target"])
        assert isinstance(choice, Choice)
        fields = compiler.selected(found, at.details).items()
        shown = next((key for key, each in fields if each[0].node.name.value == "target"), None)
        if shown is None:
            return compiler.all(f"select r.* from ({rows}) r where {compiler.there(choice, 'r')}", found, at.details)
        row = compiler.alias()
        columns = compiler.columns(found, at.details, row)
        # Not to be merged with the rest, which would look for the target twice.
        each = f"select {columns} from ({narrowed(rows, row, columns)}) {row} offset 0"
        return f"select coalesce(json_agg(x), '[]') as j from ({each}) x where x.{quoted(shown)} is not null"


class Counts:
    """As `Query.orderCounts`."""

    def bind(self, arguments: Arguments) -> Bound:
        used, parameters = filtered(arguments)
        try:
            size = page_size(arguments.get("first"), COUNTS, MOST_COUNTS)
        except RejectedError as error:
            raise UncompilableError(str(error)) from None
        return Bound((arguments["by"].value, used), [*parameters, size], (ALL_ORDERS,))

    def sql(self, compiler: Compiler, at: Placed) -> str:
        by, used = at.variant
        where = " and ".join(conditions(used, at.first)) or "true"
        rows = (
            f"select {COUNTED[by]} as value, count(*) as count from graph.orders o where {where}"
            f" group by 1 order by count(*) desc, 1 limit ${at.first + len(used)}::int"
        )
        return compiler.all(rows, object_type(at.kind), at.details)


class Entities:
    """Representations of a router: those of one type and key together, each at its place. None when one lacks."""

    def bind(self, arguments: Arguments) -> Bound:
        representations = arguments["representations"]
        groups = alike(representations) or grouped(representations)
        sound("".join(key for _, keys in groups.values() for key in keys))
        parameters = [column for group in groups.values() for column in group]
        subjects = [entity_subjects(kind, keys) for (kind, _), (_, keys) in groups.items()]
        known = None if None in subjects else tuple(subject for each in subjects for subject in each or ())
        return Bound(tuple(groups), parameters, known)

    def sql(self, compiler: Compiler, at: Placed) -> str:
        parts = []
        for number, (kind, key) in enumerate(at.variant):
            places, keys = f"${at.first + 2 * number}::int[]", f"${at.first + 2 * number + 1}::text[]"
            given, found = compiler.alias(), object_type(compiler.schema.get_type(kind))
            entity = compiler.first(rows_of(ENTITIES[kind][key], f"{given}.key"), found, at.details)
            parts.append(f"select {given}.n, ({entity}) as j from unnest({places}, {keys}) as {given} (n, key)")
        # Not to be merged with the rest, which would look for each twice.
        entities = f"({' union all '.join(parts) or NOTHING} offset 0) e"
        return (
            f"select case when count(*) = count(j) then coalesce(json_agg(j order by n), '[]') end as j from {entities}"
        )


Groups = Mapping[tuple[str, str], tuple[Sequence[int], Sequence[str]]]
"""Type and key → places and values."""


def alike(representations: Sequence[Any]) -> Groups | None:
    """As `grouped`, of those that all have one type and the first of its keys, which most have."""
    try:
        kind = representations[0]["__typename"]
        key = next(iter(ENTITIES[kind]))
        values = [each[key] for each in representations if each["__typename"] == kind]
    except (LookupError, TypeError):
        return None
    if len(values) < len(representations) or set(map(type, values)) != {str}:
        return None
    return {(kind, key): (range(len(values)), values)}


def grouped(representations: Sequence[Any]) -> Groups:
    """Raises UncompilableError."""
    groups: dict[tuple[str, str], tuple[list[int], list[str]]] = defaultdict(lambda: ([], []))
    for place, each in enumerate(representations):
        kind, key, value = represented(each)
        places, values = groups[kind, key]
        places.append(place)
        values.append(value)
    return groups


def represented(representation: Any) -> tuple[str, str, str]:
    """Type, key and its value."""
    kind = representation.get("__typename") if isinstance(representation, dict) else None
    if isinstance(kind, str):
        for key in ENTITIES.get(kind, ()):
            value = representation.get(key)
            if isinstance(value, str):
                return kind, key, value
    raise UncompilableError("a representation is not one by a key")


NOTHING = "select 0 as n, null::json as j where false"
ENTITIES: Mapping[str, Mapping[str, str]] = {
    "Order": {"id": "orders_by_id", "number": "orders_by_number"},
    "Shipment": {"id": "shipments_by_id", "tracking": "shipments_by_tracking"},
    "Invoice": {"id": "invoices_by_id", "number": "invoices_by_number"},
    "Return": {"id": "returns_by_id", "number": "returns_by_number"},
    "Customer": {"id": "customers_by_id"},
    "Product": {"sku": "products_by_sku"},
}
"""Type → its keys, in the order in which they are looked for."""


def entity_subjects(kind: str, keys: Sequence[str]) -> Subjects:
    """Of those of one type with these keys."""
    match kind:
        case "Order":
            return tuple(f"order/{key}" for key in keys)
        case "Customer" | "Product" | "ShipTo":
            return ()
    return None


def letters(arguments: Arguments) -> Sequence[object]:
    """The parameters of `dead_letters`. Raises RejectedError."""
    wanted = (arguments.get("source"), arguments.get("table"), arguments.get("order_id"), arguments["resolved"])
    after = arguments.get("after")
    older = None if after is None else letter_id(str(after))
    return *wanted, older, page_size(arguments.get("first"), LETTERS, MOST_LETTERS)


OF_REFERENCE = "select coalesce('order/' || order_id, '?') from graph.reference where value = {0}"
ROOTS: Mapping[str, Binder] = {
    "__typename": TypeName(),
    "_entities": Entities(),
    "command": ByKey({"id": "commands_by_id"}),
    "customer": ByKey({"id": "customers_by_id"}),
    "deadLetters": Listing("dead_letters", letters),
    "events": Events(),
    "find": Find(),
    "inventory": Listing("inventory", lambda a: (a.get("sku"), a.get("warehouse"), MOST_BALANCES)),
    "invoice": ByKey({"id": "invoices_by_id", "number": "invoices_by_number"}, lambda _: None),
    "node": NodeOf(),
    "order": ByKey({"id": "orders_by_id", "number": "orders_by_number"}, lambda key: (f"order/{key}",)),
    "orderCounts": Counts(),
    "orders": Orders(),
    "product": ByKey({"sku": "products_by_sku"}),
    "shipment": ByKey({"id": "shipments_by_id"}, lambda _: None),
    "sources": Listing("sources"),
}
"""By the name in the schema."""

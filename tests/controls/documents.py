"""Documents that ask the gateway for whatever can be asked, over the canonical orders."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)
from hypothesis import strategies as st

from gateway.cursors import By, OrderPlace, feed_cursor, global_id, order_cursor
from gateway.schema import build_schema
from tests.controls import serving

SCHEMA = build_schema()
EVENT, PROMISE = datetime(2026, 3, 7, tzinfo=UTC), date(2026, 3, 10)
"""When the latest event of order 1042 happened, and for when it is promised."""
WORDS: dict[str, Sequence[object]] = {
    "order.id": ["1042", "1043", "1044", "3-1042", "9999", "", "x\0", "'; drop table graph.orders --"],
    "order.number": ["1042", "1043"],
    "shipment.id": ["east:S7", "west:W7", "east:S9", "none"],
    "invoice.id": ["INV1", "CM1", "none"],
    "invoice.number": ["INV1"],
    "customer.id": ["C1", "C2", "none"],
    "product.sku": ["BOLT-10", "NUT-10", "none"],
    "orders.first": [1, 2, 3, 50, 200, 0, 201],
    "orders.last": [1, 2, 50],
    "filter.customerId": ["C1", "C2"],
    "filter.channel": ["EDI", "WEB"],
    "filter.warehouse": ["EAST", "WEST"],
    "filter.orderedFrom": ["2026-03-01T10:00:00Z", "2026-03-02T00:00:00+02:00", "2026-03-01T10:00:00"],
    "filter.orderedTo": ["2026-03-02T10:00:00Z"],
    "filter.text": ["104", "po-7", "%", "_", "'", ""],
    "filter.partner": ["east", "west", "none"],
    "filter.reference": ["1042", "1Z999", "WESTTRACK", "none"],
    "filter.held": [True, False],
    "filter.delayed": [True, False],
    "filter.promisedFrom": ["2026-03-10"],
    "filter.promisedTo": ["2026-03-10", "2026-03-11"],
    "filter.requestedFrom": ["2026-03-08"],
    "filter.requestedTo": ["2026-03-09"],
    "filter.deliveredFrom": ["2026-03-05T00:00:00Z", "2026-03-05T00:00:00"],
    "filter.deliveredTo": ["2026-03-05T00:00:01Z"],
    "filter.lastEventFrom": ["2026-03-02T11:00:00Z"],
    "filter.lastEventTo": ["2026-03-07T00:00:00Z"],
}
PLACES = [
    "bad",
    *(order_cursor(OrderPlace(at, name)) for at, name in ((None, "1044"), (serving.INSTANT, "1042"))),
    *(order_cursor(OrderPlace(at, name), By.EVENT) for at, name in ((None, "1044"), (EVENT, "1042"))),
    *(order_cursor(OrderPlace(at, name), By.PROMISE) for at, name in ((None, "3-1042"), (PROMISE, "1042"))),
]
WORDS |= {"orders.after": PLACES, "orders.before": PLACES}
NODES = [("Order", "1042"), ("Order", "none"), ("Shipment", "west:W7"), ("FulfillmentOrder", "east:F1"),
         ("Invoice", "INV1"), ("Return", "R1"), ("Customer", "C1"), ("ShipTo", "S2"), ("Product", "NUT-10"),
         ("Command", "cmd_1"), ("Nothing", "1")]  # fmt: skip
MORE: dict[str, Sequence[object]] = {
    "find.reference": ["1042", "PO-7", " east:S7", "S7", "1Z999", "INV1", "none", "x\0"],
    "inventory.sku": ["BOLT-10"],
    "inventory.warehouse": ["EAST"],
    "events.first": [1, 3, 500, 0],
    "events.after": ["bad", *(feed_cursor(position) for position in (0, 2, 3, 7, 480, 500, 501))],
    "events.orderId": ["1042", "1043", "none"],
    "deadLetters.source": ["erp", "none"],
    "deadLetters.table": ["public.ordlin", "none"],
    "deadLetters.orderId": ["1044", "none"],
    "deadLetters.after": ["2", "1", "none"],
    "deadLetters.resolved": [True],
    "deadLetters.first": [1, 200, 0],
    "command.id": ["cmd_1", "cmd_2", "none"],
    "node.id": ["bad", "", *(global_id(kind, key) for kind, key in NODES)],
}
WORDS |= MORE | {"events.last": [1, 2, 500, 0]}
REPRESENTATIONS = [
    *(f'{{__typename: "Order", id: "{key}"}}' for key in ("1042", "1043", "3-1042", "none", "x\\u0000")),
    *(f'{{__typename: "Order", number: "{key}"}}' for key in ("1042", "1044")),
    '{__typename: "Shipment", id: "east:S7"}',
    '{__typename: "Shipment", tracking: "1Z999"}',
    '{__typename: "Invoice", number: "INV1"}',
    '{__typename: "Customer", id: "C1"}',
    '{__typename: "Product", sku: "BOLT-10"}',
    '{__typename: "Product", sku: 7}',
]
SHAPED = frozenset({"filter", "orderBy", "by", "types"})
"""Arguments whose values follow from their types."""
ONE_KEY = frozenset({"order", "shipment", "invoice", "customer", "product"})
ROOTS = ("order", "orders", "shipment", "invoice", "customer", "product", "find", "orderCounts", "_entities",
         "inventory", "deadLetters", "command", "node", "events", "sources")  # fmt: skip


def value(draw: st.DrawFn, kind: Any, path: str) -> str:
    """Mostly such as makes sense, sometimes not."""
    named, inner = get_named_type(kind), kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(named, GraphQLEnumType):
        chosen: str = draw(st.sampled_from(sorted(named.values)))
        return f"[{chosen}]" if isinstance(inner, GraphQLList) else chosen
    if isinstance(named, GraphQLInputObjectType):
        used = draw(st.lists(st.sampled_from(sorted(named.fields)), max_size=3, unique=True))
        parts = [f"{n}: {value(draw, named.fields[n].type, 'filter.' + n)}" for n in used]
        return f"{{{', '.join(parts)}}}"
    if named.name == "Boolean":
        return draw(st.sampled_from(["true", "false"]))
    if named.name == "_Any":
        return f"[{', '.join(draw(st.lists(st.sampled_from(REPRESENTATIONS), max_size=4)))}]"
    return json.dumps(draw(st.sampled_from(WORDS[path])))


def arguments(draw: st.DrawFn, field: GraphQLField, name: str) -> str:
    required = [each for each, argument in field.args.items() if is_required_argument(argument)]
    offered = sorted(each for each, argument in field.args.items() if f"{name}.{each}" in WORDS or each in SHAPED)
    least = 1 if offered and name in ONE_KEY else 0
    chosen = draw(st.lists(st.sampled_from(offered), min_size=least, max_size=3, unique=True)) if offered else []
    given = [f"{each}: {value(draw, field.args[each].type, f'{name}.{each}')}" for each in sorted({*chosen, *required})]
    return f"({', '.join(given)})" if given else ""


def selection(draw: st.DrawFn, kind: Any, depth: int) -> str:
    if is_abstract_type(kind):
        kinds = SCHEMA._schema.get_possible_types(kind)
        some = draw(st.lists(st.sampled_from(kinds), max_size=2, unique=True))
        parts = [f"... on {each.name} {{ {selection(draw, each, depth)} }}" for each in some]
        return " ".join(["__typename", *parts])
    names = [n for n, f in kind.fields.items() if depth > 0 or not is_composite_type(get_named_type(f.type))]
    chosen = draw(st.lists(st.sampled_from([*names, "__typename"]), min_size=1, max_size=6, unique=True))
    return " ".join(selected(draw, kind, name, depth) for name in chosen)


def selected(draw: st.DrawFn, kind: GraphQLObjectType, name: str, depth: int) -> str:
    alias = draw(st.sampled_from(["", "", "", f"a_{name.strip('_')}_{kind.name}: "]))
    condition = draw(st.sampled_from(["", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @include(if: true)"]))
    field = kind.fields.get(name)
    text = f"{alias}{name}{'' if field is None else arguments(draw, field, name)}{condition}"
    below = None if field is None else get_named_type(field.type)
    if is_composite_type(below):
        text += f" {{ {selection(draw, below, depth - 1)} }}"
    wrapped = draw(st.sampled_from(["%s", "%s", "... on {kind} {{ %s }}", "... {{ %s }}"])).replace("{kind}", kind.name)
    return (wrapped.replace("{{", "{").replace("}}", "}") % text.replace("%", "%%")).replace("%%", "%")


@st.composite
def documents(draw: st.DrawFn) -> str:
    roots = draw(st.lists(st.sampled_from(ROOTS), min_size=1, max_size=3))
    fields = SCHEMA._schema.query_type.fields  # type: ignore[union-attr]
    parts = []
    for number, root in enumerate(roots):
        kind = get_named_type(fields[root].type)
        parts.append(f"r{number}: {root}{arguments(draw, fields[root], root)} {{ {selection(draw, kind, 3)} }}")
    return f"query ($yes: Boolean = true) {{ {' '.join(parts)} other: __typename @include(if: $yes) }}"

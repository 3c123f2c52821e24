"""Random orders by both computations: what is derived of their facts is what SQL makes of the same in neutral words."""

from collections.abc import AsyncIterator
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeVar

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json
from msgspec.structs import replace

from adapters.direct import prepare
from app.direct import derive as compute
from app.postgres import Postgres
from orders import aggregate
from orders.facts import (
    Allocation,
    Body,
    Doc,
    DocKind,
    Invoice,
    InvoiceLine,
    OrderHeader,
    OrderLine,
    PartnerOrder,
    PartnerPick,
    PickRelease,
    Posting,
    ReturnHeader,
    ReturnLine,
    ShipmentHeader,
    ShipmentLine,
    TransportEvent,
)
from orders.graph import LineRow, OrderRow, ShipmentRow
from orders.lifecycle import derive
from orders.states import Commercial, Milestone, Overlay, Return
from tests.controls.neutral import said
from tests.controls.orders import ORDER, filed, header, hours
from tests.controls.sql import session

pytestmark = pytest.mark.asyncio(loop_scope="module")
_T = TypeVar("_T")
TABLES = {OrderRow: "direct_order", LineRow: "direct_line", ShipmentRow: "direct_shipment"}
LINES = st.sampled_from("12")
PUT = "insert into {0} select * from json_populate_record(null::{0}, $1::text::json)"
quantities = st.sampled_from([*map(Decimal, (0, 1, 1, 2, 3, 5)), Decimal("0.5"), Decimal("1.25")])
amounts = st.sampled_from([*map(Decimal, (0, 10, 25, -10)), Decimal("12.50")])
times = st.integers(1, 200).map(hours)


def maybe(some: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    return st.none() | some


class Paper(NamedTuple):
    """A document's kind, what heads it, and what is in it."""

    kind: DocKind
    head: Body
    parts: list[Body]


headers = st.builds(
    lambda **other: header(customer_po=None, **other),
    commercial=st.sampled_from(Commercial),
    accepted_at=maybe(times),
    held_at=maybe(times),
    promised_on=maybe(times.map(lambda at: at.date())),
)
lines = st.lists(
    st.builds(
        OrderLine,
        line=LINES,
        sku=st.just("SKU"),
        uom=st.just("EA"),
        ordered=quantities,
        unit_price=maybe(amounts),
        cancelled=quantities,
        backordered=quantities,
        closed_short=st.booleans(),
    ),
    unique_by=lambda line: line.line,
    max_size=2,
)
beside = st.lists(
    st.builds(Allocation, LINES, st.just("EA"), quantities, times)
    | st.builds(PickRelease, st.just("R1"), LINES, st.just("EA"), quantities, times),
    max_size=3,
)
asked = st.builds(
    Paper,
    st.just(DocKind.PARTNER_ORDER),
    st.builds(
        PartnerOrder,
        st.just("EO"),
        st.sampled_from(["RECEIVED", "ACKNOWLEDGED", "PICKING", "PICKED", "PACKED", "SHIPPED", "CANCELLED"]),
        st.just("1042"),
        maybe(times),
        maybe(times),
    ),
    st.lists(st.builds(PartnerPick, LINES, st.just("SKU"), quantities, quantities, quantities, quantities), max_size=2),
)
goods = st.lists(st.builds(ShipmentLine, LINES, st.just("SKU"), quantities), max_size=2, unique_by=lambda one: one.line)
scans = st.builds(
    TransportEvent,
    namespace=st.just("x"),
    code=st.just(""),
    milestone=st.sampled_from(Milestone),
    occurred_at=times,
    recorded_at=maybe(times),
    overlay=st.sampled_from([None, None, Overlay.DELAYED]),
).map(lambda one: replace(one, code=one.milestone.name))
moved = st.builds(
    lambda head, packed, seen: Paper(DocKind.SHIPMENT, head, [*packed, *seen]),
    st.builds(
        ShipmentHeader,
        st.just(""),
        st.none(),
        st.none(),
        st.none(),
        tracking=st.sampled_from([None, "1Z"]),
        created_at=maybe(times),
        shipped_at=maybe(times),
        delivered_at=maybe(times),
        eta=maybe(times),
        pod_at=maybe(times),
        void=st.booleans(),
    ),
    goods,
    st.lists(scans, max_size=3),
)
posted = st.builds(
    Paper,
    st.just(DocKind.POSTING),
    st.builds(
        Posting,
        st.just(""),
        st.none(),
        st.sampled_from([None, "SHIPMENT1", "SHIPMENT1", "SHIPMENT2"]),
        st.none(),
        st.sampled_from([None, "1Y"]),
        maybe(times),
    ),
    goods,
)
billed = st.builds(
    Paper,
    st.just(DocKind.INVOICE),
    st.builds(
        Invoice,
        st.just(""),
        st.booleans(),
        maybe(times),
        st.none(),
        maybe(times),
        amounts,
        st.just("USD"),
        st.booleans(),
        st.booleans(),
    ),
    st.lists(st.builds(InvoiceLine, LINES, quantities, amounts), max_size=2),
)
returned = st.builds(
    Paper,
    st.just(DocKind.RETURN),
    st.builds(ReturnHeader, st.just(""), st.sampled_from(Return), st.none(), maybe(times)),
    st.lists(st.builds(ReturnLine, LINES, quantities), max_size=2),
)
papers = st.lists(st.one_of(asked, moved, moved, posted, billed, returned), max_size=6)


def facts_of(head: OrderHeader, ordered: list[OrderLine], beside: list[Body], found: list[Paper]) -> aggregate.Facts:
    """As the store keeps them; each document of its kind has a number of its own."""
    documents: dict[Doc, list[Body]] = {ORDER: [head, *ordered, *beside]}
    for place, paper in enumerate(found, 1):
        name = f"{paper.kind.upper()}{place}"
        documents[Doc("erp", paper.kind, str(place))] = [replace(paper.head, number=name), *paper.parts]
    keyed = {
        doc: {f"fact/{doc.id}/{place}": body for place, body in enumerate(bodies)} for doc, bodies in documents.items()
    }
    return filed(keyed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def db(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    await postgres.create_database("random")
    async with session(postgres.dsn("random")) as db:
        yield db


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(head=headers, ordered=lines, beside=beside, found=papers)
async def test_both_computations_agree(
    db: asyncpg.Connection, head: OrderHeader, ordered: list[OrderLine], beside: list[Body], found: list[Paper]
) -> None:
    facts = facts_of(head, ordered, beside, found)
    rows = derive(ORDER, facts).rows.values()
    transaction = db.transaction()
    await transaction.start()
    try:
        await prepare(db)
        for table, row in said(facts):
            await db.execute(PUT.format(table), json.encode(row).decode())
        await compute(db)
        for kind, table in TABLES.items():
            query = await db.prepare(f"table {table}")
            names = [each.name for each in query.get_attributes() if each.name in kind.__struct_fields__]
            direct = [{name: plain(row[name]) for name in names} for row in await query.fetch()]
            derived = [{name: plain(getattr(row, name)) for name in names} for row in rows if type(row) is kind]
            assert sorted(derived, key=repr) == sorted(direct, key=repr)
    finally:
        await transaction.rollback()


def plain(value: object) -> object:
    if isinstance(value, Decimal):
        return value.normalize()
    return str(value) if isinstance(value, StrEnum) else value

"""The direct computation over sources at rest: the facets of handwritten orders (verify_erp.sql, verify_east.sql)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest
from verify_case import EAST, ERP, HERE, databases

from adapters.direct import prepare
from adapters.origins import DirectSource
from app.direct import compute, derive
from app.postgres import Postgres
from tests.controls.sql import session

FACETS = """
101 RECEIVED   NOT_RELEASED      NONE                NOT_INVOICED       NONE          OK      RECEIVED
102 ACCEPTED   NOT_RELEASED      NONE                NOT_INVOICED       NONE          OK      PREPARING
103 ON_HOLD    NOT_RELEASED      NONE                NOT_INVOICED       NONE          BLOCKED ACTION_NEEDED
104 REJECTED   NOT_RELEASED      NONE                NOT_INVOICED       NONE          OK      CANCELLED
105 CANCELLED  NOT_RELEASED      NONE                NOT_INVOICED       NONE          OK      CANCELLED
106 ACCEPTED   ALLOCATED         NONE                NOT_INVOICED       NONE          OK      PREPARING
107 RECEIVED   BACKORDERED       NONE                NOT_INVOICED       NONE          AT_RISK RECEIVED
108 ACCEPTED   RELEASED          NONE                NOT_INVOICED       NONE          OK      PREPARING
109 ACCEPTED   ACKNOWLEDGED      NONE                NOT_INVOICED       NONE          OK      PREPARING
110 ACCEPTED   PICKING           NONE                NOT_INVOICED       NONE          OK      PREPARING
111 ACCEPTED   PACKED            NONE                NOT_INVOICED       NONE          OK      PREPARING
112 ACCEPTED   PARTIALLY_SHIPPED IN_TRANSIT          PARTIALLY_INVOICED NONE          AT_RISK PARTLY_SHIPPED
113 ACCEPTED   SHIPPED           IN_TRANSIT          INVOICED           NONE          OK      ON_THE_WAY
114 ACCEPTED   SHIPPED           IN_TRANSIT          PAID               NONE          OK      OUT_FOR_DELIVERY
115 CLOSED     SHIPPED           DELIVERED           PAID               NONE          OK      DELIVERED
116 ACCEPTED   SHIPPED           PARTIALLY_DELIVERED DISPUTED           NONE          OK      PARTLY_DELIVERED
117 ACCEPTED   SHIPPED           DELIVERY_EXCEPTION  NOT_INVOICED       NONE          AT_RISK ACTION_NEEDED
118 ACCEPTED   SHIPPED           IN_TRANSIT          NOT_INVOICED       NONE          LATE    DELAYED
119 ACCEPTED   SHIPPED           IN_TRANSIT          NOT_INVOICED       NONE          LATE    DELAYED
120 ACCEPTED   SHIPPED           RETURN_TO_SENDER    NOT_INVOICED       NONE          OK      RETURNED
121 CLOSED     SHORT_CLOSED      DELIVERED           CREDITED           NONE          OK      DELIVERED
122 ACCEPTED   SHIPPED           DELIVERED           NOT_INVOICED       RMA_ISSUED    OK      DELIVERED
123 ACCEPTED   SHIPPED           DELIVERED           NOT_INVOICED       IN_RETURN     OK      DELIVERED
124 ACCEPTED   SHIPPED           DELIVERED           NOT_INVOICED       RECEIVED_BACK OK      RETURNED
125 ACCEPTED   SHIPPED           DELIVERED           NOT_INVOICED       RESTOCKED     OK      RETURNED
126 ACCEPTED   SHIPPED           DELIVERED           NOT_INVOICED       REFUNDED      OK      RETURNED
127 ACCEPTED   SHIPPED           IN_TRANSIT          PARTIALLY_INVOICED NONE          OK      ON_THE_WAY
128 ACCEPTED   SHIPPED           IN_TRANSIT          NOT_INVOICED       NONE          OK      ON_THE_WAY
129 ACCEPTED   RELEASED          NONE                NOT_INVOICED       NONE          OK      PREPARING
130 ACCEPTED   PARTIALLY_SHIPPED PARTIALLY_DELIVERED NOT_INVOICED       NONE          OK      PARTLY_DELIVERED
"""
LINES = """
101/1 ordered=10 open=10 OPEN
105/1 ordered=10 cancelled=10 CANCELLED
106/1 ordered=10 allocated=10 open=10 ALLOCATED
107/1 ordered=10 backordered=4 open=10 PARTIALLY_BACKORDERED
108/1 ordered=10 allocated=10 released=10 open=10 RELEASED
111/1 ordered=10 picked=10 packed=10 open=10 PACKED
112/1 ordered=10 backordered=4 picked=6 packed=6 shipped=6 in_transit=6 invoiced=6 open=4 PARTIALLY_SHIPPED
114/1 ordered=10 picked=10 packed=10 shipped=11 in_transit=11 invoiced=11 open=-1 SHIPPED
115/1 ordered=10 picked=10 packed=10 shipped=10 delivered=10 invoiced=10 DELIVERED
116/1 ordered=10 picked=10 packed=10 shipped=10 in_transit=6 delivered=4 invoiced=10 PARTIALLY_DELIVERED
116/2 ordered=5 shipped=5 delivered=5 invoiced=5 DELIVERED
117/1 ordered=10 picked=10 packed=10 shipped=10 in_transit=10 SHIPPED
120/1 ordered=10 picked=10 packed=10 shipped=10 SHIPPED
121/1 ordered=10 cancelled=3 picked=7 packed=7 shipped=7 delivered=7 invoiced=7 DELIVERED
126/1 ordered=10 picked=10 packed=10 shipped=10 delivered=10 returned=2 DELIVERED
127/1 ordered=10 shipped=10 in_transit=10 invoiced=8 SHIPPED
129/1 ordered=10 released=10 open=10 RELEASED
130/1 ordered=10 picked=6 packed=6 shipped=6 delivered=6 open=4 PARTIALLY_DELIVERED
"""
BUCKETS = [
    *("ordered", "cancelled", "backordered", "allocated", "released", "picked", "packed", "shipped"),
    *("in_transit", "delivered", "lost", "returned", "invoiced", "open"),
]


@pytest.fixture
async def sources(postgres: Postgres) -> AsyncIterator[list[DirectSource]]:
    async with databases(postgres, [ERP, HERE / "verify_erp.sql"], [EAST, HERE / "verify_east.sql"]) as made:
        yield made


@pytest.fixture
async def direct(database: str, sources: list[DirectSource]) -> AsyncIterator[asyncpg.Connection]:
    async with session(database) as db:
        await compute(db, sources)
        yield db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def shown(line: asyncpg.Record) -> list[str]:
    """A line as LINES writes it: the quantities that are not zero."""
    quantities = [f"{name}={line[name].normalize():f}" for name in BUCKETS if line[name]]
    return [f"{line['order_id']}/{line['line']}", *quantities, line["status"]]


async def test_each_handwritten_order_has_the_facets_of_the_definition(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch(
        "select id, commercial, fulfillment, delivery, financial, return_state, health, display_status"
        " from direct_order order by id"
    )
    assert [list(row) for row in rows] == table(FACETS)


async def test_lines_have_the_quantities_of_the_definition(direct: asyncpg.Connection) -> None:
    rows = [shown(row) for row in await direct.fetch("select * from direct_line")]
    expected = table(LINES)
    names = {row[0] for row in expected}
    assert sorted(row for row in rows if row[0] in names) == expected


async def test_totals_follow_what_was_cancelled(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch("select id, total from direct_order where id in ('101', '105', '116', '121')")
    assert dict(rows) == {"101": 25, "105": 0, "116": Decimal("25.5"), "121": Decimal("17.5")}


async def test_a_shipment_knows_its_order_its_milestone_and_its_times(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch(
        "select id, order_id, milestone, delayed, void, shipped_at, delivered_at from direct_shipment"
    )
    shipments = {row[0]: tuple(row)[1:] for row in rows}
    left = at("2026-03-03 18:00")
    assert shipments["east:ES111"] == ("111", "PICKED_UP", False, True, left, None)
    assert shipments["east:ES114"] == ("114", "OUT_FOR_DELIVERY", False, False, left, None)
    assert shipments["east:ES115"] == ("115", "DELIVERED", False, False, left, at("2026-03-06 16:00"))
    assert shipments["east:ES116"] == ("116", "POD_RECEIVED", False, False, left, at("2026-03-07 16:00"))
    assert shipments["east:ES118"] == ("118", "PICKED_UP", True, False, left, None)
    assert shipments["east:ES128"] == ("128", "PICKED_UP", False, False, at("2026-03-03 23:00"), None)
    assert shipments["east:ES129"] == (None, "PICKED_UP", False, False, left, None)
    assert shipments["erp:9127"] == ("127", "PICKED_UP", False, False, at("2026-03-03 23:00"), None)


async def test_a_posting_that_names_a_shipment_of_its_order_is_none_of_its_own(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch("select number from direct_shipment where source = 'erp' order by number")
    assert [row[0] for row in rows] == ["9114", "9127"]


async def test_a_milestone_has_its_earliest_time(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch("select milestone, occurred_at from direct_milestone where shipment_id = 'east:ES113'")
    assert dict(rows) == {
        "CREATED": at("2026-03-03 15:00"),
        "PICKED_UP": at("2026-03-03 17:30"),
        "IN_TRANSIT": at("2026-03-04 08:00"),
    }


async def test_a_scan_told_twice_is_a_duplicate_once(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch("select id from direct_transport_event where duplicate")
    assert [row[0] for row in rows] == ["east:3"]


async def test_an_eta_is_of_what_is_still_on_its_way(direct: asyncpg.Connection) -> None:
    rows = await direct.fetch("select id, eta from direct_order where eta is not null order by id")
    assert [tuple(row) for row in rows] == [("113", at("2026-03-20 23:00")), ("119", at("2026-03-21 01:30"))]


async def test_what_is_lost_is_no_longer_on_its_way(database: str) -> None:
    """East's codes have none for LOST, so the neutral rows are written by hand."""
    async with session(database) as db:
        await prepare(db)
        await db.execute((HERE / "verify_lost.sql").read_text(encoding="utf-8"))
        await derive(db)
        lines = [shown(row) for row in await db.fetch("select * from direct_line")]
        facets = await db.fetchrow("select delivery, health, display_status from direct_order")
    assert lines == [["1/1", "ordered=5", "shipped=5", "lost=5", "SHIPPED"]]
    assert tuple(facets) == ("DELIVERY_EXCEPTION", "AT_RISK", "RETURNED")

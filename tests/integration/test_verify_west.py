"""What `milepost verify` reads in a MariaDB, and what it says of one that it cannot read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest

from adapters.direct import gather, prepare
from adapters.origins import DirectSource
from orders.errors import RejectedError, TransientError
from tests.controls.mariadb import run
from tests.controls.west import statements, tables

pytestmark = pytest.mark.mariadb


@pytest.fixture
async def graph(database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A session in which nothing was said yet."""
    db = await asyncpg.connect(database, server_settings={"timezone": "UTC", "search_path": "pg_temp"})
    await prepare(db)
    yield db
    await db.close()


def filled(west: str) -> DirectSource:
    run(west, *tables(), *statements("odd"))
    return DirectSource("west", "wms_west", west)


async def test_a_time_that_west_s_clock_shows_twice_or_never_is_standard_time(
    graph: "asyncpg.Connection[asyncpg.Record]", west: str
) -> None:
    await gather(graph, filled(west))
    order = await graph.fetchrow("select * from said_fulfillment_order")
    assert order is not None
    assert dict(order) == {
        "id": "west:W7",
        "source": "west",
        "number": "W7",
        "state": "SHORT",
        "quoted_reference": "999999",
        "received_at": datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
        "acknowledged_at": datetime(2026, 3, 8, 10, 30, tzinfo=UTC),
    }
    shipment = await graph.fetchrow("select created_at, shipped_at, eta, pod_at, void from said_shipment")
    assert shipment is not None
    assert tuple(shipment) == (
        datetime(2026, 11, 1, 9, 59, 59, tzinfo=UTC),
        None,
        datetime(2026, 11, 1, 10, 0, tzinfo=UTC),
        datetime(2026, 11, 1, 7, 59, tzinfo=UTC),
        True,
    )
    scans = await graph.fetch("select code, occurred_at, milestone, overlay from said_scan order by serial")
    assert [tuple(scan) for scan in scans] == [
        ("XXX", datetime(2026, 11, 1, 1, 30, tzinfo=UTC), None, None),
        ("DLY", datetime(2026, 11, 1, 9, 30, tzinfo=UTC), None, "DELAYED"),
        ("HUB", datetime(2026, 10, 31, 20, 0, tzinfo=UTC), "AT_HUB", None),
    ]
    picked = await graph.fetch("select picked from said_fulfillment_line order by line")
    assert [row["picked"] for row in picked] == [Decimal(4), Decimal(0)]
    assert await graph.fetchval("select on_hand from said_inventory") == Decimal("12.5")


async def test_more_rows_than_are_read_at_once(graph: "asyncpg.Connection[asyncpg.Record]", west: str) -> None:
    source = filled(west)
    run(west, "insert into article_stock select concat('A', seq), seq, 0, '2026-06-03' from seq_1_to_12345")
    await gather(graph, source)
    assert await graph.fetchval("select count(*) from said_inventory") == 12346
    assert await graph.fetchval("select sum(on_hand) from said_inventory") == 12345 * 12346 / 2 + 12.5


async def test_a_database_that_is_another_one(graph: "asyncpg.Connection[asyncpg.Record]", west: str) -> None:
    source = filled(west)
    run(west, "alter table dispatch drop column consignment")
    with pytest.raises(RejectedError, match=r"source west is not as adapter wms_west expects: .*consignment"):
        await gather(graph, source)


async def test_a_server_that_does_not_answer(graph: "asyncpg.Connection[asyncpg.Record]") -> None:
    source = DirectSource("west", "wms_west", "mariadb://u:p@127.0.0.1:1/west")
    with pytest.raises(TransientError, match="source west cannot be reached"):
        await gather(graph, source)

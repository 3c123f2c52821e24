"""Transactions of the legacy ERP made by hand, and what a projector made of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from app.postgres import Postgres
from app.verifying import differences
from cdc.change import Broken, Change, Op, Position, Snapshot, Transaction
from projections.database import SCHEMAS, Connection, schema_sql
from projections.mapping import Mappings
from projections.replay import replayed, stored
from tests.controls.serving import ROOT
from tests.controls.story import MAPPINGS

Written = tuple[str, Op, dict[str, Any], dict[str, Any] | None]
"""Table, operation, key, row."""

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
_HEADER = {
    "cusno": 7,
    "shtno": 1,
    "cuspo": "PO-1",
    "ordsrc": "ED",
    "ordsts": "20",
    "hldcd": None,
    "hlddt": None,
    "orddt": "2026-03-02T09:00:00",
    "accdt": "2026-03-02T09:05:00",
    "reqdt": None,
    "prmdt": "2026-03-09",
    "cnldt": None,
    "curcd": "USD",
    "whs": "EA",
    "ordnte": None,
    "chgdt": "2026-03-02T09:05:00",
}
_LINE = {
    "itmno": "T-100",
    "qtyord": "10.000",
    "qtybko": "0.000",
    "qtycnl": "0.000",
    "clscd": "O",
    "untprc": "2.5000",
    "uom": "EA",
    "prmdt": None,
}


def header(order: int, op: Op = Op.CREATE, **other: Any) -> Written:
    key = {"ordno": order}
    return "public.ordhdr", op, key, {**key, **_HEADER, **other}


def line(order: int, op: Op = Op.CREATE, **other: Any) -> Written:
    key = {"ordno": order, "linno": 1}
    return "public.ordlin", op, key, {**key, **_LINE, **other}


def deleted(written: Written) -> Written:
    return written[0], Op.DELETE, written[2], None


def truncated(table: str) -> Written:
    return table, Op.TRUNCATE, {}, None


def transaction(
    log: int, *written: Written | bytes, epoch: int = 1, snapshot: Snapshot = Snapshot.NO, source: str = "erp"
) -> Transaction:
    """`log` is its commit's place; bytes stand for a change that cannot be read."""
    changes = [_change(source, Position(epoch, log, place), each) for place, each in enumerate(written, 1)]
    position = Position(epoch, log, len(written))
    return Transaction(source, changes, position, b"%d" % log, len(written), snapshot)


def order(log: int, number: int, **other: Any) -> Transaction:
    """An accepted order of one line."""
    return transaction(log, header(number, **other), line(number))


def _change(source: str, position: Position, written: Written | bytes) -> Change | Broken:
    if isinstance(written, bytes):
        return Broken(source, "public.ordhdr", position, written, "it is no JSON")
    table, op, key, after = written
    return Change(source, table, op, key, None, after, position, str(position.log), AT, AT)


async def connected(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})


async def create_schemas(db: Connection) -> None:
    for path in SCHEMAS:
        await db.execute(schema_sql(path))
    await db.execute((ROOT / "commands/sql/commands.sql").read_text())


@asynccontextmanager
async def made(postgres: Postgres, database: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A graph with nothing in it."""
    await postgres.create_database(database)
    db = await connected(postgres.dsn(database))
    try:
        await create_schemas(db)
        yield db
    finally:
        await db.close()


async def check(db: Connection) -> None:
    """The graph is what its ledger gives, the versions have no holes, and every change is accounted for.

    Before a snapshot is whole the graph is older than the ledger.
    """
    await check_with(db, MAPPINGS)


async def check_with(db: Connection, mappings: Mappings) -> None:
    """As `check`, where the projector has another mapping."""
    if not await db.fetchval("select bool_or(snapshotting) from record.checkpoint"):
        assert differences(await replayed(db, mappings), await stored(db)) == []
    assert await db.fetch(_DISORDER) == []
    assert await db.fetch(_REMAINDERS) == []


async def check_told(db: Connection) -> None:
    """The last that the feed tells of an order is how it is."""
    assert await db.fetch(_UNTOLD) == []


async def dump(db: Connection) -> Mapping[str, list[tuple[Any, ...]]]:
    """All that a reader or the next projector would see."""
    return {table: sorted(map(tuple, await db.fetch(f"table {table}")), key=repr) for table in _TABLES}


_TABLES = ("record.checkpoint", "record.ledger", "record.feed", "record.dead_letter", "graph.orders", "graph.fact")
_DISORDER = """
select order_id from record.feed group by order_id
having min(version) <> 1 or max(version) <> count(*) or count(distinct key) <> count(*)
"""
_REMAINDERS = "select source from record.checkpoint where seen <> applied + superseded + dead + filtered"
_UNTOLD = """
select o.id, e.facets::text from graph.orders o
join lateral (select facets from record.feed f where f.order_id = o.id order by version desc limit 1) e on true
where (commercial, fulfillment, delivery, financial, return_state, health, display_status) is distinct from (
    facets ->> 'commercial', facets ->> 'fulfillment', facets ->> 'delivery', facets ->> 'financial',
    facets ->> 'return', facets ->> 'health', facets ->> 'display'
)
"""
